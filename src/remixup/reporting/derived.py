"""The table of numbers that the text of a paper derives from rows of its tables."""

from __future__ import annotations

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Experiment, MetricInfo
from remixup.reporting import latex
from remixup.reporting.tables import compared


def derived_table(experiment: Experiment, result: ExperimentResult) -> str:
    """Return the table, with label `tab:<experiment>-derived`; empty where the experiment has no such number."""
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    shown = [
        ("", each.label, MetricInfo(label="", unit="", decimals=each.decimals), found)
        for each in experiment.derived
        if (found := entries.get((each.id, each.kind)))
    ]
    if not shown:
        return ""
    places = ", ".join(dict.fromkeys(each.where for each in experiment.derived))
    caption = f"Numbers that the text derives ({latex.prose(places)}): the accuracy of one row over that of another."
    return compared(shown, caption, f"tab:{experiment.id}-derived", [])
