"""Tables of what a paper prints nothing to compare with: several metrics side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from remixup.config.experiment import Experiment
from remixup.reporting import tables

from .sample_results import DIGITS, entry, recorded
from .small_experiment import body_of, exactly, lines_of, log_of, result_of, small

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
    head = r" & Evidence & \headcell{test error (\%)} & \headcell{Distance} & \headcell{Bend\_x (\%)} & $n$ \\"
    assert head in table
    assert r"\tablenotes{Data: original.}" in table
    assert r"\label{tab:small-all}" in table
    chosen = abreast(*three("a", 5.55, 0.1234, 8.0), a="", metrics=[METRICS[2], METRICS[0]])
    assert [cell[:9] for cell in lines_of(chosen)[0]] == ["row a", "embedded", r"\num{8.00", r"\num{5.55", "5"]


def test_numbers_that_are_not_transcribed_are_counted_below() -> None:
    """They leave the table as it is: there is no number to compare with."""
    plain = abreast(*three("a", 5.55, 0.1234, 8.0), a="")
    entries = three("a", 5.55, 0.1234, 8.0, verdict="not transcribed", transcribed=False, where="Table 7")
    assert lines_of(abreast(*entries, a="")) == lines_of(plain)
    assert "Published, but not transcribed: 3 (Table 7)." in abreast(*entries, a="")
    assert "transcribed" not in plain
    assert "transcribed: 2 (Table 7)." in abreast(*entries, a="", metrics=[METRICS[2], METRICS[0]])


def test_tables_are_not_wider_than_the_page(tmp_path: Path) -> None:
    names = ["test_error.last", "boundary.distance", "boundary.margin", "boundary.bend", "guaranteed.share"]
    written = []
    for label, count in (("short", 2), ("short", 5), ("a long label " * 6, 3), ("of more " * 9, 5)):
        document = small(label=label).model_dump()
        document["metrics"] = {name: {"label": f"A long label of {name}"} for name in names[:count]}
        experiment = Experiment.model_validate(document)
        entries = [entry("r", name, None, exactly(100.0, 1.25), **UNCOMPARED) for name in experiment.metrics]
        table = tables.table(experiment.tables[0], experiment, result_of(*entries))
        written.append(table.replace("tab:small-all", f"tab:{len(written)}"))
    assert "Overfull" not in log_of(tmp_path, "\n\n".join(written))


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
    stored = [recorded(exactly(3.0, 0.12), scale="paper", dataset_version="a_b")]
    lost: dict[str, Any] = {"verdict": "not run", "scale": "embedded", "recorded": stored}
    absent = [entry("b", name, None, None, **lost) for name in METRICS]
    table = abreast(*three("a", 5.0, 6.0, 7.0, recorded=stored), *absent, a="", b="")
    own, below, instead = lines_of(table)
    cell = r"\num{3.00}\,$\pm$ \num{0.12}"
    assert own[:2] == ["row a", "embedded"]
    assert below == ["", r"paper\recordmark{}", cell, cell, cell, "5"]
    assert instead == ["row b", *below[1:]]
    notes = r"\tablenotes{\recordmark~On record: measured earlier, at that scale. Data: original, a\_b.}"
    assert notes in " ".join(table.split())


def test_evidence_and_counts_of_several_records_are_all_named() -> None:
    kinds = [("paper", 5), ("reduced", 3), ("paper", 5)]
    entries = []
    for name, (scale, n) in zip(METRICS, kinds, strict=True):
        stored = recorded(exactly(3.0, 0.12, n), scale=scale)
        entries.append(entry("a", name, None, None, recorded=[stored], **{**UNCOMPARED, "verdict": "not run"}))
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


def test_surrogates_side_by_side_are_marked() -> None:
    surrogate = three("a", 5.0, 6.0, 7.0, stand_in=DIGITS)
    table = abreast(*surrogate, *three("b", 5.0, 6.0, 7.0), a="", b="")
    marked, plain = lines_of(table)
    assert all(cell.startswith(r"\itshape \num") and cell.endswith(r"\surrogatemark{}") for cell in marked[2:5])
    assert not any("surrogatemark" in cell or "itshape" in cell for cell in plain)
    assert rf"\tablenotes{{\surrogatemark{{}}~Surrogate: {DIGITS}. Data: original.}}" in " ".join(table.split())


def test_groups_head_their_measurements_even_where_the_file_mixes_them() -> None:
    entries = [each for name in "abc" for each in three(name, 5.0, 6.0, 7.0)]
    table = abreast(*entries, a="G 1", b="G_2", c="G 1")
    order = re.findall(r"(?m)\\emph\{(.*?)\}|^\\rowlabel\{row ([abc])\}", body_of(table))
    assert ["".join(found) for found in order] == ["G 1", "a", "c", r"G\_2", "b"]
