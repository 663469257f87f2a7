"""Plan an experiment at a scale: the run of each row, its seeds, and how its numbers are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import product
from pathlib import Path
from typing import Any

from remixup.config import registry
from remixup.config.base import validate
from remixup.config.experiment import Experiment, Row, Settings, read_experiments
from remixup.config.registry import Component, numerics
from remixup.config.requirements import evaluation_problem
from remixup.config.run import Mixing, RunSpec, short_digest
from remixup.config.settings import ON_CPU, SCALES, Config, Scale
from remixup.errors import UserError, did_you_mean, look_up

FAST: dict[str, Any] = {"memory_format": "channels_last", "fused": True, "cudnn_benchmark": True, "cuda_graph": True}
"""How `fast` executes a run that trains on labels; deep networks are compiled as well."""
DEEP = ("preact_resnet", "wide_resnet", "densenet_bc", "resnet")
"""Models whose test errors in bfloat16 are within the noise of those in float32 (`remixup_benchmarks.precision`). They
train much longer than they take to compile."""
_VALID: dict[str, RunSpec] = {}
"""Settings of a run -> the run."""


@dataclass(frozen=True)
class PlannedRow:
    """A row at a scale, with its resolved run."""

    row: Row
    run: RunSpec
    seeds: int
    scale: Scale
    """The scale that its numbers count as."""
    surrogate: str | None
    accepts: list[str] | None
    """Dataset versions that count as the published data; None: all."""
    evaluate: list[Component]
    """What is measured on the trained network."""
    available: bool
    """Whether its data is available as configured."""

    @cached_property
    def key(self) -> str:
        """The run's name in the store."""
        return self.run.key()


@dataclass(frozen=True)
class Evaluation:
    """Something measured on a run's trained network."""

    run: str
    part: Component
    """Its name and parameters, but not the row that it names as its source."""
    seeds: int
    source: str | None = None
    """The other run whose networks it uses (those that an attack is made on), if any."""

    @property
    def runs(self) -> list[str]:
        """The runs that it reads."""
        return [self.run] if self.source is None else [self.run, self.source]

    @cached_property
    def key(self) -> str:
        """`<name>-<hash8>`: the evaluation's name in the store, hashed over the evaluation and the runs it reads."""
        identity: dict[str, Any] = {"evaluation": self.part, "runs": self.runs}
        edition = numerics("evaluation", self.part["name"])
        return f"{self.part['name']}-{short_digest({**identity, 'numerics': edition} if edition != 1 else identity)}"


@dataclass(frozen=True)
class Plan:
    """An experiment at a scale."""

    path: Path
    experiment: Experiment
    scale: Scale
    rows: list[PlannedRow] = field(repr=False)
    jobs: tuple[str, ...] = ()
    """Keys of the jobs that train and evaluate its runs; empty where no workflow was planned."""

    @property
    def runnable(self) -> list[PlannedRow]:
        """The rows whose data is available."""
        return [row for row in self.rows if row.available]

    def runs(self) -> dict[str, tuple[RunSpec, int]]:
        """Return the runs by key, each with the most seeds that any of its rows asks for."""
        seeds: dict[str, int] = {}
        for row in self.runnable:
            seeds[row.key] = max(row.seeds, seeds.get(row.key, 0))
        return {row.key: (row.run, seeds[row.key]) for row in self.runnable}

    def evaluations(self) -> dict[str, Evaluation]:
        """Return the evaluations by key: those of rows, and the linear baselines of surrogates in claims."""
        found = [each for row in self.runnable for part in row.evaluate if (each := self.evaluation(row, part))]
        found += self.linear_baselines()
        # Rows may share a run and ask for different numbers of seeds.
        return {each.key: each for each in sorted(found, key=lambda evaluation: evaluation.seeds)}

    def linear_baselines(self) -> list[Evaluation]:
        """Return the linear baselines of surrogates in claims."""
        baselines = {name for claim in self.experiment.claims for name in claim.baselines}
        rows = [row for row in self.runnable if row.surrogate and row.run.classifies and row.row.id in baselines]
        return [linear_baseline(self.plain(row)) for row in rows]

    def plain(self, row: PlannedRow) -> PlannedRow:
        """Return the row whose run is that of `erm`; this row if there is none.

        Its data is the same, so that a linear baseline of the one is that of the other.
        """
        erm = self.erm(row)
        return next((each for each in self.runnable if erm and each.key == erm.key), row)

    def erm(self, row: PlannedRow) -> PlannedRow | None:
        """Return a row as it would be without mixing and dropout; its run need not be one of the plan.

        It decides whether a surrogate is informative, because a regularized network that is worse than a linear model
        may be a result. Private training has a schedule of its own: its counterpart is the first row without privacy
        and mixing that has the same data, network and labels, None if there is none.
        """
        plain = without_mixing(row.run)
        if row.run.objective["name"] != "dp_sgd":
            return replace(row, run=plain)
        setting = {"dataset", "normalization", "model"}
        return next(
            (
                each
                for each in self.runnable
                if each.run.objective["name"] != "dp_sgd"
                and each.run == without_mixing(each.run)
                and each.run.model_dump(include=setting) == plain.model_dump(include=setting)
            ),
            None,
        )

    def evaluation(self, row: PlannedRow, part: Component) -> Evaluation | None:
        """Return an evaluation that a row asks for; None where the data of its source row is unavailable."""
        if "source" not in part:
            return Evaluation(row.key, part, row.seeds)
        alone = {name: value for name, value in part.items() if name != "source"}
        source = next((each for each in self.runnable if each.row.id == part["source"]), None)
        return Evaluation(row.key, alone, row.seeds, source.key) if source else None


def places(plans: list[Plan]) -> dict[str, str]:
    """Return for each run a file and a row that ask for it."""
    return {row.key: _place(str(plan.path), row.row, plan.scale) for plan in plans for row in plan.runnable}


def linear_baseline(row: PlannedRow) -> Evaluation:
    """Return the linear baseline of a surrogate: tuned logistic regression on the same tensors."""
    return Evaluation(row.key, {"name": "logistic_regression"}, row.seeds)


def without_mixing(run: RunSpec) -> RunSpec:
    """Return a run without mixing and dropout: empirical risk minimization (ERM)."""
    model = {name: value for name, value in run.model.items() if name != "dropout"}
    return run.model_copy(update={"mixing": Mixing(), "model": model})


def needs_weights(evaluation: Evaluation) -> bool:
    """Return whether an evaluation reads trained networks, and not the data alone."""
    return bool(registry.load_registry()["kinds"]["evaluation"][evaluation.part["name"]]["weights"])


def with_all_rows(plan: Plan) -> Plan:
    """Return the plan as it would be if all data were available."""
    return replace(plan, rows=[replace(row, available=True) for row in plan.rows])


def merge(base: Any, overlay: Any) -> Any:
    """Merge overlay into base, key by key; a component of another name replaces the whole component."""
    if isinstance(base, str) and isinstance(overlay, dict):
        base = {"name": base}
    if not isinstance(base, dict) or not isinstance(overlay, dict):
        return overlay
    if "name" in base and overlay.get("name", base["name"]) != base["name"]:
        return overlay
    return {**base, **{key: merge(base.get(key), value) for key, value in overlay.items()}}


def _place(where: str, row: Row, scale: Scale) -> str:
    return f"{where}, rows[{row.id}] at {scale} scale"


def _layers(experiment: Experiment, row: Row, scale: Scale) -> list[Settings]:
    return [settings for variation in experiment.variations_of(row) for settings in variation.layers(scale)]


def overlaid_run(experiment: Experiment, row: Row, scale: Scale) -> dict[str, Any]:
    """Merge the run settings of a row at a scale: those of the file, then of its variations, then its own."""
    layers: Iterator[dict[str, Any]] = (settings.run for settings in _layers(experiment, row, scale))
    return reduce(merge, layers, {})


def _resolve(where: str, experiment: Experiment, row: Row, scale: Scale, config: Config) -> RunSpec:
    run = _validated(overlaid_run(experiment, row, scale), f"{_place(where, row, scale)}, run")
    version = run.dataset.version or config.version(run.dataset.name)
    changes: dict[str, Any] = {"dataset": run.dataset.model_copy(update={"version": version})}
    if scale not in ON_CPU and run.objective["name"] == "supervised":
        deep = run.model["name"] in DEEP and not run.vectorized
        if config.precision and deep:
            changes["precision"] = config.precision
        if config.fast:
            changes["execution"] = run.execution.model_copy(update={**FAST, "compile": deep})
    return run.model_copy(update=changes)


def _validated(settings: dict[str, Any], where: str) -> RunSpec:
    """Validate the settings of a run, once for all rows and scales that share them."""
    text = repr(settings)
    if text not in _VALID:
        _VALID[text] = validate(RunSpec, settings, where)
    return _VALID[text]


def _last(layers: list[Settings], name: str) -> Any:
    return next((value for settings in reversed(layers) if (value := getattr(settings, name)) is not None), None)


def plan_row(where: str, experiment: Experiment, row: Row, config: Config, scale: Scale) -> PlannedRow:
    """Plan a row at a scale; UserError if its specification is wrong, or differs from the paper's without saying so."""
    run = _resolve(where, experiment, row, scale, config)
    row_at = _place(where, row, scale)
    layers = _layers(experiment, row, scale)
    reasons = [settings.surrogate for settings in layers if settings.surrogate]
    counts_as: Scale = _last(layers, "counts_as") or scale
    seeds = _last(layers, "seeds")
    if seeds is None:
        raise UserError("no number of seeds", where=row_at, hint="set `seeds` for the file, the scale or the row")
    accepted = _last(layers, "accepts")
    evaluate = _last(layers, "evaluate") or []
    if problem := next(filter(None, (evaluation_problem(part, run) for part in evaluate)), None):
        raise UserError(problem, where=f"{row_at}, evaluate")
    if scale != "paper":
        published = _resolve(where, experiment, row, "paper", config)
        asked = _last(_layers(experiment, row, "paper"), "evaluate") or []
        departs = (comparable(run), evaluate) != (comparable(published), asked)
        if departs and not reasons:
            hint = "say in `surrogate` how it differs"
            raise UserError("the run departs from the published protocol", where=row_at, hint=hint)
        if departs and counts_as == "paper":
            raise UserError("a run that departs from the published protocol cannot count as paper", where=row_at)
    if counts_as == "paper" and accepted is not None and run.dataset.version not in accepted:
        reasons.append(f"version {run.dataset.version} of {run.dataset.name}")
    available = config.available(run.dataset.name, run.dataset.version)
    surrogate = "; ".join(dict.fromkeys(reasons)) or None
    return PlannedRow(row, run, seeds, counts_as, surrogate, accepted, evaluate, available)


def comparable(run: RunSpec) -> dict[str, Any]:
    """Return what two runs of the same protocol share: everything but precision and execution."""
    spec = run.model_dump(exclude={"precision", "execution"})
    spec["dataset"].pop("version")
    return spec


def plan_experiment(path: Path, experiment: Experiment, config: Config, scale: Scale | None = None) -> Plan:
    """Plan an experiment at a scale (the configured one by default)."""
    chosen = scale or config.scale
    rows = [plan_row(str(path), experiment, row, config, chosen) for row in experiment.at(chosen)]
    planned = {row.row.id: row for row in rows}
    for row in rows:
        for part in row.evaluate:
            if "source" in part:
                _check_source(f"{_place(str(path), row.row, chosen)}, evaluate", row, part["source"], planned)
    keys = {name: (row.key, row.evaluate) for name, row in planned.items()}
    for claim in experiment.claims:
        for pair in claim.compare:
            for baseline, treatment in product(pair.baseline, pair.treatment):
                if baseline in keys and keys[baseline] == keys.get(treatment):
                    where = f"{path}, claims[{claim.id}] at {chosen} scale"
                    raise UserError(f"{baseline} and {treatment} are the same run", where=where)
    return Plan(path, experiment, chosen, rows)


def _check_source(where: str, row: PlannedRow, source: str, planned: dict[str, PlannedRow]) -> None:
    if source not in planned:
        raise UserError(f"unknown row {source!r} as a source", where=where, hint=did_you_mean(source, planned))
    if planned[source].run.vectorized or planned[source].seeds < 2:
        raise UserError(f"row {source} cannot be a source: it needs two seeds or more, trained one by one", where=where)
    if row.run.vectorized:
        raise UserError(f"row {row.row.id} cannot have a source: its seeds are trained side by side", where=where)


def read_plans(config: Config, root: Path = Path("experiments")) -> list[Plan]:
    """Plan the configured experiments at the configured scale; every row is checked at every scale."""
    files = read_experiments(root)
    chosen = list(files) if config.experiments == "all" else config.experiments
    for name in chosen:
        look_up("experiment", name, files, "configuration, experiments")
    plans = {
        name: {scale: plan_experiment(path, experiment, config, scale) for scale in SCALES}
        for name, (path, experiment) in files.items()
    }
    return [plans[name][config.scale] for name in chosen]
