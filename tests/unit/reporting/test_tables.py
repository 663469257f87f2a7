"""Tables: their numbers are those of the results, stand-ins are marked, and the counts are right."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from remixup.errors import UserError
from remixup.replication.results import ExperimentResult, RecordedClaim, Replicated
from remixup.reporting import tables
from remixup.spec.experiment import Experiment

from .made_up import DIGITS, claim, entry, noise, recorded, tabular


def exactly(mean: float, std: float | None, n: int = 5) -> Replicated:
    """A sample with these very statistics."""
    return Replicated(mean=mean, std=std, n=n, ci95=None, values=[mean] * n, seeds=list(range(n)))


def small(**row: Any) -> Experiment:
    """An experiment with one row and one metric."""
    return Experiment.model_validate(
        {
            "id": "small",
            "paper": "zhang2018mixup",
            "title": "t",
            "where": "w",
            "summary": "s",
            "metrics": {"test_error.last": {"label": "test error"}},
            "rows": [{"id": "r", "label": "a_b & c", **row}],
            "tables": [{"id": "all", "caption": "C."}],
        }
    )


def result_of(*entries: Any, claims: Any = ()) -> ExperimentResult:
    return ExperimentResult(
        scale="embedded",
        experiment="small",
        entries=list(entries),
        claims=list(claims),
        curves={},
        evaluations={},
        costs=[],
        sources=[],
    )


def printed_table(*entries: Any, **row: Any) -> str:
    experiment = small(**row)
    return tables.results_table(experiment.tables[0], experiment, result_of(*entries))


def lines_of(table: str) -> list[list[str]]:
    """The cells of the lines below the head."""
    lines = [line for line in table.splitlines() if line.endswith("\\\\") and "&" in line and "multicolumn" not in line]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix("\\\\"))] for line in lines]


def test_numbers_are_those_of_the_result() -> None:
    first = entry("r", "test_error.last", 17.3, exactly(18.4567, 1.2345, 7), verdict="inconclusive")
    ((label, published, _, evidence, data, mean, pm, std, mark, n, difference, verdict),) = lines_of(
        printed_table(first)
    )
    assert label == r"a\_b \& c"
    assert (published, evidence, data) == ("17.3", "paper", "original")
    assert (mean, pm, std, mark, n) == ("18.5", r"$\pm$", "1.2", "", "7")
    assert difference == "+1.2", "18.4567 - 17.3, rounded once"
    assert verdict == r"\Inconclusive"


def test_every_number_of_the_made_up_results_is_a_rounding_of_the_truth() -> None:
    for experiment, result in (noise(), tabular()):
        (table,) = experiment.tables
        lines = lines_of(tables.results_table(table, experiment, result))
        width = len(lines[0])
        found = [[cell.removeprefix(r"\itshape ") for cell in line[width - 7 : width - 3]] for line in lines]
        wanted = []
        groups = {row.id: row.group for row in experiment.rows}
        in_order = list(dict.fromkeys(groups.values())), list(experiment.metrics)
        by_group = [(in_order[0].index(groups[e.row]), in_order[1].index(e.metric), e) for e in result.entries]
        for *_, each in sorted(by_group, key=lambda item: item[:2]):
            wanted += [each.replicated] + [r.replicated for r in [tables.best_record(each)] if r]
        assert len(found) == len(wanted)
        for (mean, _, std, *_), sample in zip(found, wanted, strict=True):
            if sample is None:
                assert (mean, std) == ("{--}", "")
                continue
            assert Decimal(sample.mean).quantize(Decimal(mean), ROUND_HALF_EVEN) == Decimal(mean)
            assert sample.std is not None
            assert Decimal(sample.std).quantize(Decimal(std), ROUND_HALF_EVEN) == Decimal(std)
            assert Decimal(mean).as_tuple().exponent == Decimal(std).as_tuple().exponent
            digits = std.replace(".", "").lstrip("0")
            assert len(digits) <= 2, "no false precision"


def test_a_single_run_has_no_deviation() -> None:
    ((*cells,),) = lines_of(printed_table(entry("r", "test_error.last", 17.3, exactly(18.4567, None, 1))))
    assert cells[-7:-3] == ["18.5", "", "", ""]


def test_without_published_number_there_is_nothing_to_compare() -> None:
    ((*cells,),) = lines_of(
        printed_table(entry("r", "test_error.last", None, exactly(1.0, 0.1), verdict="no published number"))
    )
    assert cells[-11] == "{--}"
    assert cells[-2:] == ["{--}", r"\NothingToCompare"]


def test_stand_ins_are_marked_and_explained() -> None:
    stand_in = {"stand_in": "digits_8 for CIFAR-10", "scale": "embedded", "verdict": "stand-in"}
    table = printed_table(entry("r", "test_error.last", 17.3, exactly(3.21, 0.12), **stand_in))
    ((*cells,),) = lines_of(table)
    assert cells[-7:-3] == [r"\itshape 3.21", r"$\pm$", r"\itshape 0.12", r"\standinmark{}"]
    assert cells[-2] == "{--}", "no difference to a number that it cannot be compared with"
    assert r"\tablenotes{\standinmark{}~Stand-in: digits\_8 for CIFAR-10.}" in table
    real = printed_table(entry("r", "test_error.last", 17.3, exactly(3.21, 0.12)))
    assert "itshape" not in real
    assert "standinmark" not in real
    assert "tablenotes" not in real


def test_several_kinds_of_stand_in_are_told_apart() -> None:
    other = recorded(exactly(4.0, 0.1), stand_in="imagenette for ImageNet", verdict="stand-in")
    live = {"stand_in": DIGITS, "scale": "embedded", "verdict": "stand-in"}
    table = printed_table(entry("r", "test_error.last", 17.3, exactly(3.0, 0.1), recorded=[other], **live))
    first, second = lines_of(table)
    assert (first[-4], second[-4]) == (r"\standinmark{1}", r"\standinmark{2}")
    note = r"\textsuperscript{1}\,scikit-learn's digits for CIFAR-10, and a narrow network; "
    assert note + r"\textsuperscript{2}\,imagenette for ImageNet." in table


def test_a_run_that_stands_in_in_several_ways_names_each_once() -> None:
    other = recorded(exactly(4.0, 0.1), stand_in="digits; 30 epochs for 200", verdict="stand-in")
    live = {"stand_in": "width 8; digits", "scale": "embedded", "verdict": "stand-in"}
    table = printed_table(entry("r", "test_error.last", 17.3, exactly(3.0, 0.1), recorded=[other], **live))
    assert [line[-4] for line in lines_of(table)] == [r"\standinmark{1,2}", r"\standinmark{2,3}"]
    for part in (r"{1}\,width 8", r"{2}\,digits", r"{3}\,30 epochs for 200"):
        assert table.count(part) == 1


def test_a_stand_in_that_was_not_run_needs_no_note() -> None:
    table = printed_table(entry("r", "test_error.last", 17.3, None, stand_in=DIGITS))
    assert "standinmark" not in table


def test_quoted_numbers_are_marked() -> None:
    table = printed_table(entry("r", "test_error.last", 23.5, exactly(23.4, 0.1), quoted=True))
    assert lines_of(table)[0][2] == r"\quotedmark{}"
    assert r"\quotedmark~Quoted" in table


def test_the_best_record_is_printed() -> None:
    runs = exactly(4.3, 0.1)
    worse = [
        recorded(exactly(1.1, 0.1, 9), scale="paper", stand_in="s", verdict="stand-in"),
        recorded(exactly(2.2, 0.1, 9), scale="reduced"),
        recorded(exactly(3.3, 0.1, 3), scale="paper"),
        recorded(runs, scale="paper", date="2025-01-01", dataset_version="old"),
    ]
    best = recorded(runs, scale="paper", date="2025-02-01", verdict="replicated", dataset_version="new")
    note = r"\recordmark~On record"
    for order in ([*worse, best], [best, *worse]):
        table = printed_table(entry("r", "test_error.last", 4.2, None, recorded=order))
        assert note in table
        (line,) = lines_of(table)  # in the place of the row that was not run here
        assert line[3:] == [r"paper\recordmark{}", "new", "4.30", r"$\pm$", "0.10", "", "5", "+0.10", r"\Replicated"]


def test_a_record_stands_below_what_was_run_here() -> None:
    own, kept = exactly(4.9, 0.1), recorded(exactly(4.3, 0.1), scale="paper", verdict="replicated")
    table = printed_table(entry("r", "test_error.last", 4.2, own, recorded=[kept]))
    first, second = lines_of(table)
    assert first[5] == "4.90"
    assert second[:3] == ["", "", ""]
    assert second[5] == "4.30"


def test_a_missing_number_is_an_error() -> None:
    with pytest.raises(UserError, match=r"small: the results lack test_error.last of row r"):
        printed_table(published={"test_error.last": 3.0})
    assert lines_of(printed_table(entry("r", "test_error.last", None, None))), "a row without numbers may be left out"


def test_a_record_of_this_very_run_is_not_repeated() -> None:
    runs = exactly(4.3, 0.1)
    own = recorded(runs, scale="paper")
    assert len(lines_of(printed_table(entry("r", "test_error.last", 4.2, runs, recorded=[own])))) == 1
    assert len(lines_of(printed_table(entry("r", "test_error.last", 4.2, exactly(4.4, 0.1), recorded=[own])))) == 2


def test_several_metrics_stand_under_headings_of_their_own() -> None:
    table = tables.results_table(noise()[0].tables[0], *noise())
    found = re.findall(r"\\emph\{(.*?)\}\} \\\\|^(?:\\addlinespace)?(ERM|mixup)", table, re.MULTILINE)
    first = r"20 \% of labels replaced: best test error (\%)"
    assert ["".join(each) for each in found][:5] == [
        first,
        "ERM",
        "ERM",
        "mixup",
        r"20 \% of labels replaced: last test error (\%)",
    ]


def test_groups_head_their_rows_even_where_the_file_mixes_them() -> None:
    document = small().model_dump()
    document["rows"] = [
        {"id": name, "label": name, "group": group} for name, group in [("a", "G 1"), ("b", "G_2"), ("c", "G 1")]
    ]
    experiment = Experiment.model_validate(document)
    result = result_of(*(entry(name, "test_error.last", None, exactly(1.0, 0.1)) for name in "abc"))
    table = tables.results_table(experiment.tables[0], experiment, result)
    order = re.findall(r"(?m)\\emph\{(.*?)\}|^([abc]) &", table)
    assert ["".join(found) for found in order] == ["G 1", "a", "c", r"G\_2", "b"]


def test_long_tables_break() -> None:
    assert r"\begin{longtable}" in tables.results_table(tabular()[0].tables[0], *tabular())
    assert r"\begin{longtable}" not in printed_table(entry("r", "test_error.last", 1.0, exactly(1.0, 0.1)))


def claims_of(*claims: Any) -> str:
    document = small().model_dump()
    document["claims"] = [
        {
            "id": each.id,
            "statement": "s",
            "where": "w",
            "metric": "test_error.last",
            "compare": [{"baseline": "r", "treatment": "r"}],
            "smallest_effect": 0.5,
        }
        for each in claims
    ]
    return tables.claims_table(Experiment.model_validate(document), result_of(claims=claims))


def test_claims_print_effect_interval_and_decision() -> None:
    ((*cells,),) = lines_of(claims_of(claim("c")))
    assert r"50 \% of the data\_sets (Section 3.9)" in cells[0]
    assert cells[1:] == [
        r"\num{0.5}\,\%",
        "paper",
        r"\num{+1.23}",
        r"[\num{0.99}, \num{1.48}]",
        r"\num{0.012}",
        "10",
        r"\Confirmed",
    ]


@pytest.mark.parametrize(
    ("holds", "stand_in", "decision"),
    [
        (True, None, r"\Confirmed"),
        (False, None, r"\Refuted"),
        (None, None, r"\Undecided"),
        (True, DIGITS, r"\DirectionShown"),
        (False, DIGITS, r"\DirectionNotShown"),
        (None, DIGITS, r"\Undecided"),
    ],
)
def test_a_stand_in_neither_confirms_nor_refutes(holds: bool | None, stand_in: str | None, decision: str) -> None:
    table = claims_of(claim("c", holds=holds, stand_in=stand_in))
    ((*cells,),) = lines_of(table)
    assert cells[-1] == decision
    assert (r"\textit{\num{+1.23}}\standinmark{}" in cells) is bool(stand_in)
    assert (r"\standinmark{}~Stand-in: " in table) is bool(stand_in)


def test_a_claim_on_record_has_its_own_line() -> None:
    record = RecordedClaim(scale="paper", holds=False, effect=0.1, ci95=(0.04, 0.16), p=0.00009, n=3, stand_in=None)
    never = claim("c", holds=None, effect=None, ci95=None, p=None, n=0, recorded=[record])
    first, second = lines_of(claims_of(never))
    assert first[2:] == ["--", "--", "", "--", "0", r"\Undecided"]
    assert second[2:] == [
        r"paper\recordmark{}",
        r"\num{+0.10}",
        r"[\num{0.04}, \num{0.16}]",
        r"$<\num{0.001}$",
        "3",
        r"\Refuted",
    ]


def test_no_claims_no_table() -> None:
    assert claims_of() == ""


def test_failed_and_diverged_runs_are_named_with_their_log() -> None:
    text = tables.troubles(*noise())
    assert text.count(r"ERM + dropout (p = 0.7)") == 2
    assert r"failed; see \texttt{results/\allowbreak{}embedded/\allowbreak{}logs/\allowbreak{}a\_\allowbreak{}b" in text
    assert r"(\texttt{dropout-\allowbreak{}50}) diverged." in text
    assert tables.troubles(small(), result_of(entry("r", "test_error.last", 1.0, exactly(1.0, 0.1)))) == ""


def test_best_evidence_of_a_number() -> None:
    runs, more = exactly(4.0, 0.1, 3), exactly(4.1, 0.1, 5)
    reduced = recorded(more, scale="reduced", verdict="replicated")
    standing = {"stand_in": DIGITS, "scale": "embedded", "verdict": "stand-in"}

    def best(*arguments: Any, **changes: Any) -> tuple[str, str]:
        return tables.best_evidence(entry("r", "test_error.last", 4.0, *arguments, **changes))

    assert best(None) == ("none", "not run")
    assert best(None, verdict="failed") == ("none", "failed")
    assert best(runs, **standing) == ("stand-in", "stand-in")
    assert best(runs, **standing, recorded=[reduced]) == ("reduced", "replicated")
    assert best(None, verdict="diverged", recorded=[reduced]) == ("reduced", "replicated")
    assert best(runs, verdict="not replicated", recorded=[reduced]) == ("paper", "not replicated")
    assert best(runs, scale="embedded") == ("embedded", "inconclusive")
    on_stand_in = recorded(more, stand_in="imagenette for ImageNet", scale="paper", verdict="stand-in")
    assert best(None, recorded=[on_stand_in]) == ("stand-in", "stand-in")
    shorter = recorded(more, scale="reduced", stand_in="30 epochs for 200", verdict="stand-in")
    assert best(runs, **standing, recorded=[shorter]) == ("reduced", "stand-in")
    paper = recorded(more, scale="paper", verdict="replicated")
    assert best(runs, recorded=[paper]) == ("paper", "replicated"), "of equals, the one with more runs"
    fewer = recorded(runs, scale="paper", verdict="replicated")
    assert best(more, recorded=[fewer]) == ("paper", "inconclusive")
    assert best(more, verdict="diverged", recorded=[fewer]) == ("paper", "replicated"), "a broken sample counts less"


def test_counts_by_hand() -> None:
    runs = exactly(4.0, 0.1)
    entries = [
        entry("a", "test_error.last", 4.0, runs, verdict="replicated"),
        entry("b", "test_error.last", 4.0, runs, verdict="not replicated", paper="zhang2021"),
        entry("c", "test_error.last", 4.0, runs, stand_in="s", scale="embedded", verdict="stand-in"),
        entry("d", "test_error.last", 4.0, None),
        entry("e", "test_error.last", None, runs, verdict="no published number"),
        entry("f", "test_error.last", 4.0, None, recorded=[recorded(runs, verdict="inconclusive")]),
    ]
    kinds, verdicts = tables.count_numbers(entries)
    assert kinds == {"paper": 2, "reduced": 1, "stand-in": 1, "none": 1}
    assert verdicts == {"replicated": 1, "not replicated": 1, "inconclusive": 1, "stand-in": 1, "not run": 1}
    front = tables.numbers_front(entries, ["zhang2018mixup", "zhang2021"])
    # numbers; paper, reduced, stand-in, none; replicated, not replicated, inconclusive, no verdict
    assert r"\citet{zhang2018mixup} & 4 & 1 & 1 & 1 & 1 & 1 & 0 & 1 & 2 \\" in front
    assert r"\citet{zhang2021} & 1 & 1 & 0 & 0 & 0 & 0 & 1 & 0 & 0 \\" in front
    assert r"All & 5 & 2 & 1 & 1 & 1 & 1 & 1 & 1 & 2 \\" in front


def test_claim_counts_by_hand() -> None:
    record = RecordedClaim(scale="reduced", holds=True, effect=1.0, ci95=(0.9, 1.1), p=0.001, n=5, stand_in=None)
    shorter = record.model_copy(update={"stand_in": "30 epochs for 200"})
    never = {"effect": None, "ci95": None, "p": None, "n": 0, "holds": None}
    claims = [
        claim("a"),
        claim("b", holds=False),
        claim("c", stand_in=DIGITS, scale="embedded", holds=False),
        claim("d", stand_in=DIGITS, scale="embedded", holds=None, recorded=[record]),
        claim("e", **never),
        claim("f", **never, recorded=[shorter]),
        claim("g", stand_in=DIGITS, scale="embedded", holds=None),
    ]
    front = tables.claims_front(claims)
    # confirmed, refuted, direction shown, not shown, undecided, all
    for line in (
        "paper & 1 & 1 & 0 & 0 & 0 & 2",
        "reduced & 1 & 0 & 1 & 0 & 0 & 2",
        "stand-in & 0 & 0 & 0 & 1 & 1 & 2",
        "none & 0 & 0 & 0 & 0 & 1 & 1",
        "All & 2 & 1 & 1 & 1 & 2 & 7",
    ):
        assert line in front
