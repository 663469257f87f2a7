"""The rows of the results page that are numbers: published ones, published differences, and other measurements."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from remixup.analysis.best_evidence import best_sample
from remixup.analysis.freezes import path as freeze_path
from remixup.analysis.result_schema import JUDGED, Difference, Entry, ExperimentResult, Recorded
from remixup.analysis.statistics import mean_interval, prediction_interval
from remixup.config.experiment import Experiment, MetricInfo
from remixup.planning.plan import Plan
from remixup.reporting import latex
from remixup.reporting.number_tables import CONVENTION_NAMES
from remixup.reporting.page.records import Attachments, Link, Links, Records
from remixup.reporting.page.text import NUMBER_OUTCOMES, Paper, interval, number, plain
from remixup.reporting.table_builder import Sample, metric_info, metric_name, published


@dataclass(frozen=True)
class Origin:
    """Where a sample comes from."""

    source: Literal["this report", "on record", "both"]
    standing: str
    run: str
    data: str
    machine: str = ""
    date: str = ""
    commit: Link | None = None
    freeze: Link | None = None
    files: list[Link] = field(default_factory=list)
    curves: str | None = None


@dataclass(frozen=True)
class SampleView:
    """A sample of a number, as the page prints it."""

    scale: str
    outcome: str
    surrogate: str
    mean: str
    interval: str
    n: int
    seeds: list[tuple[int, str]]
    origin: Origin


@dataclass(frozen=True)
class Row:
    """A number or a claim, as the page prints it; empty texts where there is nothing to print."""

    id: str
    kind: str
    name: str
    """The id in its experiment file: of a row, or of a claim."""
    experiment: str
    file: Link
    metric: str
    quantity: str
    """What its curves show first."""
    unit: str
    paper: Paper
    where: str
    outcome: str
    why: str
    scale: str
    """Of its best sample or test."""
    standing: str
    """Of its best sample or test."""
    series: list[dict[str, str]]
    """The curves of its samples."""
    specified: list[str]
    """The runs of its samples, or the one that a number lacks."""
    order: dict[str, float]
    """Column -> the value to sort by."""


@dataclass(frozen=True)
class NumberRow(Row):
    """A number, as the page prints it."""

    label: str
    operands: dict[str, str]
    """Of a difference: its two rows, and where they are on the page."""
    published: str
    stated: str
    """What the paper states beside the number."""
    best: SampleView | None
    samples: list[SampleView]
    conventions: list[tuple[str, str, str]]
    """If the paper had meant another epoch: convention, our mean, verdict."""


def series(samples: Iterable[tuple[str, SampleView]]) -> list[dict[str, str]]:
    """Return labels and keys of the curves that samples have, each curve once."""
    found = {each.origin.curves: label for label, each in samples if each.origin.curves}
    return [{"key": key, "label": label} for key, label in found.items()]


def row_id(entry: Entry) -> str:
    """Return the id of the row of a number or difference, to which other documents link."""
    if isinstance(entry, Difference):
        return f"difference-{entry.experiment}.{entry.row}.{entry.metric}"
    return number_id(entry.experiment, entry.row, entry.metric)


def number_id(experiment: str, row: str, metric: str) -> str:
    """Return the id of the row of a number."""
    return f"number-{experiment}.{row}.{metric}"


def is_listed(entry: Entry) -> bool:
    """Return whether the page lists a number: it is published or measured."""
    return entry.published is not None or not entry.transcribed or best_sample(entry) is not None


@dataclass(frozen=True)
class NumberRows:
    """Makes the rows of an experiment's numbers."""

    plan: Plan
    result: ExperimentResult
    paper: Paper
    links: Links
    records: Records
    attachments: Attachments

    @property
    def experiment(self) -> Experiment:
        """Return the experiment."""
        return self.plan.experiment

    def __iter__(self) -> Iterator[NumberRow]:
        """Give the rows of numbers that the page lists in the order of the results, then those of differences."""
        return map(self.row, filter(is_listed, [*self.result.entries, *self.result.differences]))

    def label(self, row: str) -> str:
        """Return the label of a row with its group."""
        names = {each.id: ", ".join(filter(None, [each.group, each.label])) for each in self.experiment.rows}
        names |= {each.id: each.label for each in self.experiment.derived}
        return plain(names[row])

    def difference(self, entry: Difference) -> str:
        """Return the label of a difference; a group that both rows have is named once."""
        rows = {each.id: each for each in self.experiment.rows}
        same = rows[entry.baseline].group == rows[entry.row].group
        return f"{self.label(entry.baseline)} minus {plain(rows[entry.row].label) if same else self.label(entry.row)}"

    def row(self, entry: Entry) -> NumberRow:
        """Make the row of a number."""
        info, best = metric_info(self.experiment, entry), best_sample(entry)
        different = [each for each in entry.recorded if each is not _twin(entry)]
        both: list[Sample] = sorted([entry, *different], key=lambda each: each is not best)
        samples = {id(each): self.sample(each, entry, info) for each in both}
        shown = {key: view for key, view in samples.items() if view}
        label, operands = self.label(entry.row), {}
        if isinstance(entry, Difference):
            kind, label = "difference", self.difference(entry)
            rows = (entry.baseline, entry.row)
            operands = {name: number_id(entry.experiment, name, entry.metric) for name in rows}
        else:
            kind = "number" if entry.published is not None or not entry.transcribed else "measurement"
        mean = best.replicated.mean if best and best.replicated else None
        order = {"published": entry.published, "mean": mean}
        view = shown.get(id(best), shown.get(id(entry)))
        if not shown:
            self.attachments.add_specification(entry.runs[-1])
        return NumberRow(
            id=row_id(entry),
            kind=kind,
            name=entry.row,
            experiment=self.experiment.id,
            file=self.links.file(self.plan.path),
            label=label,
            operands=operands,
            metric=plain(metric_name(info)),
            quantity=entry.metric.partition(".")[0],
            unit=info.unit,
            paper=self.paper,
            where=plain(entry.where),
            published="" if entry.published is None else published(entry.published, info.decimals).replace("-", "−"),
            stated=_stated(entry),
            outcome=(best or entry).verdict,
            why=_why(entry, best, info),
            scale=view.scale if view else "none",
            standing=view.origin.standing if view else "none",
            best=view,
            samples=list(shown.values()),
            series=series((f"{each.origin.source}, {each.scale} scale", each) for each in shown.values()),
            specified=list(dict.fromkeys(view.origin.run for view in shown.values())) or entry.runs[-1:],
            order={key: value for key, value in order.items() if value is not None},
            conventions=[
                (CONVENTION_NAMES[name], number(each.mean, info.decimals + 1), each.verdict)
                for name, each in (best.by_convention.items() if best else ())
            ],
        )

    def sample(self, sample: Sample, entry: Entry, info: MetricInfo) -> SampleView | None:
        """Return how a sample is printed; None where it has no values."""
        runs = sample.replicated
        if runs is None:
            return None
        places = latex.places(runs.std, info.decimals)
        values = zip(runs.seeds, runs.values, strict=True)
        return SampleView(
            scale=sample.scale,
            outcome=sample.verdict,
            surrogate=plain(sample.surrogate or ""),
            mean=number(runs.mean, places),
            interval=interval(runs.ci95, places),
            n=runs.n,
            seeds=[(seed, number(value, info.decimals + 1)) for seed, value in values],
            origin=self.on_record(sample, entry) if isinstance(sample, Recorded) else self.own(entry),
        )

    def own(self, entry: Entry) -> Origin:
        """Return where a sample of this report's runs comes from: the record that has the same values, if any."""
        if twin := _twin(entry):
            found = self.on_record(twin, entry)
            curves = found.curves or self.attachments.add_own(self.result, entry.row, found.run)
            return replace(found, source="both", curves=curves)
        run = entry.runs[-1]
        cost = next((each for each in self.result.costs if each.run == run), None)
        return Origin(
            source="this report",
            standing="exploratory",
            run=run,
            data=entry.dataset_version,
            machine=cost.hardware if cost else "",
            date=cost.date if cost else "",
            commit=self.links.commit(cost.commit) if cost else None,
            curves=self.attachments.add_own(self.result, entry.row, run),
        )

    def on_record(self, sample: Recorded, entry: Entry) -> Origin:
        """Return where a sample on record comes from."""
        runs = sample.replicated
        blocks = self.records.blocks(sample.run, runs.seeds)
        values = dict(zip(runs.seeds, runs.values, strict=True))
        paths = [*blocks, *self.records.evaluations(blocks.values(), entry.metric, values)]
        return Origin(
            source="on record",
            standing=sample.standing,
            run=sample.run,
            data=sample.dataset_version,
            machine=f"{sample.hardware}, {sample.precision}",
            date=sample.date,
            commit=self.links.commit(sample.code.commit),
            freeze=self.links.file(freeze_path(sample.freeze)) if sample.freeze else None,
            files=[self.links.file(path) for path in paths],
            curves=self.attachments.add_recorded(sample, blocks.values()),
        )


def _twin(entry: Entry) -> Recorded | None:
    """Return the sample on record with the values of this report's runs, up to round-off."""
    own = entry.replicated
    same = [each for each in entry.recorded if own and own.seeds == each.replicated.seeds]
    return next((each for each in same if own and all(map(math.isclose, own.values, each.replicated.values))), None)


def _stated(entry: Entry) -> str:
    spread, runs, convention = entry.published_standard_deviation, entry.published_runs, entry.published_convention
    parts = ["quoted from another paper"] if entry.quoted else []
    parts += [f"standard deviation {spread:g}"] if spread is not None else []
    parts += [f"mean of {runs} runs"] if runs is not None and runs > 1 else []
    parts += [f"epoch: {CONVENTION_NAMES[convention]}"] if convention else []
    return ", ".join(parts)


def _why(entry: Entry, best: Sample | None, info: MetricInfo) -> str:
    """Say how a number got its outcome."""
    if best is None or best.replicated is None or best.verdict not in JUDGED or entry.published is None:
        return NUMBER_OUTCOMES[(best or entry).verdict][1]
    runs = best.replicated
    places = latex.places(runs.std, info.decimals)
    ends = mean_interval(runs.values, 0.90)
    facts = [f"Our mean differs by {number(runs.mean - entry.published, places, sign=True)}."]
    if entry.tolerance is not None:
        facts.append(f"The tolerance is {float(f'{entry.tolerance:.2g}'):g}, and rounding.")
    if ends:
        facts.append(f"The 90 % interval of our mean is {interval(ends, places)}.")
    expected = prediction_interval(runs.values, 0.95, entry.published_runs or 1, entry.published_standard_deviation)
    if expected and best.verdict != "replicated":
        theirs = f"the mean of {entry.published_runs} runs" if (entry.published_runs or 1) > 1 else "a single run"
        facts.append(f"By our runs, {theirs} of the paper would be at {interval(expected, places)} (95 %).")
    return " ".join([NUMBER_OUTCOMES[best.verdict][1], *facts])
