"""Section S2: published numbers beside ours, and what else was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from remixup.analysis.result_schema import Difference, Replicated
from remixup.config.experiment import Experiment
from remixup.reporting.number_tables import count_numbers, measurement_tables, number_tables
from remixup.reporting.settings import Settings

from .sample_results import DIGITS, entry, recorded, result_with
from .small_experiment import exactly, lines_of, log_of, result_of, small

FIVE = Replicated(mean=4.3, std=0.1, n=5, ci95=None, values=[4.2, 4.2, 4.3, 4.4, 4.4], seeds=list(range(5)))
HERE: dict[str, Any] = {"surrogate": DIGITS, "scale": "embedded", "verdict": "surrogate"}


def plain(table: str) -> str:
    return re.sub(r"\\num\{([^}]*)\}", r"\1", table)


def printed(*entries: Any, differences: Any = (), **row: Any) -> list[list[str]]:
    result = result_with(experiment="small", entries=entries, differences=differences)
    tables = number_tables([small(**row)], {"small": result}, Settings([result]))
    return lines_of(plain(tables[0])) if tables[0] else []


def table(*entries: Any, **row: Any) -> str:
    result = result_of(*entries)
    return number_tables([small(**row)], {"small": result}, Settings([result]))[0]


def test_a_number_by_hand() -> None:
    """The half-width of the 90 % interval of five runs is 2.13185 s / sqrt 5 = 0.0953 for s = 0.1."""
    stated: dict[str, Any] = {"published_standard_deviation": 0.2, "published_runs": 5, "published_convention": "last"}
    number = entry(
        "r", "test_error.last", 4.2, FIVE, tolerance=0.3, verdict="replicated", best_fit="median10", **stated
    )
    (cells,) = printed(number)
    assert cells == [
        r"a\_b \& c",
        r"4.2 \aside{$\pm$\,0.2, $n$ = 5, last}",
        r"4.30\,$\pm$\,0.10",
        "+0.10 [0.00, 0.20]",
        "0.3",
        "5",
        r"\Replicated",
        "median",
    ]


def test_each_number_has_one_line_with_its_best_sample() -> None:
    record = recorded(FIVE, scale="paper", verdict="not replicated", best_fit="best")
    number = entry("r", "test_error.last", 9.0, exactly(1.0, 0.1), tolerance=0.3, recorded=[record], **HERE)
    ((_, _, ours, difference, _, n, verdict, fit),) = printed(number)
    assert (ours, n, verdict, fit) == (r"4.30\,$\pm$\,0.10", "5", r"\NotReplicated", "best")
    assert difference == "-4.70 [-4.80, -4.60]"


def test_a_surrogate_is_grey_and_named_in_the_heading() -> None:
    record = recorded(FIVE, scale="reduced", surrogate="30 epochs for 200", verdict="surrogate")
    number = entry("r", "test_error.last", 9.0, None, recorded=[record])
    assert printed(number)[0][2:] == [r"\weak{4.30\,$\pm$\,0.10}", "", "", "5", "", ""]
    assert r"\emph{g: test error (\%), setting s1}" in table(number, group="g")


def test_the_smoke_test_is_in_no_table() -> None:
    number = entry("r", "test_error.last", 9.0, exactly(1.0, 0.1), **HERE)
    assert printed(number)[0][1:] == ["9.0", "--", "", "", "", r"\NotRun", ""]
    assert "setting" not in table(number)


@pytest.mark.parametrize(("verdict", "command"), [("not run", r"\NotRun"), ("diverged", r"\Diverged")])
def test_a_number_without_a_sample_says_why(verdict: str, command: str) -> None:
    assert printed(entry("r", "test_error.last", 4.2, None, verdict=verdict))[0][6] == command


def test_quoted_numbers_are_marked() -> None:
    assert printed(entry("r", "test_error.last", 4.2, FIVE, quoted=True))[0][1] == r"4.2\quotedmark{}"


def test_what_the_paper_does_not_print_has_no_line() -> None:
    assert printed(entry("r", "test_error.last", None, FIVE, verdict="no published number")) == []


def test_differences_follow_the_numbers_of_their_group() -> None:
    number = entry("r", "test_error.last", 4.2, FIVE, tolerance=0.3)
    fields = {**number.model_dump(), "baseline": "erm", "published": 5.5 - 4.2, "tolerance": 0.325}
    first, second = printed(number, differences=[Difference.model_validate(fields)], group="g")
    assert (first[0], second[0]) == (r"a\_b \& c", r"$\Delta$ a\_b \& c")
    assert (second[1], second[4]) == ("1.3", "0.33"), "without the round-off of 5.5 - 4.2"


def test_a_derived_number_has_the_label_of_its_own() -> None:
    derived = {
        "id": "ratio",
        "label": "mixup over ERM",
        "where": "w",
        "kind": "accuracy_ratio",
        "metric": "test_error.last",
    }
    derived |= {"baseline": "r", "treatment": "r", "published": 2.7, "tolerance": 0.4}
    stated = Experiment.model_validate({**small().model_dump(exclude_defaults=True), "derived": [derived]})
    result = result_with(experiment="small", entries=[entry("ratio", "accuracy_ratio", 2.7, FIVE, tolerance=0.4)])
    ((label, published, *_),) = lines_of(plain(number_tables([stated], {"small": result}, Settings([result]))[0]))
    assert (label, published) == ("mixup over ERM", "2.7")


def test_groups_head_their_rows_even_where_the_file_mixes_them() -> None:
    document = small().model_dump()
    groups = [("a", "G 1"), ("b", "G_2"), ("c", "G 1")]
    document["rows"] = [{"id": name, "label": name, "group": group} for name, group in groups]
    result = result_of(*(entry(name, "test_error.last", 1.0, FIVE) for name in "abc"))
    (text,) = number_tables([Experiment.model_validate(document)], {"small": result}, Settings([result]))
    order = re.findall(r"(?m)\\emph\{(G.*?):|^([abc]) &", text)
    assert ["".join(found) for found in order] == ["G 1", "a", "c", r"G\_2", "b"]


def test_counts_by_hand() -> None:
    runs = exactly(4.0, 0.1)
    entries = [
        entry("a", "test_error.last", 4.0, runs, verdict="replicated"),
        entry("b", "test_error.last", 4.0, runs, verdict="not replicated", paper="zhang2021"),
        entry("c", "test_error.last", 4.0, runs, surrogate="s", scale="embedded", verdict="surrogate"),
        entry("d", "test_error.last", 4.0, None),
        entry("e", "test_error.last", None, runs, verdict="no published number"),
        entry("f", "test_error.last", 4.0, None, recorded=[recorded(runs, verdict="inconclusive")]),
        entry("g", "test_error.last", 4.0, None, recorded=[recorded(runs, surrogate="s", verdict="surrogate")]),
    ]
    counts = count_numbers(entries)
    assert (counts.total, counts.compared, counts.surrogates, counts.on_real_data, counts.neither) == (6, 3, 2, 1, 1)
    assert counts.verdicts["replicated"] == counts.verdicts["not replicated"] == counts.verdicts["inconclusive"] == 1


METRICS = ["test_error.last", "boundary.distance", "boundary.bend"]
UNCOMPARED: dict[str, Any] = {"verdict": "no published number", "scale": "paper"}


def measured(*entries: Any, metrics: list[str] | None = None, **rows: str) -> str:
    """The table of several metrics; the rows are named with their groups."""
    document = small().model_dump()
    described = {"label": "Distance", "unit": "", "decimals": 3}, {"label": "Bend_x", "decimals": 1}
    document["metrics"] |= dict(zip(METRICS[1:], described, strict=True))
    document["rows"] = [{"id": name, "label": f"row {name}", "group": group} for name, group in rows.items()]
    document["tables"][0]["metrics"] = metrics or []
    result = result_of(*entries)
    return "".join(measurement_tables([Experiment.model_validate(document)], {"small": result}, Settings([result])))


def three(row: str, *means: float, **changes: Any) -> list[Any]:
    changes = {**UNCOMPARED, **changes}
    return [entry(row, name, None, exactly(mean, 0.12), **changes) for name, mean in zip(METRICS, means, strict=True)]


def test_without_published_numbers_metrics_are_side_by_side() -> None:
    found = measured(*three("a", 5.55, 0.1234, 8.0), *three("b", 6.66, 0.4321, 9.0), a="", b="")
    assert lines_of(plain(found)) == [
        ["row a", *(rf"{mean}\,$\pm$\,0.12" for mean in ("5.55", "0.12", "8.00")), "5"],
        ["row b", *(rf"{mean}\,$\pm$\,0.12" for mean in ("6.66", "0.43", "9.00")), "5"],
    ]
    assert r" & test error (\%) & Distance & Bend\_x (\%) & $n$ \\" in found
    chosen = measured(*three("a", 5.55, 0.1234, 8.0), a="", metrics=[METRICS[2], METRICS[0]])
    assert [cell[:9] for cell in lines_of(chosen)[0]] == ["row a", r"\num{8.00", r"\num{5.55", "5"]


def test_a_row_with_a_published_number_or_the_smoke_test_alone_is_left_out() -> None:
    compared = entry("a", METRICS[0], 5.0, exactly(5.0, 0.1))
    smoke = three("b", 5.0, 6.0, 7.0, scale="embedded", surrogate=DIGITS)
    assert measured(compared, *three("a", 5.0, 6.0, 7.0)[1:], *smoke, a="", b="") == ""
    stored = [recorded(exactly(3.0, 0.12), scale="reduced", surrogate="short")]
    lost = [entry("b", name, None, None, verdict="not run", recorded=stored) for name in METRICS]
    found = measured(*lost, b="g")
    assert lines_of(plain(found)) == [["row b", *[r"3.00\,$\pm$\,0.12"] * 3, "5"]]
    assert r"\emph{g, setting s1}" in found


def test_tables_are_not_wider_than_the_page(tmp_path: Path) -> None:
    written = []
    number = entry("r", "test_error.last", 188.8, exactly(188.888, 0.9, 100), tolerance=0.000021, quoted=True)
    stated = number.model_copy(
        update={"published_standard_deviation": 0.2, "published_runs": 5, "verdict": "not replicated"}
    )
    for label, count in (("short", 2), ("a long label " * 6, 3), ("of more " * 9, 5)):
        names = ["test_error.last", "boundary.distance", "boundary.margin", "boundary.bend", "guaranteed.share"]
        document = small(label=label, group=label).model_dump()
        document["metrics"] = {name: {"label": f"A long label of {name}"} for name in names[:count]}
        experiment = Experiment.model_validate(document)
        entries = [entry("r", name, None, exactly(100.0, 1.25), **UNCOMPARED) for name in experiment.metrics]
        both = result_of(*entries), result_of(stated)
        for result, tables in zip(both, (measurement_tables, number_tables), strict=True):
            text = tables([experiment], {"small": result}, Settings([result]))[0]
            written.append(re.sub(r"\\label\{tab:.*?\}", "", text).replace(r"\ref", r"\relax"))
    assert "Overfull" not in log_of(tmp_path, "\n\n".join(written))
