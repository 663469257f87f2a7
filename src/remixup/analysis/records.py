"""Evidence that is kept: results measured at a real scale, committed under `records/`.

A record is one run, `records/<slug>-<hash8>.json`, with the histories of seeds that were trained one by one beside it,
from which its values must follow. It counts for every row whose specification at some real scale is
that run, up to the dataset's version (the row says which it accepts) and how the machine carried it out (precision,
memory format, threads), which are named where the number is shown.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from remixup.analysis.result_schema import ClaimResult, Code, Recorded, RecordedClaim, Verdict
from remixup.analysis.run_results import Harvest
from remixup.analysis.statistics import summarise
from remixup.analysis.verdicts import Evidence, decide_claims, verdict
from remixup.config.experiment import Experiment, Row
from remixup.config.metrics import FROM_HISTORY, evaluated_values
from remixup.config.registry import Part, numerics
from remixup.config.run import RunSpec
from remixup.config.settings import Config, Scale
from remixup.errors import UserError
from remixup.planning.plan import Plan, PlannedRow, comparable, plan_experiment, with_all_rows
from remixup.store.provenance import clean, sha256
from remixup.store.run_store import Block, Damaged, metrics, read_history, speeds, write_json

HOME = Path("records")
REAL: tuple[Scale, ...] = ("reduced-cpu", "reduced", "paper")


def write(config: Config, plan: Plan, only: str | None = None) -> list[Path]:
    """Records the finished runs of a plan (or one of them) that count at a real scale; the files.

    Raises:
        UserError: where a run was trained from a source tree that differed from its commit, or a block is damaged.
    """
    harvest, written = Harvest(config, plan), []
    store = harvest.store
    scales = {row.key: row.scale for row in plan.runnable if row.scale in REAL}
    for key, (spec, _) in plan.runs().items():
        blocks = store.blocks(key)
        if key not in scales or not blocks or only not in (None, key):
            continue
        for block in blocks:
            _fit_to_record(block)
        path = HOME / f"{key}.json"
        rows = [row for row in plan.runnable if row.key == key]
        sound = {row.row.id: harvest.sound(row) for row in rows if row.stand_in}
        measured = [each for row in rows for each in _measured(harvest, row)]
        record = {**_record(key, spec, scales[key], blocks), "sound": sound, "evaluations": measured}
        record = _with_what_was_recorded(record, path)
        for block in blocks:
            if _keeps_history(block):
                kept = _history(HOME, key, block.seeds)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(block.folder / "history.csv", kept)
        write_json(path, {**record, "sha256": digest(record)})
        written.append(path)
    return written


def _with_what_was_recorded(record: dict[str, Any], path: Path) -> dict[str, Any]:
    """Adds the seeds that were recorded before, and what was measured then, be it by another experiment.

    Where a seed of both has another history, it was trained anew by another machine or program: then nothing of what
    was recorded holds for it. Other seeds keep theirs, but for those that were trained together with such a one.
    """
    if not path.exists():
        return record
    before = read(path)
    if before["numerics"] != record["numerics"] or not before["values"].keys() >= record["values"].keys():
        return record
    old, new = _histories(before), _histories(record)
    kept = [block for block in before["provenance"] if new.keys().isdisjoint(block["seeds"])]
    apart = {seed for block in kept for seed in block["seeds"]}
    valid = apart | {seed for seed in old.keys() & new.keys() if old[seed] == new[seed]}
    held = {seed: (each, place) for each in (before, record) for place, seed in enumerate(each["seeds"])}
    seeds = sorted(apart | new.keys())
    places = [held[seed] for seed in seeds]
    # A store that has not all of the seeds may lack what they are compared with, too.
    judged = {name: verdict for name, verdict in before["sound"].items() if verdict is not None}
    sound = {**(before["sound"] if valid else {}), **record["sound"], **(judged if apart else {})}
    return {
        **record,
        "seeds": seeds,
        "diverged": [each["diverged"][place] for each, place in places],
        "values": {name: [each["values"][name][place] for each, place in places] for name in record["values"]},
        "provenance": sorted([*record["provenance"], *kept], key=lambda block: block["seeds"]),
        "sound": sound,
        "evaluations": _all_evaluations(_of_seeds(valid, before["evaluations"]), record["evaluations"]),
    }


def _histories(record: dict[str, Any]) -> dict[int, str]:
    return {seed: block["history_sha256"] for block in record["provenance"] for seed in block["seeds"]}


def _of_seeds(seeds: set[int], evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was measured on some of the seeds; evaluations without any are left out."""
    found = []
    for each in evaluations:
        values = {
            name: {seed: value for seed, value in by_seed.items() if int(seed) in seeds}
            for name, by_seed in each["values"].items()
        }
        if any(values.values()):
            found.append({**each, "values": values})
    return found


def _all_evaluations(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of both; where they have the same one, the seeds of both, with what is measured now."""
    found = []
    for each in now:
        known: dict[str, dict[str, Any]] = next(
            (other["values"] for other in before if _named(other) == _named(each)), {}
        )
        values = {name: {**known.get(name, {}), **by_seed} for name, by_seed in each["values"].items()}
        found.append({**each, "values": values})
    return found + [each for each in before if _named(each) not in [_named(other) for other in now]]


def _keeps_history(block: Block) -> bool:
    """Whether the history is kept too, epoch by epoch: not that of a population, which is as long as it has seeds."""
    return len(block.seeds) == 1


def digest(record: dict[str, Any]) -> str:
    """SHA-256 of a record without its own `sha256`: an edit, or a merge gone wrong, does not pass for a measurement."""
    content = {name: value for name, value in record.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _fit_to_record(block: Block) -> None:
    try:
        block.verify()
    except Damaged as error:
        raise UserError(str(error), hint="`remixup train` puts it aside and trains it again") from None
    state = block.read("provenance.json")["code"]
    if not clean(state):
        hint = "commit, remove the block, and train it again"
        raise UserError("was not trained from a clean source tree", where=str(block.folder), hint=hint)


def _record(key: str, spec: RunSpec, scale: Scale, blocks: list[Block]) -> dict[str, Any]:
    measured = [block.read("metrics.json") for block in blocks]
    kept = [block.read("provenance.json") for block in blocks]
    return {
        "schema_version": 1,
        "run": key,
        "scale": scale,
        "spec": spec.model_dump(),
        "numerics": spec.canonical().get("numerics", {}),
        "seeds": [seed for each in measured for seed in each["seeds"]],
        "diverged": [flag for each in measured for flag in each["diverged"]],
        "values": {name: [v for each in measured for v in each["values"][name]] for name in measured[0]["values"]},
        "provenance": [
            {
                **{name: each[name] for name in ("seeds", "code", "environment", "hardware", "device", "data")},
                **{name: each[name] for name in ("started", "seconds")},
                **{name: each[name] for name in ("processes", "load_average") if name in each},
                "history_sha256": each["files"]["history.csv"],
                **({"history_kept": True} if _keeps_history(block) else {}),
            }
            for block, each in zip(blocks, kept, strict=True)
        ],
    }


def _measured(harvest: Harvest, row: PlannedRow) -> list[dict[str, Any]]:
    """The numbers that were measured on a row's trained networks, evaluation by evaluation."""
    found = []
    for part in row.evaluate:
        names = evaluated_values().get(part["name"], [])
        wanted = harvest.plan.evaluation(row, part)
        results = harvest.evaluation(row, wanted) if wanted and names else []
        if results:
            values = {name: {str(each["seed"]): each[name] for each in results} for name in names}
            found.append({**_identity(harvest.plan, part), "values": values})
    return found


def _named(kept: dict[str, Any]) -> dict[str, Any]:
    """Return the identity of an evaluation in a record; what its source run left out takes today's defaults."""
    sources = [comparable(RunSpec.model_validate(each)) for each in kept["source"]]
    return {"part": kept["part"], "numerics": kept["numerics"], "source": sources}


def _identity(plan: Plan, part: Part) -> dict[str, Any]:
    """What makes two evaluations the same measurement: the part, and what its source run is."""
    sources = [row.run for row in plan.rows if row.row.id == part.get("source")]
    alone = {name: value for name, value in part.items() if name != "source"}
    edition = numerics("evaluation", part["name"])
    return {"part": alone, "numerics": edition, "source": [comparable(run) for run in sources]}


def read_all(home: Path = HOME) -> list[dict[str, Any]]:
    """All records; UserError where one is not readable or was edited out of shape."""
    return _all(home.absolute())


@functools.cache
def _all(home: Path) -> list[dict[str, Any]]:
    return [read(path) for path in sorted(home.glob("*.json"))]


def read(path: Path) -> dict[str, Any]:
    """A record, with the form of its specification that rows are compared with.

    Raises:
        UserError: it is not readable, was edited, or does not follow from the histories that are kept with it.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["run"] != path.stem or record["sha256"] != digest(record):
            raise ValueError("its content differs from its digest, or its name from its run")
        spec = RunSpec.model_validate(record["spec"])
        _follows_from_histories(record, path.parent)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"not a record: {str(error).splitlines()[0]}", where=str(path)) from None
    return {**record, "comparable": comparable(spec)}


def _history(home: Path, run: str, seeds: list[int]) -> Path:
    return home / "histories" / run / f"seeds-{seeds[0]}-{seeds[-1]}.csv"


def _follows_from_histories(record: dict[str, Any], home: Path) -> None:
    """Raises ValueError where a history is not the one that was measured, or gives other values than the record's."""
    for block in record["provenance"]:
        path = _history(home, record["run"], block["seeds"])
        if not block.get("history_kept", False):
            continue
        if sha256(path) != block["history_sha256"]:
            raise ValueError(f"{path} is not the history that was recorded")
        found = metrics(block["seeds"], read_history(path), record["spec"].get("choose_epoch", False))
        places = [record["seeds"].index(seed) for seed in block["seeds"]]
        for name, values in found["values"].items():
            if values != [record["values"][name][place] for place in places]:
                raise ValueError(f"its {name} is not what {path} gives")


def matching(planned: PlannedRow) -> dict[str, Any] | None:
    """The record with the most seeds that counts for a row at a scale."""
    wanted = comparable(planned.run)
    fits = [
        record
        for record in read_all()
        if record["comparable"] == wanted
        and record["numerics"] == planned.run.canonical().get("numerics", {})
        and (planned.accepts is None or record["spec"]["dataset"]["version"] in planned.accepts)
    ]
    return max(fits, key=lambda record: len(record["seeds"]), default=None)


def complete(plan: Plan, planned: PlannedRow, seeds: int) -> bool:
    """Whether so many seeds of a row are on record, with all the numbers that are to be measured on its networks."""
    record = matching(planned)
    if record is None or len(record["seeds"]) < seeds:
        return False
    asked = [f"{part['name']}.{name}" for part in planned.evaluate for name in evaluated_values().get(part["name"], [])]
    return all(len(_by_seed(plan, planned, record, metric)) >= seeds for metric in asked)


@dataclass(frozen=True)
class _Found:
    """A row at a real scale, and the record that counts for it."""

    plan: Plan
    planned: PlannedRow
    record: dict[str, Any]

    @cached_property
    def sound(self) -> bool | None:
        """Whether its stand-in beats a linear model; None where that is not on record.

        The network trained by ERM says so. Where the store had the row without it, its own record does.
        """
        known: bool | None = self.record["sound"].get(self.planned.row.id)
        if known is not None or self.planned.stand_in is None:
            return known
        plain = with_all_rows(self.plan).plain(self.planned)
        record = matching(plain)
        return record["sound"].get(plain.row.id) if record else None

    def measured(self, metric: str) -> dict[int, float | None]:
        """A metric by seed; None where it has no value."""
        return _by_seed(self.plan, self.planned, self.record, metric)

    def values(self, metric: str) -> dict[int, float]:
        """A metric by seed, where it has a value."""
        return {seed: value for seed, value in self.measured(metric).items() if value is not None}

    def recorded(self, scale: Scale, values: dict[int, float], decided: Verdict, *, lacking: bool) -> Recorded:
        """Return a result on record; `lacking` says that some of its seeds have no value."""
        last = self.record["provenance"][-1]
        dataset = self.record["spec"]["dataset"]
        return Recorded(
            scale=scale,
            replicated=summarise(list(values.values()), list(values)),
            verdict="diverged" if any(self.record["diverged"]) else "no value" if lacking else decided,
            stand_in=self.planned.stand_in,
            dataset_version=f"{dataset['name']} {dataset['version']}",
            precision=self.record["spec"]["precision"],
            code=Code(commit=last["code"]["commit"], dirty=last["code"]["dirty"]),
            hardware=last["hardware"],
            date=last["started"][:10],
            run=self.record["run"],
        )


class OnRecord:
    """What is on record for an experiment."""

    def __init__(self, path: Path, experiment: Experiment, config: Config) -> None:
        self.experiment = experiment
        # By row, and by the real scale that the record was measured at.
        self.found: dict[str, dict[Scale, _Found]] = {row.id: {} for row in experiment.rows}
        for scale in REAL:
            plan = plan_experiment(path, experiment, config, scale)
            for planned in plan.rows:
                record = matching(planned)
                if record is not None:
                    self.found[planned.row.id].setdefault(planned.scale, _Found(plan, planned, record))


def _by_seed(plan: Plan, planned: PlannedRow, record: dict[str, Any], metric: str) -> dict[int, float | None]:
    """A metric on record: of the training, or of the evaluation that the row asks for."""
    source, _, name = metric.partition(".")
    if source in evaluated_values():
        part = next((each for each in planned.evaluate if each["name"] == source), None)
        wanted = _identity(plan, part) if part else None
        for kept in record.get("evaluations", []):
            if _named(kept) == wanted:
                return {int(seed): value for seed, value in kept["values"][name].items()}
        return {}
    if name == FROM_HISTORY:
        return _speeds(record, source)
    return dict(zip(record["seeds"], record["values"].get(metric, []), strict=False))


def _speeds(record: dict[str, Any], quantity: str) -> dict[int, float | None]:
    """Return the speed of each seed whose history is kept with the record."""
    kept = [block["seeds"] for block in record["provenance"] if block.get("history_kept")]
    found: dict[int, float | None] = {}
    for seeds in kept:
        found |= speeds(read_history(_history(HOME, record["run"], seeds)), quantity)
    return found


def for_entry(kept: OnRecord, row: Row, metric: str) -> list[Recorded]:
    """What is on record for one number, one result for each real scale."""
    results = []
    experiment = kept.experiment
    printed, info = row.printed(metric), experiment.metrics[metric]
    for scale, found in kept.found[row.id].items():
        planned, values = found.planned, found.values(metric)
        if not values:
            continue
        decided = verdict(
            printed.value if printed else None,
            list(values.values()),
            tolerance=experiment.tolerance(row, metric),
            decimals=info.decimals,
            stand_in=planned.stand_in,
            transcribed=row.transcribed(metric),
        )
        lacking = len(values) < len(found.measured(metric))
        results.append(found.recorded(scale, values, decided, lacking=lacking))
    return results


def add_to_claims(claims: list[ClaimResult], kept: OnRecord) -> None:
    """Decides each claim once more on the runs on record, scale by scale."""
    experiment = kept.experiment
    for scale in REAL:
        evidence = {row.id: Evidence(scale) for row in experiment.rows}
        for name, found in kept.found.items():
            if scale in found:
                each = found[scale]
                values = {metric: each.values(metric) for metric in experiment.metrics}
                evidence[name] = Evidence(scale, each.planned.stand_in, each.sound, values)
        for claim, decided in zip(claims, decide_claims(experiment, evidence), strict=True):
            if decided.effect is not None and decided.ci95 is not None and decided.p is not None:
                fields = ("holds", "effect", "ci95", "p", "n", "stand_in", "untried")
                claim.recorded.append(RecordedClaim(scale=scale, **{name: getattr(decided, name) for name in fields}))
