"""Schema of experiment files, one for each published table or figure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from remixup.config import registry
from remixup.config.base import Slug, Strict, validate
from remixup.config.claims import Claim, RowIds
from remixup.config.expansion import expand
from remixup.config.latex_text import Latex, Prose
from remixup.config.metrics import Convention, Metric, metric_names
from remixup.config.registry import Component
from remixup.config.run import ComponentOf, Dataset, Execution, Mixing, RunSpec
from remixup.config.settings import SCALES, Scale
from remixup.config.yaml_loader import parse_yaml, read_yaml
from remixup.errors import UserError, did_you_mean, require_known
from remixup.files import visible


def _overlay_keys(value: dict[str, Any]) -> dict[str, Any]:
    sections: dict[str, type[Strict]] = {"dataset": Dataset, "mixing": Mixing, "execution": Execution}
    checked: list[tuple[type[Strict], Any]] = [(RunSpec, value)]
    checked += [(model, value.get(name)) for name, model in sections.items()]
    for model, given in checked:
        for key in given if isinstance(given, dict) else ():
            require_known("key", key, model.model_fields)
    return value


Overlay = Annotated[dict[str, Any], AfterValidator(_overlay_keys), WithJsonSchema({"definition": "overlay"})]
"""Some keys of a run, merged into earlier settings. A component of the same name keeps its other parameters."""


def _twice(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _each_once(evaluations: list[Component]) -> list[Component]:
    """Reject an evaluation that is named twice: results are stored under its name."""
    if twice := _twice([part["name"] for part in evaluations]):
        raise ValueError(f"duplicate evaluation {twice[0]!r}")
    return evaluations


Evaluation = Annotated[Component, ComponentOf("evaluation")]


class Settings(Strict):
    """Settings of a run, and how they differ from the published protocol."""

    run: Overlay = Field(
        {}, description="the run: dataset, model, mixing, optimizer, schedule; overlays earlier settings"
    )
    seeds: int | None = Field(None, ge=1, le=10_000, description="number of seeds")
    counts_as: Scale | None = Field(
        None, description="the scale whose protocol this run follows, if it is cheap enough to follow it"
    )
    surrogate: Prose | None = Field(
        None, description="how the run differs from the published one; its numbers get no verdict"
    )
    accepts: list[str] | None = Field(None, description="dataset versions that count as the published data")
    evaluate: Annotated[list[Evaluation], AfterValidator(_each_once)] | None = Field(
        None, description="evaluations of the trained network; replaces those of earlier settings"
    )


class Variation(Settings):
    """Settings for all scales, and additional ones for single scales."""

    scales: dict[Scale, Settings] = Field({}, description="additional settings of single scales")

    def layers(self, scale: Scale) -> list[Settings]:
        """Return the settings for a scale, general ones first."""
        return [self, self.scales[scale]] if scale in self.scales else [self]


class Published(Strict):
    """A number as the paper prints it. Null: it is published, but not transcribed."""

    value: float | None = Field(description="the number; null: not transcribed")
    where: Prose = Field(
        "", description="page and table, if not that of the row; needed if the number is not transcribed"
    )
    quoted: bool = Field(False, description="whether the paper quotes it from another paper")
    standard_deviation: float | None = Field(
        None, ge=0, description="over the paper's runs, if it is stated, in the metric's unit"
    )
    runs: int | None = Field(None, ge=1, description="number of runs that the paper averages; default: see the metric")
    convention: Convention | None = Field(
        None, description="the epoch that the paper says the number is from; default: see the metric"
    )
    tolerance: float | None = Field(None, gt=0, description="in the metric's unit; default: see the metric")

    @model_validator(mode="after")
    def _has_a_place(self) -> Published:
        if self.value is None and not self.where:
            raise ValueError("a number that is not transcribed says where it is published")
        return self


RowId = Annotated[Slug, WithJsonSchema({"type": "string", "pattern": r"^[a-z0-9{][A-Za-z0-9{}_.-]*$"})]


class Row(Variation):
    """A row of a published table or curve of a figure: its numbers, and the run that should reproduce them."""

    id: RowId = Field(description="its name, unique in the file")
    label: Prose = Field(description="what the table prints in its first column; LaTeX")
    group: Prose = Field("", description="heading under which tables print it, and panel in which figures draw it")
    where: Prose = Field("", description="where the paper prints the number")
    published: dict[Metric, float | Published] = Field({}, description="metric -> the number as the paper prints it")
    use: list[str] = Field([], description="variations to apply, in this order")
    each: dict[str, list[str | float | int]] = Field({}, description="{placeholder}s and their values")
    at: list[Scale] = Field(
        [scale for scale in SCALES if scale != "reduced-cpu"],
        min_length=1,
        description="the scales of its runs; default: all, but reduced-cpu only if there are settings for it",
    )

    def printed(self, metric: str) -> Published | None:
        """Return the published number for a metric, or None."""
        value = self.published.get(metric)
        return Published(value=value) if isinstance(value, int | float) else value

    def transcribed(self, metric: str) -> bool:
        """Return False where the paper prints a number for a metric that could not be read."""
        printed = self.printed(metric)
        return printed is None or printed.value is not None


class MetricInfo(Strict):
    """How a metric is printed, and its tolerance."""

    label: Prose = Field(description="how tables and axes call it; LaTeX")
    unit: Prose = Field("%", description="its unit")
    decimals: int = Field(
        1, ge=0, le=6, description="decimals of the published number; half of its last place is rounding"
    )
    tolerance: float | None = Field(None, gt=0, description="default: the larger of 0.3 and 5 % of the number")
    relative_tolerance: float | None = Field(
        None, gt=0, lt=1, description="of probabilities: the tolerance as a fraction of the smaller of p and 1 - p"
    )
    runs: int | None = Field(None, ge=1, description="number of runs that the paper averages, if it is stated")
    convention: Convention | None = Field(None, description="the epoch of the published numbers, if it is stated")

    @model_validator(mode="after")
    def _one_tolerance(self) -> MetricInfo:
        if self.tolerance is not None and self.relative_tolerance is not None:
            raise ValueError("a metric has a tolerance or a relative_tolerance")
        return self


class Derived(Strict):
    """A number that the text of a paper derives from two rows of its tables."""

    id: Slug = Field(description="its name, unique in the file")
    label: Prose = Field(description="what the table prints in its first column; LaTeX")
    where: Prose = Field(description="where the paper prints it")
    kind: Literal["accuracy_ratio"] = Field(description="(100 - the treatment's error) / (100 - the baseline's error)")
    metric: Metric = Field(description="the error of both rows, in percent")
    baseline: str = Field(description="row of the baseline")
    treatment: str = Field(description="row of the treatment")
    published: float = Field(description="the number as the paper prints it")
    decimals: int = Field(1, ge=0, le=6, description="of the published number")
    tolerance: float = Field(gt=0, description="the largest difference that counts as equal")


class KnownEffect(Strict):
    """An effect of another technique than mixing that is known from elsewhere."""

    baseline: str = Field(description="the row without the technique")
    treatment: str = Field(description="the row with it, whose metric has to be smaller")
    metric: Metric = Field(description="the metric that the technique lowers")


class Table(Strict):
    """A table of what the supplement prints beside the published numbers."""

    id: Slug = Field(description="its name, unique in the file")
    caption: Latex = Field(description="LaTeX")
    rows: list[str] = Field(["*"], description="patterns of row ids")
    metrics: list[Metric] = Field([], description="default: all")


class Figure(Strict):
    """A figure of the report."""

    id: Slug = Field(description="its name, unique in the file")
    caption: Latex = Field(description="LaTeX")
    rows: list[str] = Field(["*"], description="patterns of row ids")
    draw: Annotated[Component, ComponentOf("figure")] = Field(description="the function that draws it")


class Experiment(Variation):
    """An experiment file."""

    id: Slug = Field(description="its name, unique among all experiments")
    paper: str = Field(pattern="^[A-Za-z0-9:_-]+$", description="its key in paper/references.bib")
    title: Prose = Field(description="heading in the report; LaTeX")
    where: Prose = Field(description="table or figure of the paper")
    order: int = Field(100, ge=1, description="its position among the paper's experiments in the report")
    summary: Latex = Field(description="what the paper did, for the report; LaTeX")
    metrics: dict[Metric, MetricInfo] = Field(
        {}, description="metric -> how it is printed; every metric in use is here"
    )
    variations: dict[str, Variation] = Field({}, description="settings that rows name under `use`")
    earlier: dict[Scale, list[Settings]] = Field(
        {}, description="former settings of a scale: their records stay in the report, and nothing more is trained"
    )
    rows: list[Row] = Field([], description="lines of the table, or curves of the figure")
    counterparts: dict[str, RowIds] = Field(
        {},
        description="row of ERM -> the published rows that differ from it in mixing alone; the tolerance of all is at "
        "most a quarter of the published gain, and the gain has a verdict",
    )
    known_effects: list[KnownEffect] = Field(
        [],
        description="a surrogate that does not show them decides nothing about claims whose baseline is the treatment",
    )
    derived: list[Derived] = Field([], description="numbers that the paper derives from two rows")
    claims: list[Claim] = Field([], description="what the paper says about the rows")
    choices: list[Latex] = Field([], description="what we chose where the paper is silent; LaTeX")
    tables: list[Table] = Field([], description="tables of the supplement")
    figures: list[Figure] = Field([], description="figures of the supplement")

    @model_validator(mode="after")
    def _names_fit(self) -> Experiment:
        rows = [row.id for row in self.rows]
        shown: list[Table | Figure] = [*self.tables, *self.figures]
        for what, ids in {
            "row": rows,
            "row or derived number": [*rows, *(each.id for each in self.derived)],
            "claim": [claim.id for claim in self.claims],
            "table or figure": [item.id for item in shown],
        }.items():
            if twice := _twice(ids):
                raise ValueError(f"duplicate {what} id {twice[0]!r}")
        for row in self.rows:
            _require_all("variation", row.use, self.variations, f"row {row.id}")
            self._require_metrics(f"row {row.id}", row.published)
            self._require_probabilities(row)
        for each in self.derived:
            self._require_metrics(f"derived number {each.id}", [each.metric])
            _require_all("row", [each.baseline, each.treatment], rows, f"derived number {each.id}")
        for baseline, treatments in self.counterparts.items():
            _require_all("row", [baseline, *treatments], rows, "counterparts")
        for known in self.known_effects:
            self._require_metrics("known_effects", [known.metric])
            _require_all("row", [known.baseline, known.treatment], rows, "known_effects")
        for claim in self.claims:
            self._require_metrics(f"claim {claim.id}", filter(None, [claim.metric, claim.select_by, claim.falls_with]))
            _require_all("row", claim.rows, rows, f"claim {claim.id}")
        for table in self.tables:
            self._require_metrics(f"table {table.id}", table.metrics)
        for item in shown:
            unmatched = [pattern for pattern in item.rows if not any(fnmatchcase(name, pattern) for name in rows)]
            _require_all("row", unmatched, rows, item.id)
        return self

    def _require_metrics(self, where: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.metrics:
                raise ValueError(f"{where}: metric {name!r} is not described; {did_you_mean(name, self.metrics)}")

    def _require_probabilities(self, row: Row) -> None:
        for metric in row.published:
            printed = row.printed(metric)
            if printed is None or printed.value is None or self.metrics[metric].relative_tolerance is None:
                continue
            if not 0 <= printed.value <= 1:
                value = f"{printed.value:g} of {metric}"
                raise ValueError(f"row {row.id}: {value} is no probability, which relative_tolerance needs")

    def tolerance(self, row: Row, metric: str) -> float | None:
        """Return the tolerance of a published number: the row's own, else the metric's, else None for the default.

        A relative tolerance is a fraction of the smaller of p and 1 - p.
        """
        printed, info = row.printed(metric), self.metrics[metric]
        if printed is not None and printed.tolerance is not None:
            return printed.tolerance
        if printed is None or printed.value is None or info.relative_tolerance is None:
            return info.tolerance
        return info.relative_tolerance * min(printed.value, 1 - printed.value)

    def published(self, row: Row, metric: str) -> Published | None:
        """Return the published number of a row, with the runs and the convention that the metric states for all."""
        printed, info = row.printed(metric), self.metrics[metric]
        if printed is None:
            return None
        stated = {"runs": printed.runs or info.runs, "convention": printed.convention or info.convention}
        return printed.model_copy(update=stated)

    def pairs(self) -> list[tuple[Row, Row]]:
        """Return the rows of ERM, each with a row that differs from it in mixing alone."""
        rows = {row.id: row for row in self.rows}
        return [(rows[name], rows[other]) for name, others in self.counterparts.items() for other in others]

    def gains(self, row: Row, metric: str) -> list[float]:
        """Return the published differences of the pairs that a row is in, ERM's number minus the other."""
        printed = [(pair[0].printed(metric), pair[1].printed(metric)) for pair in self.pairs() if row in pair]
        return [
            baseline.value - treatment.value
            for baseline, treatment in printed
            if baseline and treatment and baseline.value is not None and treatment.value is not None
        ]

    def variations_of(self, row: Row) -> list[Variation]:
        """Return the layers of a row's settings: those of the file, of the variations that it uses, its own."""
        return [self, *(self.variations[name] for name in row.use), row]

    def at(self, scale: Scale) -> list[Row]:
        """Return the rows that run at a scale. Rows run at reduced-cpu only if there are settings for it."""
        if scale != "reduced-cpu":
            return [row for row in self.rows if scale in row.at]
        return [row for row in self.rows if any(scale in each.scales for each in self.variations_of(row))]

    def with_earlier(self, scale: Scale) -> list[Experiment]:
        """Return the experiment, and copies with each of its former settings of a scale."""
        former = [{"scales": {**self.scales, scale: settings}} for settings in self.earlier.get(scale, [])]
        return [self, *(self.model_copy(update=each) for each in former)]

    def select(self, patterns: list[str]) -> list[Row]:
        """Return the rows whose id matches one of the patterns, in the order of the patterns, then of the file."""
        chosen = [row for pattern in patterns for row in self.rows if fnmatchcase(row.id, pattern)]
        return list({row.id: row for row in chosen}.values())


def _require_all(kind: str, names: Iterable[str], valid: Collection[str], where: str) -> None:
    for name in names:
        require_known(kind, name, valid, where)


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file; raise UserError with file, key and advice if it is invalid."""
    return validate(Experiment, expand(read_yaml(path)), str(path))


def parse_experiment(text: str, where: str) -> Experiment:
    """Return the experiment that the text of a file describes; UserError as of `read_experiment`."""
    return validate(Experiment, expand(parse_yaml(text, where)), where)


def read_experiments(root: Path = Path("experiments")) -> dict[str, tuple[Path, Experiment]]:
    """Read all experiment files (`<root>/<paper>/*.yaml`), by id.

    Papers are ordered by the year in their key, and files of one paper by `order`.
    """
    found: dict[str, tuple[Path, Experiment]] = {}
    for path in visible(root, "*/*.yaml"):
        experiment = read_experiment(path)
        if experiment.id in found:
            raise UserError(f"experiment id {experiment.id!r} is taken by {found[experiment.id][0]}", where=str(path))
        found[experiment.id] = (path, experiment)
    if not found:
        raise UserError("no experiment files", where=str(root), hint="run from the repository's root")
    return dict(sorted(found.items(), key=lambda item: _position(item[1][1])))


def _position(experiment: Experiment) -> tuple[list[str], str, int]:
    return re.findall(r"[0-9]{4}", experiment.paper), experiment.paper, experiment.order


def file_schema() -> dict[str, Any]:
    """Return the JSON Schema of an experiment file, with the names and parameters of components, for editors."""
    schema = Experiment.model_json_schema(ref_template="#/$defs/{model}")
    definitions = schema.setdefault("$defs", {})
    for kind in registry.load_registry()["kinds"]:
        definitions[f"component-{kind}"] = registry.json_schema(kind)
    run = RunSpec.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(run.pop("$defs", {}))
    definitions["Dataset"].pop("required", None)
    names = sorted(registry.load_registry()["datasets"])
    definitions["Dataset"]["properties"]["name"] |= {"anyOf": [{"enum": names}, registry.PLACEHOLDER]}
    run.pop("required", None)
    definitions["overlay"] = {**run, "title": "Overlay"}
    definitions["metric"] = {"enum": metric_names()}
    linked: dict[str, Any] = _link(schema)
    return linked


def _link(schema: Any) -> Any:
    """Replace {definition: NAME} by a reference, since pydantic can only refer to its own models."""
    if isinstance(schema, dict):
        if isinstance(schema.get("definition"), str):
            others = {key: value for key, value in schema.items() if key != "definition"}
            return {"$ref": f"#/$defs/{schema['definition']}", **others}
        return {key: _link(value) for key, value in schema.items()}
    return [_link(item) for item in schema] if isinstance(schema, list) else schema
