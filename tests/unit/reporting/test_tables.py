"""Tables: their numbers are those of the results, surrogates are marked."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from remixup.analysis.best_evidence import best_record
from remixup.config.experiment import Experiment
from remixup.errors import UserError
from remixup.reporting import tables
from remixup.reporting.experiment_section import section

from .sample_evaluations import GRID, SMALLER, evaluated, one
from .sample_results import DIGITS, entry, noise, recorded, tabular
from .small_experiment import body_of, exactly, lines_of, result_of, small


def printed_table(*entries: Any, **row: Any) -> str:
    experiment = small(**row)
    return tables.table(experiment.tables[0], experiment, result_of(*entries))


def cells_of(table: str) -> list[list[str]]:
    """The cells of the lines below the head, without what sets and aligns their numbers."""
    return [[re.sub(r"\\num\{([^}]*)\}|\\phantom\{[^}]*\}", r"\1", cell) for cell in line] for line in lines_of(table)]


def test_numbers_are_those_of_the_result() -> None:
    first = entry("r", "test_error.last", 17.3, exactly(18.4567, 1.2345, 7), verdict="inconclusive")
    ((label, published, _, evidence, data, mean, pm, std, mark, n, difference, verdict),) = cells_of(
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
        lines = cells_of(tables.table(table, experiment, result))
        width = len(lines[0])
        found = [[cell.removeprefix(r"\itshape ") for cell in line[width - 7 : width - 3]] for line in lines]
        wanted = []
        groups = {row.id: row.group for row in experiment.rows}
        in_order = list(dict.fromkeys(groups.values())), list(experiment.metrics)
        by_group = [(in_order[0].index(groups[e.row]), in_order[1].index(e.metric), e) for e in result.entries]
        for *_, each in sorted(by_group, key=lambda item: item[:2]):
            wanted += [each.replicated] + [r.replicated for r in [best_record(each)] if r]
        assert len(found) == len(wanted)
        for (mean, _, std, *_), sample in zip(found, wanted, strict=True):
            if sample is None:
                assert (mean, std) == ("--", "")
                continue
            assert Decimal(sample.mean).quantize(Decimal(mean), ROUND_HALF_EVEN) == Decimal(mean)
            assert sample.std is not None
            assert Decimal(sample.std).quantize(Decimal(std), ROUND_HALF_EVEN) == Decimal(std)
            assert Decimal(mean).as_tuple().exponent == Decimal(std).as_tuple().exponent
            digits = std.replace(".", "").lstrip("0")
            assert len(digits) <= 2, "no false precision"


def test_a_single_run_has_no_deviation() -> None:
    ((*cells,),) = cells_of(printed_table(entry("r", "test_error.last", 17.3, exactly(18.4567, None, 1))))
    assert cells[-7:-3] == ["18.5", "", "", ""]


def test_without_published_number_there_is_nothing_to_compare() -> None:
    ((*cells,),) = cells_of(
        printed_table(entry("r", "test_error.last", None, exactly(1.0, 0.1), verdict="no published number"))
    )
    assert cells[-11] == "--"
    assert cells[-2:] == ["--", r"\NoPublishedNumber"]


def test_surrogates_are_marked_and_explained() -> None:
    surrogate = {"stand_in": "digits_8 for CIFAR-10", "scale": "embedded", "verdict": "stand-in"}
    table = printed_table(entry("r", "test_error.last", 17.3, exactly(3.21, 0.12), **surrogate))
    ((*cells,),) = cells_of(table)
    assert cells[-7:-3] == [r"\itshape 3.21", r"$\pm$", r"\itshape 0.12", r"\surrogatemark{}"]
    assert cells[-2] == "--", "no difference to a number that it cannot be compared with"
    assert r"\tablenotes{\surrogatemark{}~Surrogate: digits\_8 for CIFAR-10.}" in table
    real = printed_table(entry("r", "test_error.last", 17.3, exactly(3.21, 0.12)))
    assert "itshape" not in real
    assert "surrogatemark" not in real
    assert "tablenotes" not in real


def test_several_kinds_of_surrogate_are_told_apart() -> None:
    other = recorded(exactly(4.0, 0.1), stand_in="imagenette for ImageNet", verdict="stand-in")
    live = {"stand_in": DIGITS, "scale": "embedded", "verdict": "stand-in"}
    table = printed_table(entry("r", "test_error.last", 17.3, exactly(3.0, 0.1), recorded=[other], **live))
    first, second = cells_of(table)
    assert (first[-4], second[-4]) == (r"\surrogatemark{1}", r"\surrogatemark{2}")
    note = r"\textsuperscript{1}\,scikit-learn's digits for CIFAR-10, and a narrow network; "
    assert note + r"\textsuperscript{2}\,imagenette for ImageNet." in table


def test_a_run_that_stands_in_in_several_ways_names_each_once() -> None:
    other = recorded(exactly(4.0, 0.1), stand_in="digits; 30 epochs for 200", verdict="stand-in")
    live = {"stand_in": "width 8; digits", "scale": "embedded", "verdict": "stand-in"}
    table = printed_table(entry("r", "test_error.last", 17.3, exactly(3.0, 0.1), recorded=[other], **live))
    assert [line[-4] for line in cells_of(table)] == [r"\surrogatemark{1,2}", r"\surrogatemark{2,3}"]
    for part in (r"{1}\,width 8", r"{2}\,digits", r"{3}\,30 epochs for 200"):
        assert table.count(part) == table.count(r"\tablenotes"), "once in the notes, which stand on each page"


def test_a_surrogate_that_was_not_run_needs_no_note() -> None:
    table = printed_table(entry("r", "test_error.last", 17.3, None, stand_in=DIGITS))
    assert "surrogatemark" not in table


def test_quoted_numbers_are_marked() -> None:
    table = printed_table(entry("r", "test_error.last", 23.5, exactly(23.4, 0.1), quoted=True))
    assert cells_of(table)[0][2] == r"\quotedmark{}"
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
        (line,) = cells_of(table)  # in the place of the row that was not run here
        assert line[3:] == [r"paper\recordmark{}", "new", "4.30", r"$\pm$", "0.10", "", "5", "+0.10", r"\Replicated"]


def test_a_record_stands_below_what_was_run_here() -> None:
    own, stored = exactly(4.9, 0.1), recorded(exactly(4.3, 0.1), scale="paper", verdict="replicated")
    table = printed_table(entry("r", "test_error.last", 4.2, own, recorded=[stored]))
    first, second = cells_of(table)
    assert first[5] == "4.90"
    assert second[:3] == ["", "", ""]
    assert second[5] == "4.30"


def test_a_missing_number_is_an_error() -> None:
    with pytest.raises(UserError, match=r"small: the results lack test_error.last of row r"):
        printed_table(published={"test_error.last": 3.0})
    assert cells_of(printed_table(entry("r", "test_error.last", None, None))), "a row without numbers may be left out"


def test_a_record_of_this_very_run_is_not_repeated() -> None:
    runs = exactly(4.3, 0.1)
    own = recorded(runs, scale="paper")
    assert len(cells_of(printed_table(entry("r", "test_error.last", 4.2, runs, recorded=[own])))) == 1
    assert len(cells_of(printed_table(entry("r", "test_error.last", 4.2, exactly(4.4, 0.1), recorded=[own])))) == 2
    rounded = recorded(runs.model_copy(update={"values": [value + 1e-15 for value in runs.values]}))
    assert len(cells_of(printed_table(entry("r", "test_error.last", 4.2, runs, recorded=[rounded])))) == 1
    fewer = recorded(runs.model_copy(update={"values": runs.values[:-1]}))
    assert len(cells_of(printed_table(entry("r", "test_error.last", 4.2, runs, recorded=[fewer])))) == 2


def test_several_metrics_stand_under_headings_of_their_own() -> None:
    table = tables.table(noise()[0].tables[0], *noise())
    found = re.findall(r"\\emph\{(.*?)\}\} \\\\|^\\rowlabel\{(ERM|mixup)", body_of(table), re.MULTILINE)
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
    table = tables.table(experiment.tables[0], experiment, result)
    order = re.findall(r"(?m)\\emph\{(.*?)\}|^\\rowlabel\{([abc])\}", body_of(table))
    assert ["".join(found) for found in order] == ["G 1", "a", "c", r"G\_2", "b"]


def troubles(experiment: Experiment, result: Any) -> str:
    """What the section says of failed runs."""
    text = section(experiment, result)
    return text.partition(r"\troubles{")[2].partition("\n")[0]


def test_failed_and_diverged_runs_are_named_with_their_log() -> None:
    text = troubles(*noise())
    assert text.count(r"ERM + dropout (p = 0.7)") == 2
    assert r"failed; see \texttt{results/\allowbreak{}embedded/\allowbreak{}logs/\allowbreak{}a\_\allowbreak{}b" in text
    assert r"(\texttt{dropout-\allowbreak{}50}) diverged." in text
    assert troubles(small(), result_of(entry("r", "test_error.last", 1.0, exactly(1.0, 0.1)))) == ""


def test_what_has_no_value_did_not_diverge() -> None:
    nothing = entry("r", "test_error.last", 17.3, None, verdict="no value")
    ((*cells,),) = cells_of(printed_table(nothing))
    assert cells[-9:] == ["--", "", "--", "", "", "", "", "--", r"\NoValue"]
    assert troubles(small(), result_of(nothing)) == ""


def evaluated_table(number: int, **changes: Any) -> str:
    experiment, result = evaluated()
    return tables.table(experiment.tables[number], experiment, result.model_copy(update=changes))


def test_a_row_without_the_metric_of_its_group_has_an_empty_line() -> None:
    lines = cells_of(evaluated_table(0))
    assert [line[0] for line in lines] == ["ERM", r"mixup ($\alpha = 1$)", "never run"] * 2
    misses, empty, other = lines[3:]
    assert misses[5] == r"\itshape 3.38"
    assert set(empty[1:]) == set(other[1:]) == {""}
    assert "Validation error" not in evaluated_table(0), "what no row has is left out"


def test_rows_of_another_scale_are_counted_below() -> None:
    assert "One row is run at paper scale only." in evaluated_table(0)
    assert evaluated_table(2) == r"\elsewhere{paper}{What takes days.}"
    assert r"\begin{longtable}" in evaluated_table(2, scale="paper")


def test_a_choice_takes_the_smallest_mean_of_each_metric() -> None:
    table = evaluated_table(1)
    by_test, by_validation = lines_of(table)
    mark = r"\surrogatemark{}"
    # The smallest test error is that of 0.2; the smallest validation error that of 0.4, whose test error is larger.
    own = rf"\itshape \num{{5.5}}{mark}"
    assert by_test == ["Test error", r"mixup ($\alpha = 0.2$)", "3", "embedded", own, own, "1"]
    cells = [rf"\itshape \num{{20.1}}{mark}", rf"\itshape \num{{6.4}}{mark}"]
    assert by_validation == ["Validation error", r"mixup ($\alpha = 0.4$)", "3", "embedded", *cells, "1"]
    assert rf"Surrogate: {SMALLER}" in table
    assert r"\emph{a grid}" in table


@pytest.mark.parametrize("verdict", ["failed", "diverged", "no value"])
def test_a_choice_knows_only_whole_samples_of_this_report(verdict: str) -> None:
    _, result = evaluated()
    best = recorded(one(0.5), scale="paper")
    changed = []
    for each in result.entries:
        broken = {"verdict": verdict} if each.row == "grid-0.2" else {}
        changed.append(each.model_copy(update={**broken, "recorded": [best] if each.row == "grid-0.1" else []}))
    by_test, by_validation = lines_of(evaluated_table(1, entries=changed))
    assert by_test[1:3] == [r"mixup ($\alpha = 0.4$)", "2"]
    assert by_validation[1:3] == [r"mixup ($\alpha = 0.4$)", "2"]


def test_a_choice_among_records_is_among_the_best_kind() -> None:
    _, result = evaluated()
    changed = []
    for each in result.entries:
        scale = "reduced" if each.row == "grid-0.2" else "paper"  # the smallest error, but of lesser evidence
        known = [recorded(one(GRID[each.row][0]), scale=scale)] if each.row in GRID else []
        stored = known if each.metric == "test_error.last" else []
        changed.append(each.model_copy(update={"replicated": None, "verdict": "not run", "recorded": stored}))
    table = evaluated_table(1, entries=changed)
    by_test, by_validation = lines_of(table)
    assert by_test == ["Test error", r"mixup ($\alpha = 0.4$)", "2", r"paper\recordmark{}", *[r"\num{6.4}"] * 2, "1"]
    assert by_validation[:2] == ["Validation error", "no number"]
    assert r"\recordmark~On record" in table


def test_a_choice_prints_deviations_where_there_are_some() -> None:
    _, result = evaluated()
    entries = [e.model_copy(update={"replicated": exactly(3.0, 0.12)}) for e in result.entries if e.row == "grid-0.1"]
    by_test, _ = lines_of(evaluated_table(1, entries=entries))
    assert by_test[4:] == [r"\itshape \num{3.00}\,$\pm$ \num{0.12}\surrogatemark{}"] * 2 + ["5"]


def test_a_row_and_its_record_stay_on_one_page() -> None:
    stored = recorded(exactly(4.3, 0.1), scale="paper", verdict="replicated")
    table = printed_table(entry("r", "test_error.last", 4.2, exactly(4.9, 0.1), recorded=[stored]))
    own, record = [line for line in table.splitlines() if re.search(r" \\\\\*?$", line)][-2:]
    assert own.endswith(r"\Inconclusive \\*")
    assert record.endswith(r"\Replicated \\")


@pytest.mark.parametrize("key", ["metrics", "select_by"])
def test_a_table_has_no_metric_that_the_file_does_not_describe(key: str) -> None:
    document = small().model_dump()
    document["tables"][0][key] = ["test_error.best"]
    with pytest.raises(ValueError, match=r"table all: metric 'test_error.best' is not described"):
        Experiment.model_validate(document)
