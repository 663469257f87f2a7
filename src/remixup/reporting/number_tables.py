"""Section S2: published numbers beside ours, published differences, and what else was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from remixup.analysis.best_evidence import BROKEN, best_sample, is_smoke_test
from remixup.analysis.result_schema import JUDGED, Difference, Entry, ExperimentResult, Verdict
from remixup.analysis.statistics import mean_interval
from remixup.config.experiment import Experiment, MetricInfo, Table
from remixup.config.metrics import Convention
from remixup.reporting import latex
from remixup.reporting.settings import Settings
from remixup.reporting.table_builder import (
    NOTHING,
    Sample,
    TableBuilder,
    interval_cell,
    mean_cell,
    metric_info,
    metric_name,
    published,
)

CONVENTION_NAMES: dict[Convention, str] = {"last": "last", "median10": "median of 10", "best": "best"}
COLUMNS = r"@{}L{42mm}L{24mm}L{20mm}L{32mm}R{11mm}R{5mm}L{21mm}L{10mm}@{}"
HEAD = r" & Published & Ours & Difference, 90\,\% interval & $\tau$ & $n$ & Verdict & Best fit"
SHORT: dict[Convention, str] = {"last": "last", "median10": "median", "best": "best"}
MOST_METRICS = 5
"""A page is wide enough for this many columns of measurements."""


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
        return self.verdicts["surrogate"]

    @property
    def neither(self) -> int:
        """Return how many have no whole sample."""
        return self.total - self.compared - self.surrogates


def count_numbers(entries: Iterable[Entry]) -> NumberCounts:
    """Count published numbers by the verdict on the best evidence of each."""
    best = [best_sample(entry) or entry for entry in entries if entry.published is not None]
    surrogates = [sample for sample in best if sample.verdict == "surrogate"]
    on_real_data = sum(sample.scale in ("reduced", "reduced-cpu") for sample in surrogates)
    return NumberCounts(Counter(sample.verdict for sample in best), on_real_data)


def number_tables(experiments: list[Experiment], results: dict[str, ExperimentResult], settings: Settings) -> list[str]:
    """Print the published numbers and differences of each paper, a line for each."""
    tables: dict[str, TableBuilder] = {}
    for experiment in experiments:
        table = tables.setdefault(experiment.paper, TableBuilder())
        title = rf"\ref{{exp:{experiment.id}}} {latex.prose(experiment.title)}"
        for heading, cells in _lines(experiment, results[experiment.id], settings):
            table.heading(title, strong=True)
            table.heading(heading)
            table.line(*cells)
    return [
        table.render(COLUMNS, HEAD, rf"Numbers of \citet{{{paper}}}.", f"tab:numbers-{paper}", rf"\citet{{{paper}}}")
        for paper, table in tables.items()
    ]


def _lines(experiment: Experiment, result: ExperimentResult, settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """Give headings and cells, by group, metric and setting in the order of the first of each."""
    labels = {row.id: row.label for row in experiment.rows} | {each.id: each.label for each in experiment.derived}
    groups = {row.id: row.group for row in experiment.rows}
    found: dict[str, list[list[str]]] = {}
    for entry in [*result.entries, *result.differences]:
        if entry.published is None:
            continue
        sample = best_sample(entry)
        sample = None if sample is None or is_smoke_test(sample) else sample
        setting = settings.names([sample.surrogate], experiment.id) if sample and sample.surrogate else ""
        info = metric_info(experiment, entry)
        heading = _heading(latex.prose(": ".join(filter(None, [groups.get(entry.row), metric_name(info)]))), setting)
        label = (r"$\Delta$ " if isinstance(entry, Difference) else "") + latex.prose(labels[entry.row])
        found.setdefault(heading, []).append([label, *_cells(entry, sample, info)])
    for heading, lines in found.items():
        for cells in lines:
            yield heading, cells


def _cells(entry: Entry, sample: Sample | None, info: MetricInfo) -> list[str]:
    """Return cells: published, ours, difference and 90 % interval, tolerance, n, verdict, best fit."""
    assert entry.published is not None
    stated = latex.number(published(entry.published, info.decimals))
    stated += (r"\quotedmark{}" if entry.quoted else "") + _stated(entry)
    runs = sample.replicated if sample else None
    if sample is None or runs is None:
        broken = entry.verdict in BROKEN and not is_smoke_test(entry)
        return [stated, NOTHING, "", "", "", latex.verdict(entry.verdict if broken else "not run"), ""]
    ours, n = mean_cell(runs, info.decimals), str(runs.n)
    if sample.verdict not in JUDGED:
        verdict = "" if sample.surrogate else latex.verdict(sample.verdict)
        return [stated, rf"\weak{{{ours}}}", "", "", n, verdict, ""]
    digits = latex.places(runs.std, info.decimals)
    difference = latex.number(latex.fixed(runs.mean - entry.published, digits, sign=True))
    if interval := mean_interval(runs.values, 0.90):
        low, high = interval
        difference += " " + interval_cell((low - entry.published, high - entry.published), digits)
    tolerance = "" if entry.tolerance is None else _two_digits(entry.tolerance)
    fits = SHORT[sample.best_fit] if sample.best_fit else ""
    return [stated, ours, difference, tolerance, n, latex.verdict(sample.verdict), fits]


def measurement_tables(
    experiments: list[Experiment], results: dict[str, ExperimentResult], settings: Settings
) -> list[str]:
    """Print the tables of experiment files for what was measured and has no published number."""
    tables = [
        _measurements(wanted, experiment, results[experiment.id], settings)
        for experiment in experiments
        for wanted in experiment.tables
    ]
    return [each for each in tables if each]


def _measurements(wanted: Table, experiment: Experiment, result: ExperimentResult, settings: Settings) -> str:
    """Print a line for each row without published numbers: the best sample of each metric."""
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    metrics = (wanted.metrics or list(experiment.metrics))[:MOST_METRICS]
    groups = list(dict.fromkeys(row.group for row in experiment.rows))
    table = TableBuilder()
    for row in sorted(experiment.select(wanted.rows), key=lambda row: groups.index(row.group)):
        found = {metric: entries[row.id, metric] for metric in metrics if (row.id, metric) in entries}
        best = {metric: sample for metric, entry in found.items() if (sample := best_sample(entry))}
        best = {metric: sample for metric, sample in best.items() if not is_smoke_test(sample)}
        if not best or any(entry.published is not None for entry in found.values()):
            continue
        surrogates = dict.fromkeys(sample.surrogate for sample in best.values() if sample.surrogate)
        table.heading(_heading(latex.prose(row.group), settings.names(surrogates, experiment.id)))
        means = [
            mean_cell(best[each].replicated if each in best else None, experiment.metrics[each].decimals)
            for each in metrics
        ]
        counts = sorted({sample.replicated.n for sample in best.values() if sample.replicated})
        table.line(latex.prose(row.label), *means, "/".join(map(str, counts)))
    names = [latex.prose(metric_name(experiment.metrics[each])) for each in metrics]
    width = 116 / len(metrics)
    columns = rf"@{{}}L{{48mm}}*{{{len(metrics)}}}{{R{{{width:.1f}mm}}}}r@{{}}"
    head = " & ".join(["", *names, "$n$"])
    caption = rf"\ref{{exp:{experiment.id}}} {wanted.caption.strip()}"
    return table.render(columns, head, caption, f"tab:{experiment.id}-{wanted.id}")


def _heading(text: str, settings: str) -> str:
    """Add the names of settings, if any, to a heading."""
    return ", ".join(filter(None, [text, f"setting {settings}" if settings else ""]))


def _two_digits(value: float) -> str:
    """Print a small positive number with two digits, without an exponent."""
    return latex.number(f"{float(f'{value:.2g}'):.7f}".rstrip("0").rstrip("."))


def _stated(entry: Entry) -> str:
    """Say what the paper states beside the value: standard deviation, number of runs, convention."""
    spread, runs, convention = entry.published_standard_deviation, entry.published_runs, entry.published_convention
    parts = [rf"$\pm$\,{spread:.3g}"] if spread is not None else []
    parts += [f"$n$ = {runs}"] if runs is not None and runs > 1 else []
    parts += [SHORT[convention]] if convention else []
    return rf" \aside{{{', '.join(parts)}}}" if parts else ""
