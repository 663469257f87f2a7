"""Counts of published numbers by their verdicts, and the tables of verdicts on numbers and on published differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from remixup.analysis.best_evidence import best_sample
from remixup.analysis.result_schema import JUDGED, Entry, ExperimentResult, Recorded, Verdict
from remixup.analysis.statistics import mean_interval
from remixup.config.experiment import Experiment, MetricInfo
from remixup.config.metrics import Convention
from remixup.reporting import latex
from remixup.reporting.table_builder import Sample, TableBuilder, label_cell, metric_name

CONVENTION_NAMES: dict[Convention, str] = {"last": "last", "median10": "median of 10", "best": "best"}
DIFFERENCES = "Published differences, ERM minus the row"


@dataclass(frozen=True)
class NumberCounts:
    """How many published numbers there are, by the verdict on the best evidence of each."""

    verdicts: Counter[Verdict]
    on_real_data: int
    """Of those that rest on a surrogate."""

    @property
    def total(self) -> int:
        """Return the number of published numbers."""
        return self.verdicts.total()

    @property
    def compared(self) -> int:
        """Return how many were compared with runs of the published protocol."""
        return sum(self.verdicts[name] for name in JUDGED)

    @property
    def surrogates(self) -> int:
        """Return how many rest on a surrogate, whatever its scale."""
        return self.verdicts["stand-in"]

    @property
    def neither(self) -> int:
        """Return how many have no whole sample."""
        return self.total - self.compared - self.surrogates


def count_numbers(entries: Iterable[Entry]) -> NumberCounts:
    """Count published numbers by the verdict on the best evidence of each."""
    best = [best_sample(entry) or entry for entry in entries if entry.published is not None]
    surrogates = [sample for sample in best if sample.verdict == "stand-in"]
    on_real_data = sum(sample.scale in ("reduced", "reduced-cpu") for sample in surrogates)
    return NumberCounts(Counter(sample.verdict for sample in best), on_real_data)


def verdicts_table(experiment: Experiment, result: ExperimentResult) -> str:
    """Print how each number that was compared got its verdict, then the published differences; empty without any."""
    labels = {row.id: row.label for row in experiment.rows} | {each.id: each.label for each in experiment.derived}
    infos = experiment.metrics | {each.kind: _of_derived(each.decimals) for each in experiment.derived}
    groups = {row.id: row.group for row in experiment.rows}
    lines: dict[str, list[list[str]]] = {}
    for entry, sample in _compared(result.entries):
        info = infos[entry.metric]
        heading = ": ".join(filter(None, [groups.get(entry.row), metric_name(info)]))
        lines.setdefault(heading, []).append([label_cell(labels[entry.row]), *_cells(entry, sample, info)])
    for entry, sample in _compared(result.differences):
        info, name = infos[entry.metric], ": ".join(filter(None, [groups[entry.row], labels[entry.row]]))
        heading = f"{DIFFERENCES}: {metric_name(info)}"
        lines.setdefault(heading, []).append([label_cell(name), *_cells(entry, sample, info)])
    table = TableBuilder(sample for _, sample in _compared([*result.entries, *result.differences]))
    for heading, cells in lines.items():
        table.heading(latex.prose(heading))
        for each in cells:
            table.line(*each)
    if not table.lines:
        return ""
    caption = r"Numbers that were run with the published protocol. \numberscaption"
    return table.render("number-verdicts.tex", caption, f"tab:{experiment.id}-verdicts")


def _of_derived(decimals: int) -> MetricInfo:
    return MetricInfo(label="accuracy ratio", unit="", decimals=decimals)


def _compared(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Sample]]:
    """Give the numbers that were compared with the published value, each with its best sample."""
    for entry in entries:
        sample = best_sample(entry)
        if entry.published is not None and sample is not None and sample.verdict in JUDGED:
            yield entry, sample


def _cells(entry: Entry, sample: Sample, info: MetricInfo) -> list[str]:
    """Return cells: published, what the paper states of it, mean, 90 % interval, n, tolerance, verdict, best fit."""
    runs = sample.replicated
    assert runs is not None
    assert entry.published is not None
    digits = latex.places(runs.std, info.decimals)
    interval = mean_interval(runs.values, 0.90)
    ends = "" if interval is None else "[{}, {}]".format(*(latex.number(latex.fixed(end, digits)) for end in interval))
    return [
        latex.number(latex.printed(round(entry.published, info.decimals + 1), info.decimals)),
        _stated(entry),
        latex.number(latex.fixed(runs.mean, digits)),
        ends,
        str(runs.n) + (r"\recordmark{}" if isinstance(sample, Recorded) else ""),
        "" if entry.tolerance is None else _two_digits(entry.tolerance),
        latex.verdict(sample.verdict),
        CONVENTION_NAMES[sample.best_fit] if sample.best_fit else "",
    ]


def _two_digits(value: float) -> str:
    """Print a small positive number with two digits, without an exponent."""
    return latex.number(f"{float(f'{value:.2g}'):.7f}".rstrip("0").rstrip("."))


def _stated(entry: Entry) -> str:
    """Say what the paper states beside the value: standard deviation, number of runs, convention."""
    spread, runs, convention = entry.published_standard_deviation, entry.published_runs, entry.published_convention
    parts = [rf"$\pm$ {spread:g}"] if spread is not None else []
    parts += [f"{runs} runs"] if runs is not None and runs > 1 else []
    parts += [CONVENTION_NAMES[convention]] if convention else []
    return ", ".join(parts)
