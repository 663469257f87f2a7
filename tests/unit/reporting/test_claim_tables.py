"""Section S1: which part of a table a claim is in, and what its line says."""

from __future__ import annotations

from typing import Any

import pytest

from remixup.config.experiment import Experiment
from remixup.reporting.claim_tables import claim_tables, sort_claims
from remixup.reporting.evidence import Judged, judge
from remixup.reporting.settings import Settings

from .sample_claims import EMBEDDED, NEVER, SHORT, on_record, with_ours
from .sample_evaluations import evaluated
from .sample_results import DIGITS, claim, entry, recorded
from .small_experiment import exactly, lines_of, log_of, result_of, small

WHY = "the surrogate of r is not informative: ERM does not fit; the test set is small"


def judged_claims(*claims: Any, stated: dict[str, dict[str, Any]] | None = None) -> list[Judged]:
    compare: dict[str, Any] = {"compare": [{"baseline": "r", "treatment": "r"}], "smallest_effect": 0.5}
    fixed = {"statement": "s", "where": "w", "metric": "test_error.last", **compare}
    document = small().model_dump()
    document["claims"] = [{"id": each.id, **fixed, **(stated or {}).get(each.id, {})} for each in claims]
    return judge([Experiment.model_validate(document)], [result_of(claims=claims)])


def lines(*claims: Any, **stated: dict[str, Any]) -> list[list[str]]:
    (table,) = claim_tables(sort_claims(judged_claims(*claims, stated=stated)), Settings([]))
    return lines_of(table)


def order(claims: list[Judged]) -> list[str]:
    return [each.claim.id for each in sort_claims(claims)]


def test_a_line_has_sentence_effect_with_interval_and_outcome() -> None:
    (cells,) = lines(claim("c"))
    assert cells == [
        r"\claimnumber{1}{small.c}",
        r"mixup has a lower test error than ERM on 50 \% of the data\_sets \aside{(Section 3.9)}",
        "paper",
        "10",
        r"\num{+1.23} [\num{0.99}, \num{1.48}]",
        r"\num{0.5}\,\%",
        "0.012",
        r"\Supported",
    ]
    ((*_, p, _),) = lines(claim("c", p=0.00002))
    assert p == r"\mbox{$<$\,0.001}"


@pytest.mark.parametrize(
    ("outcome", "surrogate", "printed"),
    [
        ("supported", None, r"\Supported"),
        ("contradicted", None, r"\Contradicted"),
        ("protocol not recovered", None, r"\ProtocolNotRecovered"),
        ("supported", DIGITS, r"\Agrees"),
        ("no effect", DIGITS, r"\Disagrees"),
        ("positive", DIGITS, r"\Open"),
    ],
)
def test_a_surrogate_neither_supports_nor_contradicts(outcome: str, surrogate: str | None, printed: str) -> None:
    ((_, _, where, *_, last),) = lines(claim("c", outcome=outcome, surrogate=surrogate))
    assert (where, last) == ("s1" if surrogate else "paper", printed)


def test_parts_follow_each_other_primary_first_and_ours_last() -> None:
    useless = {"outcome": "not informative", "why": WHY, **SHORT, "scale": "reduced-cpu"}
    claims = [
        claim("mine", source="ours"),
        claim("never", **NEVER),
        claim("useless", **useless),
        claim("open", outcome="open"),
        claim("unrecovered", outcome="protocol not recovered"),
        claim("decided"),
        claim("first", primary=True, outcome="open"),
    ]
    found = judged_claims(*claims)
    assert order(found) == [
        "first",
        "decided",
        "open",
        "unrecovered",
        "useless",
        "never",
        "mine",
    ]
    (table,) = claim_tables(sort_claims(found), Settings([]))
    heads = [
        "Primary",
        "With an outcome",
        "Open, or protocol not recovered",
        "Not informative",
        "ERM does not fit",
        "Not run",
        "Ours",
    ]
    places = [table.index(rf"\textbf{{{head}") if head[0] != "E" else table.index(head) for head in heads]
    assert places == sorted(places)
    assert r"\claimnumber{7}{small.mine}" in table, "numbers follow the order"


def test_a_reason_is_told_once_for_all_claims_that_share_it() -> None:
    useless = {"outcome": "not informative", **SHORT, "scale": "reduced-cpu"}
    other = WHY.replace("ERM does not fit", "a small gap")
    claims = [claim("a", why=WHY, **useless), claim("b", why=other, **useless), claim("c", why=WHY, **useless)]
    found = judged_claims(*claims)
    assert order(found) == ["a", "c", "b"]
    (table,) = claim_tables(sort_claims(found), Settings([]))
    assert table.count("ERM does not fit") == table.count("a small gap") == 1
    assert "the test set is small" not in table, "the first reason is enough"
    ((_, sentence, *_),) = lines(claim("p", primary=True, why=WHY, **useless))
    assert sentence.endswith(r"\aside{Not informative: ERM does not fit.}")


@pytest.mark.parametrize("outcome", ["supported", "not informative"])
def test_a_smoke_test_is_no_run(outcome: str) -> None:
    ((_, _, where, n, effect, least, p, shown),) = lines(claim("c", **EMBEDDED, outcome=outcome, why=WHY))
    assert (where, n, effect, p, shown) == ("--", "", "", "", r"\NotRun")
    assert least == r"\num{0.5}\,\%"
    on_more = claim("c", **EMBEDDED, outcome=outcome, recorded=[on_record("reduced", **SHORT)])
    assert lines(on_more)[0][-1] == r"\Agrees", "a record counts all the same"


def test_what_is_not_informative_is_grey() -> None:
    ((_, _, _, _, effect, *_),) = lines(
        claim("c", outcome="not informative", why=WHY, scale="reduced-cpu", surrogate="30 epochs for 200")
    )
    assert effect == r"\weak{\num{+1.23} [\num{0.99}, \num{1.48}]}"


def test_evidence_names_the_settings_of_its_rows() -> None:
    stated = {"compare": [{"baseline": "r", "treatment": "t"}]}
    document = small().model_dump()
    document["rows"] = [{"id": name, "label": name} for name in "rt"]
    fixed = {"id": "c", "statement": "s", "where": "w", "metric": "test_error.last", "smallest_effect": 0.5}
    document["claims"] = [{**fixed, **stated}]
    short: dict[str, Any] = {"scale": "reduced", "verdict": "surrogate", "experiment": "small"}
    former = recorded(exactly(4.0, 0.1), scale="reduced", surrogate="an earlier setting", verdict="surrogate")
    entries = [
        entry("r", "test_error.last", None, exactly(4.0, 0.1), surrogate="narrow", recorded=[former], **short),
        entry("t", "test_error.last", None, exactly(4.0, 0.1), surrogate="wide", **short),
    ]
    result = result_of(*entries, claims=[claim("c", scale="reduced", surrogate="narrow; wide")])
    found = judge([Experiment.model_validate(document)], [result])
    settings = Settings([result])
    settings.names(["narrow"], "small")
    (table,) = claim_tables(found, settings)
    assert lines_of(table)[0][2] == "s1, s2"
    assert [line[:1] + line[2:3] for line in lines_of(settings.table())] == [["s1", "narrow"], ["s2", "wide"]]


def test_a_mark_says_that_seeds_are_those_of_a_freeze() -> None:
    frozen = on_record("paper").model_copy(update={"standing": "confirmatory", "freeze": "some-1"})
    ((_, _, where, *_),) = lines(claim("c", **NEVER, recorded=[frozen]))
    assert where == r"paper\frozenmark{}"


def test_remarks_follow_the_outcome() -> None:
    dissent = claim("c", outcome="open", recorded=[on_record("reduced", **SHORT)])
    assert lines(dissent)[0][-1] == r"\Open{} \aside{s1: agrees}"
    weak = claim("c", scale="paper", outcome="contradicted", recorded=[on_record("embedded", surrogate=DIGITS)])
    assert lines(weak)[0][-1] == r"\Contradicted", "the smoke test has no say"
    chosen = {"compare": [{"baseline": "r", "treatment": "r"}]}
    assert lines(claim("c", untried=["r"]), c=chosen)[0][-1] == r"\Supported{} \aside{0 of 1 rows}"


def test_what_an_effect_is_compared_with() -> None:
    found = judge([evaluated()[0]], [evaluated()[1]])
    (table,) = claim_tables(sort_claims(found), Settings([evaluated()[1]]))
    limits = {line[1].partition(r" \aside")[0]: line[5] for line in lines_of(table)}
    assert limits == {
        "mixup errs less": r"\num{0.2}\,\%",
        "mixup helps no more than that": r"$\leq$\,\num{0.2}\,\%",
        r"ERM misses at most 5 \%": r"max \num{5}\,\%",
    }


def test_no_false_precision_in_an_interval() -> None:
    assert lines(claim("c", effect=12.3456, ci95=(-5.432, 30.123)))[0][4] == r"\num{+12} [\num{-5}, \num{30}]"
    narrow = claim("c", effect=0.012345, ci95=(0.012, 0.0127))
    assert lines(narrow)[0][4] == r"\num{+0.01} [\num{0.01}, \num{0.01}]", "of one decimal"


def test_each_paper_has_a_table_that_fits_the_page(tmp_path: Any) -> None:
    long = claim(
        "c", statement="a long statement " * 12, **{**SHORT, "scale": "reduced-cpu"}, outcome="not informative"
    )
    tables = claim_tables(sort_claims([*with_ours(), *judged_claims(long)]), Settings([]))
    assert len(tables) == 1
    assert "Overfull" not in log_of(tmp_path, tables[0])
