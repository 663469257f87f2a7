"""What each run and each evaluation of an experiment takes.

Hours are step times that were measured (`training.timing`), multiplied; where a step was not measured nothing is made
up, and the hours are unknown.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from remixup.config.registry import Part
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.costs.flops import examples, operations, parameter, views, work
from remixup.costs.throughput import StepTime, StepTimes, kind
from remixup.data.catalog.registry import REGISTRY
from remixup.evaluation import storage
from remixup.planning.plan import Evaluation, Plan
from remixup.store.run_store import Store

NOT_COUNTED = {"logistic_regression", "modes", "on_the_line", "linear_solution", "direction_norms"}
NOT_COUNTED |= {"at_ten_points", "collinearity", "collisions", "last_value", "mixing"}
"""Evaluations that pass next to nothing through a network: their seconds are left out."""
NODES = 32
"""Of the integral over the ratio in `theory.approximation.mixup_loss`."""


@dataclass(frozen=True)
class Spent:
    """A run, or an evaluation, for all its seeds."""

    seconds: float | None
    left: float | None
    """Seconds of what the store lacks."""
    flop: float


class RunCosts:
    """The runs, evaluations and datasets of an experiment, and what each takes."""

    def __init__(self, config: Config, plan: Plan, times: StepTimes) -> None:
        self.config, self.plan, self.times = config, plan, times
        self.store, self.results = Store(Path(config.results)), Path(config.results)
        self.runs = plan.runs()

    @cached_property
    def missing(self) -> dict[str, int]:
        """How many seeds of each run the store lacks."""
        return {
            key: sum(map(len, self.store.missing(key, seeds, spec.population)))
            for key, (spec, seeds) in self.runs.items()
        }

    @cached_property
    def trainings(self) -> dict[str, Spent]:
        """By run."""
        return {key: self._training(key, *run) for key, run in self.runs.items()}

    @cached_property
    def evaluations(self) -> dict[str, Spent]:
        """By evaluation."""
        return {key: self._evaluation(each) for key, each in self.plan.evaluations().items()}

    def _training(self, key: str, spec: RunSpec, seeds: int) -> Spent:
        flop = seeds * training_flop(spec)
        return self._spent(training_seconds(spec, seeds, self.times), spec, seeds, self.missing[key], flop)

    def _evaluation(self, wanted: Evaluation) -> Spent:
        (spec, seeds), (other, others) = self.runs[wanted.run], self.runs[wanted.runs[-1]]
        found = passes(wanted.part, spec)
        gradients, forwards = found or (0, 0)
        each = operations(spec)
        flop = wanted.seeds * (gradients * each.training + forwards * each.evaluation)
        own, step = self.times.find(kind(spec, seeds)), self.times.find(kind(other, others))
        seconds = _seconds(step, gradients, 0) + _seconds(own, 0, forwards) if found and own and step else None
        if found == (0, 0):
            seconds = 0.0
        blocks = self.store.blocks(wanted.run)
        done = {seed for block in blocks if storage.path(self.results, wanted, block).exists() for seed in block.seeds}
        return self._spent(seconds, spec, wanted.seeds, len(set(range(wanted.seeds)) - done), flop)

    def _spent(self, seconds: float | None, spec: RunSpec, seeds: int, missing: int, flop: float) -> Spent:
        """From the seconds of a block: one seed, or all of a population (some are given the time of all)."""
        if seconds is None:
            return Spent(None, None if missing else 0.0, flop)
        blocks, left = (1, min(missing, 1)) if spec.population else (seeds, missing)
        return Spent(seconds * blocks, seconds * left, flop)

    def checkpoints(self) -> dict[str, int]:
        """Bytes of the weights that evaluations read, by run."""
        wanted = {run for each in self.plan.evaluations().values() if storage.needs_weights(each) for run in each.runs}
        return {run: operations(self.runs[run][0]).weights * self.runs[run][1] for run in wanted}

    def resume_points(self) -> dict[str, int]:
        """Bytes of the largest resume point of each run that is left."""
        found = {}
        for key, (spec, seeds) in self.runs.items():
            each = operations(spec)
            block = seeds if spec.population else 1
            found[key] = block * (each.weights + each.optimiser) if self.missing[key] else 0
        return found

    def datasets(self) -> dict[tuple[str, str], int | None]:
        """Bytes of each prepared dataset; None where they are not known."""
        used = {(spec.dataset.name, spec.dataset.version) for spec, _ in self.runs.values()}
        return {each: prepared_bytes(self.config, *each) for each in sorted(used)}

    def jobs(self, seen: set[str]) -> list[list[float | None]]:
        """For each job the seconds of what is left of its parts, None where they are not known.

        Jobs are packs, without the runs already seen, and the joint evaluations as one.
        """
        found = [
            [
                *(self.trainings[key].left for key in pack.runs if key not in seen),
                *(self.evaluations[key].left for key in pack.evaluations),
            ]
            for pack in self.plan.packs()
        ]
        found += [[self.evaluations[key].left for key in self.plan.joint_evaluations()]]
        seen |= set(self.runs)
        return found


def training_flop(spec: RunSpec) -> float:
    """Operations of all that the training of one seed passes through its network."""
    done, each = work(spec), operations(spec)
    return done.training * each.training + done.evaluation * each.evaluation


def training_seconds(spec: RunSpec, seeds: int, times: StepTimes) -> float | None:
    """Seconds of a block: of one seed, or of so many in a population; None where its steps were not measured."""
    done, step = work(spec), times.find(kind(spec, seeds))
    return _seconds(step, done.training, done.evaluation) if step else None


def _seconds(step: StepTime, training: float, evaluation: float) -> float:
    return training * step.training + evaluation * step.evaluation


def passes(part: Part, spec: RunSpec) -> tuple[int, int] | None:
    """How many single examples an evaluation passes through one seed's network, with gradients and without.

    A pass with gradients is given the time of one in training, which has those for the weights besides. None for an
    evaluation of which this is not known.
    """
    name, data = part["name"], examples(spec)
    if name in NOT_COUNTED:
        return 0, 0
    if name in ("attack", "attack_curve"):
        return _attacks(part, data.test)
    if name == "in_between":
        return parameter("evaluation", part, "pairs") * parameter("evaluation", part, "points"), 0
    if name == "cost":  # steps of two kinds, and three of each for warming up
        return 2 * (3 + parameter("evaluation", part, "steps")) * spec.batch_size, 0
    if name == "sensitivity":  # the whole minibatch, and as often without one of it
        count = parameter("evaluation", part, "examples")
        return count * count * views(spec), 0
    if name in ("decision_surface", "boundary", "guaranteed"):
        return 0, parameter("evaluation", part, "points") ** 2
    if name in ("approximation", "robustness"):  # all pairs at the nodes of an integral; the former at five shrinkings
        return 0, (5 if name == "approximation" else 1) * NODES * data.train**2
    if name == "learnt_features":
        return 0, 2 * data.test
    if name == "noisy":
        return 0, len(parameter("evaluation", part, "sigma")) * data.test
    forwards = {"memorisation": data.train, "generalisation": data.train + data.test}
    return (0, forwards[name]) if name in forwards else None


def _attacks(part: Part, test: int) -> tuple[int, int]:
    """Passes of `evaluation.attacks`: PGD has those of the single step, of its value, and of the point it ends in."""
    name = part["name"]
    count = min(parameter("evaluation", part, "examples") or test, test)
    steps = parameter("evaluation", part, "steps")
    gradients = {"fgsm": 1, "ifgsm": steps, "pgd_linf": steps + 3, "pgd_l2": steps + 3}[part["method"]]
    radii = len(part["eps"]) if name == "attack_curve" else 1
    return radii * gradients * count, (radii if name == "attack_curve" else 2) * count


def prepared_bytes(config: Config, name: str, version: str) -> int | None:
    """Bytes of a prepared dataset: as its manifest says, else from its size; of image files None without one."""
    path = config.manifest(name, version)
    if path.exists():
        said = json.loads(path.read_text(encoding="utf-8"))
        return int(said["bytes"] + said.get("images.bin", {}).get("bytes", 0))
    dataset = REGISTRY[name]
    if dataset.task == "image-files":
        return None
    width = {"images": 1, "spectrograms": 2, "series": 2, "tabular": 4, "points": 4}[dataset.task]
    label = 4 if dataset.classes == 1 else 8
    size = dataset.size
    return (size.train + size.test + size.validation) * (math.prod(size.shape) * width + label)
