"""Tables: their numbers are those of the results, stand-ins are marked."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from remixup.errors import UserError
from remixup.reporting import evidence, tables
from remixup.spec.experiment import Experiment

from .evaluated import GRID, SMALLER, evaluated, one
from .made_up import DIGITS, entry, noise, recorded, tabular
from .small import body_of, exactly, lines_of, result_of, small


def printed_table(*entries: Any, **row: Any) -> str:
    experiment = small(**row)
    return tables.table(experiment.tables[0], experiment, result_of(*entries))


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
        lines = lines_of(tables.table(table, experiment, result))
        width = len(lines[0])
        found = [[cell.removeprefix(r"\itshape ") for cell in line[width - 7 : width - 3]] for line in lines]
        wanted = []
        groups = {row.id: row.group for row in experiment.rows}
        in_order = list(dict.fromkeys(groups.values())), list(experiment.metrics)
        by_group = [(in_order[0].index(groups[e.row]), in_order[1].index(e.metric), e) for e in result.entries]
        for *_, each in sorted(by_group, key=lambda item: item[:2]):
            wanted += [each.replicated] + [r.replicated for r in [evidence.best_record(each)] if r]
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
        assert table.count(part) == table.count(r"\tablenotes"), "once in the notes, which stand on each page"


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
    table = tables.table(noise()[0].tables[0], *noise())
    found = re.findall(r"\\emph\{(.*?)\}\} \\\\|^(?:\\addlinespace)?(ERM|mixup)", body_of(table), re.MULTILINE)
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
    order = re.findall(r"(?m)\\emph\{(.*?)\}|^([abc]) &", body_of(table))
    assert ["".join(found) for found in order] == ["G 1", "a", "c", r"G\_2", "b"]


def test_failed_and_diverged_runs_are_named_with_their_log() -> None:
    text = tables.troubles(*noise())
    assert text.count(r"ERM + dropout (p = 0.7)") == 2
    assert r"failed; see \texttt{results/\allowbreak{}embedded/\allowbreak{}logs/\allowbreak{}a\_\allowbreak{}b" in text
    assert r"(\texttt{dropout-\allowbreak{}50}) diverged." in text
    assert tables.troubles(small(), result_of(entry("r", "test_error.last", 1.0, exactly(1.0, 0.1)))) == ""


def test_what_has_no_value_did_not_diverge() -> None:
    nothing = entry("r", "test_error.last", 17.3, None, verdict="no value")
    ((*cells,),) = lines_of(printed_table(nothing))
    assert cells[-9:] == ["--", "", "{--}", "", "", "", "", "{--}", r"\NoValue"]
    assert tables.troubles(small(), result_of(nothing)) == ""


def evaluated_table(number: int, **changes: Any) -> str:
    experiment, result = evaluated()
    return tables.table(experiment.tables[number], experiment, result.model_copy(update=changes))


def test_a_row_without_the_metric_of_its_group_has_an_empty_line() -> None:
    lines = lines_of(evaluated_table(0))
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
    mark = r"\standinmark{}"
    # The smallest test error is that of 0.2; the smallest validation error that of 0.4, whose test error is larger.
    own = rf"\itshape \num{{5.5}}{mark}"
    assert by_test == ["Test error", r"mixup ($\alpha = 0.2$)", "3", "embedded", own, own, "1"]
    cells = [rf"\itshape \num{{20.1}}{mark}", rf"\itshape \num{{6.4}}{mark}"]
    assert by_validation == ["Validation error", r"mixup ($\alpha = 0.4$)", "3", "embedded", *cells, "1"]
    assert rf"Stand-in: {SMALLER}" in table
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
        kept = known if each.metric == "test_error.last" else []
        changed.append(each.model_copy(update={"replicated": None, "verdict": "not run", "recorded": kept}))
    table = evaluated_table(1, entries=changed)
    by_test, by_validation = lines_of(table)
    assert by_test == ["Test error", r"mixup ($\alpha = 0.4$)", "2", r"paper\recordmark{}", *[r"\num{6.4}"] * 2, "1"]
    assert by_validation[:2] == ["Validation error", "no number"]
    assert r"\recordmark~On record" in table


def test_a_choice_prints_deviations_where_there_are_some() -> None:
    _, result = evaluated()
    entries = [e.model_copy(update={"replicated": exactly(3.0, 0.12)}) for e in result.entries if e.row == "grid-0.1"]
    by_test, _ = lines_of(evaluated_table(1, entries=entries))
    assert by_test[4:] == [r"\itshape \num{3.00}\,$\pm$ \num{0.12}\standinmark{}"] * 2 + ["5"]


def test_a_row_and_its_record_stay_on_one_page() -> None:
    kept = recorded(exactly(4.3, 0.1), scale="paper", verdict="replicated")
    table = printed_table(entry("r", "test_error.last", 4.2, exactly(4.9, 0.1), recorded=[kept]))
    own, record = [line for line in table.splitlines() if re.search(r" \\\\\*?$", line)][-2:]
    assert own.endswith(r"\Inconclusive \\*")
    assert record.endswith(r"\Replicated \\")


METRICS = ["test_error.last", "boundary.distance", "boundary.bend"]
UNCOMPARED: dict[str, Any] = {"verdict": "no published number", "scale": "embedded"}


def abreast(*entries: Any, metrics: list[str] | None = None, **rows: str) -> str:
    """A table of several metrics; the rows are named with their groups."""
    document = small().model_dump()
    described = {"label": "Distance", "unit": "", "decimals": 3}, {"label": "Bend_x", "decimals": 1}
    document["metrics"] |= dict(zip(METRICS[1:], described, strict=True))
    document["rows"] = [{"id": name, "label": f"row {name}", "group": group} for name, group in rows.items()]
    document["tables"][0]["metrics"] = metrics or []
    experiment = Experiment.model_validate(document)
    return tables.table(experiment.tables[0], experiment, result_of(*entries))


def three(row: str, *means: float, **changes: Any) -> list[Any]:
    changes = {**UNCOMPARED, **changes}
    return [entry(row, name, None, exactly(mean, 0.12), **changes) for name, mean in zip(METRICS, means, strict=True)]


def test_without_published_numbers_metrics_stand_side_by_side() -> None:
    table = abreast(*three("a", 5.55, 0.1234, 8.0), *three("b", 6.66, 0.4321, 9.0), a="", b="")
    assert lines_of(table) == [
        ["row a", "embedded", *(rf"\num{{{mean}}}\,$\pm$ \num{{0.12}}" for mean in ("5.55", "0.12", "8.00")), "5"],
        ["row b", "embedded", *(rf"\num{{{mean}}}\,$\pm$ \num{{0.12}}" for mean in ("6.66", "0.43", "9.00")), "5"],
    ]
    assert r" & Evidence & test error (\%) & Distance & Bend\_x (\%) & $n$ \\" in table
    assert r"\tablenotes{Data: original.}" in table
    assert r"\label{tab:small-all}" in table
    chosen = abreast(*three("a", 5.55, 0.1234, 8.0), a="", metrics=[METRICS[2], METRICS[0]])
    assert [cell[:9] for cell in lines_of(chosen)[0]] == ["row a", "embedded", r"\num{8.00", r"\num{5.55", "5"]


def columns_of(table: str) -> str:
    return table.partition(r"\begin{longtable}")[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("label", "metrics"), [("short", 2), ("short", 5), ("a long label " * 6, 3), ("of more " * 9, 5)]
)
def test_columns_fit_the_text(label: str, metrics: int) -> None:
    document = small(label=label).model_dump()
    names = ["test_error.last", "boundary.distance", "boundary.margin", "boundary.bend", "guaranteed.share"][:metrics]
    document["metrics"] = {name: {"label": name} for name in names}
    experiment = Experiment.model_validate(document)
    entries = [entry("r", name, None, exactly(1.0, 0.1), **UNCOMPARED) for name in names]
    widths = re.findall(r"\{(\d+)mm\}", columns_of(tables.table(experiment.tables[0], experiment, result_of(*entries))))
    assert len(widths) == metrics + 1
    # Names, evidence and n, as many columns as metrics, and the gaps between them.
    assert sum(map(int, widths)) + 26 + 4.2 * (metrics + 2) <= 170
    assert min(map(int, widths)) >= 12, "a number has room"


@pytest.mark.parametrize(
    ("metrics", "published"), [(METRICS[:1], None), (METRICS, 5.0)], ids=["one metric", "a published number"]
)
def test_else_each_metric_has_its_lines(metrics: list[str], published: float | None) -> None:
    document = small().model_dump()
    document["metrics"] |= {name: {"label": name} for name in METRICS[1:]}
    document["rows"][0]["published"] = {} if published is None else {METRICS[1]: published}
    document["tables"][0]["metrics"] = metrics
    experiment = Experiment.model_validate(document)
    table = tables.table(experiment.tables[0], experiment, result_of(*three("r", 5.0, 6.0, 7.0)))
    assert r"\multicolumn{2}{c}{Published}" in table
    assert len(lines_of(table)) == len(metrics)


def test_more_than_five_metrics_do_not_fit_side_by_side() -> None:
    document = small().model_dump()
    names = ["boundary.distance", "boundary.margin", "boundary.bend", "guaranteed.share", "guaranteed.broken"]
    document["metrics"] |= {name: {"label": name} for name in names}
    experiment = Experiment.model_validate(document)
    entries = [entry("r", name, None, exactly(1.0, 0.1), **UNCOMPARED) for name in experiment.metrics]
    assert r"Published" in tables.table(experiment.tables[0], experiment, result_of(*entries))
    document["tables"][0]["metrics"] = names
    experiment = Experiment.model_validate(document)
    assert r"Published" not in tables.table(experiment.tables[0], experiment, result_of(*entries))


def test_a_record_stands_for_what_was_not_run_and_below_what_was() -> None:
    kept = [recorded(exactly(3.0, 0.12), scale="paper", dataset_version="a_b")]
    lost: dict[str, Any] = {"verdict": "not run", "scale": "embedded", "recorded": kept}
    absent = [entry("b", name, None, None, **lost) for name in METRICS]
    table = abreast(*three("a", 5.0, 6.0, 7.0, recorded=kept), *absent, a="", b="")
    own, below, instead = lines_of(table)
    cell = r"\num{3.00}\,$\pm$ \num{0.12}"
    assert own[:2] == ["row a", "embedded"]
    assert below == ["", r"paper\recordmark{}", cell, cell, cell, "5"]
    assert instead == ["row b", *below[1:]]
    assert r"\tablenotes{\recordmark~On record: measured earlier, at that scale. Data: original, a\_b.}" in table


def test_evidence_and_counts_of_several_records_are_all_named() -> None:
    kinds = [("paper", 5), ("reduced", 3), ("paper", 5)]
    entries = []
    for name, (scale, n) in zip(METRICS, kinds, strict=True):
        kept = recorded(exactly(3.0, 0.12, n), scale=scale)
        entries.append(entry("a", name, None, None, recorded=[kept], **{**UNCOMPARED, "verdict": "not run"}))
    ((_, evidence, *_, counts),) = lines_of(abreast(*entries, a=""))
    assert evidence == r"paper\recordmark{}/reduced\recordmark{}"
    assert counts == "3/5"


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [("failed", r"\Failed"), ("diverged", r"\Diverged"), ("not run", r"\NotRun"), ("no value", r"\NoValue")],
)
def test_what_became_of_a_number_stands_in_its_place(verdict: str, mark: str) -> None:
    first, second, third = three("a", 5.0, 6.0, 7.0)
    gone = second.model_copy(update={"replicated": None, "verdict": verdict})
    ((*cells,),) = lines_of(abreast(first, gone, third, a=""))
    assert (cells[1], cells[3], cells[5]) == ("embedded", mark, "5")
    assert r"\num{7.00}" in cells[4]
    gone = [each.model_copy(update={"replicated": None, "verdict": verdict}) for each in (first, second, third)]
    table = abreast(*gone, a="")
    assert lines_of(table) == [["row a", "--", mark, mark, mark, ""]]
    assert "tablenotes" not in table


def test_a_metric_that_a_row_lacks_is_an_empty_cell() -> None:
    one_less = three("b", 5.0, 6.0, 7.0)[:2]
    first, second = lines_of(abreast(*three("a", 5.0, 6.0, 7.0), *one_less, a="", b="", c=""))
    assert first[4]
    assert second[4] == ""
    assert second[5] == "5"


def test_stand_ins_side_by_side_are_marked() -> None:
    stand_in = three("a", 5.0, 6.0, 7.0, stand_in=DIGITS)
    table = abreast(*stand_in, *three("b", 5.0, 6.0, 7.0), a="", b="")
    marked, plain = lines_of(table)
    assert all(cell.startswith(r"\itshape \num") and cell.endswith(r"\standinmark{}") for cell in marked[2:5])
    assert not any("standin" in cell or "itshape" in cell for cell in plain)
    assert rf"\tablenotes{{\standinmark{{}}~Stand-in: {DIGITS}. Data: original.}}" in table


def test_groups_head_their_measurements_even_where_the_file_mixes_them() -> None:
    entries = [each for name in "abc" for each in three(name, 5.0, 6.0, 7.0)]
    table = abreast(*entries, a="G 1", b="G_2", c="G 1")
    order = re.findall(r"(?m)\\emph\{(.*?)\}|^row ([abc]) &", body_of(table))
    assert ["".join(found) for found in order] == ["G 1", "a", "c", r"G\_2", "b"]


@pytest.mark.parametrize("key", ["metrics", "select_by"])
def test_a_table_has_no_metric_that_the_file_does_not_describe(key: str) -> None:
    document = small().model_dump()
    document["tables"][0][key] = ["test_error.best"]
    with pytest.raises(ValueError, match=r"table all: metric 'test_error.best' is not described"):
        Experiment.model_validate(document)
