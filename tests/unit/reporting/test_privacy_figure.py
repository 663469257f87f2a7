"""Accuracy against what was spent: the numbers of the result, each at its own ε."""

import pytest

from remixup.config.experiment import Row
from remixup.reporting.figures.privacy import privacy

from .sample_results import entry, noise, replicated


def rows():
    return [Row(id=f"{name}-{spent}", label=name) for name in ("one", "two") for spent in (1, 4)]


def result(absent=()):
    _, found = noise()
    entries = []
    for number, row in enumerate(rows()):
        if row.id in absent:
            entries += [entry(row.id, "test_error.last", None, None)]
            continue
        spent = float(row.id[-1])
        entries += [
            entry(row.id, "test_error.last", None, replicated(10.0 + number, 1.0, 5)),
            entry(row.id, "epsilon.last", None, replicated(spent, 0.0, 5)),
        ]
    return found.model_copy(update={"entries": entries})


def test_each_label_is_a_line_through_its_accuracies():
    made = result()
    figure = privacy(made, rows())
    [axes] = figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert len(lines) == 2
    means = {each.row: each.replicated.mean for each in made.entries if each.metric == "test_error.last"}
    for line, name in zip(lines, ("one", "two"), strict=True):
        assert list(line.get_ydata()) == pytest.approx([100 - means[f"{name}-1"], 100 - means[f"{name}-4"]])
        assert list(line.get_xdata()) == pytest.approx([1, 4], rel=0.05)
    assert lines[0].get_xdata()[0] < 1 < lines[1].get_xdata()[0]
    intervals = [segment for each in axes.collections for segment in each.get_segments()]
    assert len(intervals) == 4
    first = next(each for each in made.entries if each.metric == "test_error.last").replicated
    assert sorted(float(y) for y in intervals[0][:, 1]) == pytest.approx([100 - first.ci95[1], 100 - first.ci95[0]])


def test_a_method_without_runs_is_named():
    figure = privacy(result(absent={"two-1", "two-4"}), rows())
    [axes] = figure.axes
    assert any("two" in text.get_text() for text in axes.texts)
