"""What the article's functions print, on made-up results."""

from __future__ import annotations

import re
from typing import Any

import pytest

from remixup.analysis.best_evidence import summary
from remixup.analysis.result_schema import Code, Replication
from remixup.config.experiment import Experiment
from remixup.errors import UserError
from remixup.reporting.article_printing import decimals_of, words
from remixup.reporting.article_values import Values

from .sample_article import EMBEDDED, SHORT, values
from .sample_claims import on_record
from .sample_results import claim, entry
from .small_experiment import small


def shown(linked: str) -> str:
    """Return what a link to a result prints."""
    found = re.fullmatch(r"\\result\{[^{}]+\}\{(.+)\}", linked)
    assert found is not None, linked
    return found[1]


def test_effects_as_printed() -> None:
    found = values()
    assert shown(found.effect("made-up/better")) == r"\num{1.2} points [\num{1.0}, \num{1.5}]"
    assert shown(found.effect("made-up/worse")) == r"\num{-0.7} points [\num{-1.0}, \num{-0.4}]"
    assert shown(found.increase("made-up/worse")) == r"\num{0.7} points [\num{0.4}, \num{1.0}]"
    assert shown(found.effect("made-up/wide")) == r"\num{3.2} points [\num{-9.5}, \num{15.9}]", "one decimal below ten"
    assert shown(found.effect("made-up/far")) == r"\num{34} points [\num{31}, \num{38}]"
    assert shown(found.effect("made-up/exact")) == r"\num{33.3} points", "an interval without width is not printed"
    assert shown(found.effect("made-up/plain")) == r"\num{0.09} [\num{0.02}, \num{0.17}]"
    assert shown(found.value_of("made-up/limit")) == r"\num{3.0}\,\% [\num{2.5}, \num{3.5}]"
    assert found.smallest("made-up/better") == "0.5 points"
    assert found.size("made-up/worse") == -0.678


def test_the_effect_in_a_former_setting() -> None:
    short, long = ({"scale": "reduced-cpu", "surrogate": f"{epochs} epochs for 200"} for epochs in (30, 100))
    tests = [
        on_record(**long, effect=2.0, ci95=(1.6, 2.4)),
        on_record(**{**short, "scale": "reduced"}, effect=9.0, ci95=(8.0, 10.0)),
        on_record(**short, effect=-4.0, ci95=(-5.0, -3.0)),
    ]
    found = values([claim("longer", **EMBEDDED, recorded=tests)])
    assert shown(found.effect("made-up/longer")).startswith(r"\num{9.0}"), "a scale closer to the published protocol"
    found = values([claim("longer", **EMBEDDED, recorded=[tests[0], tests[2]])])
    assert shown(found.effect("made-up/longer")).startswith(r"\num{2.0}")
    assert shown(found.former_effect("made-up/longer")).startswith(r"\num{-4.0}")
    assert found.former_sign("made-up/longer") == "-"
    with pytest.raises(UserError, match="has no former setting"):
        values().former_sign("made-up/better")


@pytest.mark.parametrize(("half", "decimals"), [(12.7, 0), (2.9, 0), (1.9, 1), (0.47, 1), (0.157, 2), (0.078, 2)])
def test_an_interval_has_one_digit_of_its_half_width_or_two_from_one_to_two(half: float, decimals: int) -> None:
    assert decimals_of(half) == decimals


def test_findings_signs_and_seeds() -> None:
    found = values()
    said = {name: found.finding(f"made-up/{name}") for name in ("better", "worse", "digits-alone", "digits-too")}
    wanted = {"better": "supported", "worse": "contradicted", "digits-alone": "not run", "digits-too": "agrees"}
    assert said == wanted
    assert [found.sign(f"made-up/{name}") for name in ("better", "worse", "wide", "exact")] == ["+", "-", "none", "+"]
    assert (found.n("made-up/worse"), found.n("made-up/digits-too")) == (40, 5)


def test_numbers_as_printed() -> None:
    found = values()
    assert shown(found.value("made-up/erm")) == r"\num{12.3}\,\%"
    assert shown(found.value("made-up/erm", decimals=2)) == r"\num{12.34}\,\%"
    assert shown(found.value("made-up/p", "on_the_line.point0", 3)) == r"\num{0.171}"
    assert shown(found.published("made-up/erm")) == r"\num{12.5}\,\%"
    assert found.seeds("made-up/short") == 10
    assert found.spread("made-up/erm") == pytest.approx(0.1)
    assert found.differs("made-up/erm", "made-up/mixup") == pytest.approx(1.34)
    assert shown(found.published_or_dash("made-up/erm", "test_error.last", 2)) == r"\num{12.50}\,\%"
    assert found.published_or_dash("made-up/erm", "test_error.best", 2) == "--"
    assert found.papers_with_numbers() == {"zhang2018mixup"}
    assert shown(found.gain("made-up/mixup")).startswith(r"\num{0.4")
    assert shown(found.published_gain("made-up/mixup")) == r"\num{1.5}"
    assert shown(found.fit("made-up/erm")) == r"\num{10.9}\,\%", "that of the embedded surrogate does not count"
    verdicts = [found.verdict(f"made-up/{row}") for row in ("erm", "mixup", "digits", "short")]
    assert verdicts == ["replicated", "not replicated", "not run", "surrogate"]
    assert found.gain_verdict("made-up/mixup") == "not replicated"


def test_counts() -> None:
    found = values()
    assert found.numbers() == 5
    assert found.numbers("compared") == 3
    assert found.numbers("replicated", "made-up") == 1
    assert found.numbers("compared", "another") == 0
    assert (found.gains(), found.gains("replicated")) == (1, 0)
    assert found.claims() == 9
    assert found.claims(source="ours") == 1
    assert found.claims("supported", "contradicted", protocol="published") == 6
    assert found.claims(protocol="surrogate") == 1
    assert found.claims("not run") == 1
    assert found.claims(paper="bao2023") == 0
    assert [found.claims("supported", within=[name]) for name in ("made-up", "made-up/better", "another")] == [5, 1, 0]
    assert found.numbers("compared", "made-up/erm") == 1
    assert (found.numbers_of_logs(), found.frozen_claims()) == (0, [])
    assert found.on_gpu() == 1
    assert [words(count) for count in (0, 3, 12, 13, 1234)] == ["no", "three", "twelve", "13", "1,234"]


def test_frozen_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim counts if its best evidence is of a freeze: not if the published protocol was run without one."""
    frozen: dict[str, Any] = {"standing": "confirmatory", "freeze": "made-up-1"}
    of_freeze = on_record(**SHORT, **frozen, effect=2.0, ci95=(1.6, 2.4))
    limit = on_record(**SHORT, **{**frozen, "freeze": "made-up-2"}, effect=3.0, ci95=(2.5, 3.5))
    found = values(
        [
            claim(
                "frozen",
                **EMBEDDED,
                statement="mixup with $\\alpha = 1$ saves 1 %",
                smallest_effect=1.0,
                recorded=[on_record(**{**SHORT, "surrogate": "another"}, effect=9.0), on_record(**SHORT), of_freeze],
            ),
            claim("published", recorded=[of_freeze]),
            claim("explored", **EMBEDDED, recorded=[on_record(**SHORT)]),
            claim("bounded", **EMBEDDED, source="ours", smallest_effect=0.0, limit=10.0, recorded=[limit]),
        ]
    )
    assert found.frozen_claims() == ["made-up/frozen"]
    assert shown(found.effect("made-up/frozen")).startswith(r"\num{2.0} points")
    assert shown(found.effect_on_all_seeds("made-up/frozen")).startswith(r"\num{1.00} points")
    assert found.frozen_claims("ours") == ["made-up/bounded"]
    assert found.statement("made-up/frozen").endswith(r"{mixup with $\alpha = 1$ saves 1 \%}")
    assert found.smallest("made-up/frozen") == "1 point"
    assert (found.limit("made-up/frozen"), found.limit("made-up/bounded")) == (None, 10.0)
    assert found.threshold("made-up/bounded") == "at most 10"
    monkeypatch.setattr("remixup.analysis.freezes.names", lambda: ["made-up-3", "made-up-1", "made-up-2"])
    assert (len(found.freezes()), found.incomplete_freezes()) == (3, ["made-up-3"])


def stated(name: str, baseline: str) -> dict[str, Any]:
    compared = [{"baseline": baseline, "treatment": "mixup"}]
    fields = {"statement": "s", "where": "w", "metric": "test_error.last", "compare": compared}
    return {"id": name, **fields, "smallest_effect": 0.5}


def test_what_a_claim_states_of_itself() -> None:
    rows = [{"id": name, "label": name} for name in ("erm", "noise", "views", "mixup")]
    both = [{"baseline": row, "treatment": "mixup"} for row in ("erm", "noise")]
    claims = [
        {**stated("checked", "erm"), "compare": both},
        {**stated("not-checked", "views"), "expect": "no more"},
        stated("surrogate", "views"),
    ]
    made_up = {**small().model_dump(exclude_unset=True), "id": "made-up", "rows": rows, "claims": claims}
    results = [claim("checked"), claim("not-checked"), claim("surrogate", surrogate="small", scale="reduced")]
    numbers = {"erm": 12.5, "noise": 13.7, "mixup": 11.0, "views": None}
    entries = [entry(row, "test_error.last", number, None) for row, number in numbers.items()]
    counts, code = summary(entries, results), Code(commit=None, dirty=None)
    whole = Replication(scale="embedded", code=code, summary=counts, entries=entries, differences=[], claims=results)
    found = Values([Experiment.model_validate(made_up)], [], whole)
    assert (found.unchecked("supported"), found.unchecked("contradicted")) == (1, 0)
    thresholds = [found.threshold(f"made-up/{name}") for name in ("checked", "not-checked")]
    assert thresholds == ["0.5 points", r"$\leq$ 0.5 points"]
    assert shown(found.published_effect("made-up/checked")) == r"\num{2.1} points", "the mean of 1.5 and 2.7"
    with pytest.raises(UserError, match="no number of 'made-up/views' is published"):
        found.published_effect("made-up/not-checked")


def test_a_link_leads_to_the_page_of_results() -> None:
    assert values().link("made-up/better", "50 % less") == r"\href{results.html\#claim-made-up.better}{50 \% less}"


def test_a_number_leads_to_its_row_in_the_page_of_results() -> None:
    found = values()
    assert found.effect("made-up/better").startswith(r"\result{claim-made-up.better}{")
    assert found.value("made-up/erm") == r"\result{number-made-up.erm.test_error.last}{\num{12.3}\,\%}"
    assert found.published_gain("made-up/mixup") == r"\result{difference-made-up.mixup.test_error.last}{\num{1.5}}"
    assert found.fit("made-up/erm").startswith(r"\result{number-made-up.erm.test_error.last}{")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda found: found.effect("made-up/bettr"), "unknown claim 'made-up/bettr' (did you mean 'made-up/better'?)"),
        (lambda found: found.effect("made-up/digits-alone"), "the claim 'made-up/digits-alone' has no effect to print"),
        (lambda found: found.value("made-up/er"), "unknown number 'made-up/er test_error.last'"),
        (lambda found: found.value("made-up/digits"), "a number without runs has no value to print"),
        (lambda found: found.gain("made-up/erm"), "unknown difference 'made-up/erm test_error.last'"),
        (lambda found: found.fit("made-up/mixup"), "unknown row 'made-up/mixup'"),
        (lambda found: found.fit("made-up/unknown"), "the training loss of 'made-up/unknown' is not known"),
    ],
)
def test_what_the_results_lack_is_an_error(call, message: str) -> None:
    with pytest.raises(UserError) as caught:
        call(values())
    assert message in str(caught.value)
