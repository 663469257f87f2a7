"""Runs that differ in their mixing ratio alone, trained side by side as one population.

A step of a small network is largely the cost of calling operations, and a company pays it once. Each run has the bits
that it has alone (on a CPU with one thread): members of a population do not meet, and draws depend on a seed, not on
who else draws. Empirical risk minimisation may be in the company, as mixing that keeps all of every example: 1 x + 0 x'
is x, to the bit.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from remixup import models
from remixup.config.run import RunSpec
from remixup.mixing import ALL_KEPT, Mixing
from remixup.training.supervised import SupervisedTrainer

MOST_OPERATIONS = 1.25e8
"""A run whose steps take more is trained alone: its time is arithmetic's, and a larger population leaves the cache.

Measured on a CPU, three runs together take 1.3 to 1.6 times as long as one where each has below 4e7 operations a step,
1.9 to 2.3 times at 1e8, and at 4e8 as long as one after the other, or longer.
"""


def companies(runs: list[tuple[RunSpec, int]]) -> list[list[RunSpec]]:
    """Which of the runs, each with its number of seeds, are to be trained side by side: lists of two or more."""
    groups: defaultdict[str, list[tuple[RunSpec, int]]] = defaultdict(list)
    unmixed: defaultdict[str, list[tuple[RunSpec, int]]] = defaultdict(list)
    plain: dict[str, str] = {}
    for spec, seeds in runs:
        others = spec.mixing.model_dump(exclude_defaults=True, exclude={"ratio"})
        network = json.dumps([seeds, spec.model_dump(exclude={"mixing"})], sort_keys=True)
        if spec.mixing.ratio is None and not others:
            unmixed[network].append((spec, seeds))
        elif spec.mixing.ratio is not None and _fits(spec):
            kind = network + json.dumps(others, sort_keys=True)
            groups[kind].append((spec, seeds))
            if others.keys() <= {"partner"} and Mixing.compose(**spec.mixing.model_dump()).partner.match is None:
                plain.setdefault(network, kind)
    for network, kind in plain.items():
        groups[kind] += unmixed[network]
    return [[spec for spec, _ in group] for group in groups.values() if len(group) > 1 and _small(*group[0])]


def _fits(spec: RunSpec) -> bool:
    """Whether a run that mixes can have others beside it: a population, with one ratio for each minibatch."""
    if not (spec.vectorized and spec.objective["name"] == "supervised" and spec.execution.threads == spec.shares == 1):
        return False
    mixing = Mixing.compose(**spec.mixing.model_dump())
    return mixing.partner.scope == "batch" and not mixing.mixes_several


def _small(spec: RunSpec, seeds: int) -> bool:
    from remixup.training.flops import operations  # slow to import, and most packs have no company

    return seeds * spec.batch_size * operations(spec).training <= MOST_OPERATIONS


class Company:
    """Trainings of the same seeds, all at the same epoch, that go on as one.

    Args:
        members: each of another run of one of `companies`, with the same inputs; one mixes at the least. Weights and
            the optimizer's state are theirs again after `hand_back`, and when `run` ends.
    """

    def __init__(self, members: list[SupervisedTrainer]) -> None:
        self.members = members
        first, count = next(each for each in members if each.mixing.ratio), len(members)
        self.size = len(first.seeds)
        self.joint = SupervisedTrainer(first.spec, first.seeds * count, first.inputs.repeated(count), first.device)
        self.joint.ratios = [each.mixing.ratio or ALL_KEPT for each in members for _ in first.seeds]
        self.joint.epoch = first.epoch
        self._gather()

    def run(self, after_epoch: Callable[[], None]) -> None:
        """Trains until the first run is finished; `after_epoch` is called after each epoch, when histories have it.

        They are finished together, unless all seeds of one have diverged: then the others have epochs left.
        """

        def share_out(joint: SupervisedTrainer) -> None:
            rows = joint.history[-len(joint.seeds) :]
            for k, each in enumerate(self.members):
                each.history += rows[self._span(k)]
                each.epoch = joint.epoch
            after_epoch()

        if not any(each.finished for each in self.members):
            self.joint.run(share_out)
            self.hand_back()

    def hand_back(self) -> None:
        """Gives each member its own weights, and its own state of the optimizer."""
        model, optimizer = self.joint.model.state_dict(), self.joint.optimizer.state_dict()
        for k, each in enumerate(self.members):
            own = self._span(k)
            each.model.load_state_dict({name: tensor[own] for name, tensor in model.items()})
            state = {
                index: {name: _part(value, own) for name, value in values.items()}
                for index, values in optimizer["state"].items()
            }
            each.optimizer.load_state_dict({**each.optimizer.state_dict(), "state": state})

    def _gather(self) -> None:
        self.joint.model.load_state_dict(models.stack([each.model for each in self.members]).state_dict())
        optimizers = [each.optimizer.state_dict()["state"] for each in self.members]
        state = {
            index: {name: _whole([each[index][name] for each in optimizers]) for name in values}
            for index, values in optimizers[0].items()
        }
        self.joint.optimizer.load_state_dict({**self.joint.optimizer.state_dict(), "state": state})

    def _span(self, member: int) -> slice:
        return slice(member * self.size, (member + 1) * self.size)


def _part(value: Any, own: slice) -> Any:
    """A member's part of a value in the optimizer's state: of moments its own, of the count of steps a copy."""
    if not isinstance(value, Tensor):
        return value
    return (value[own] if value.ndim else value).clone()


def _whole(values: list[Any]) -> Any:
    """The members' values in the optimizer's state as one."""
    if not isinstance(values[0], Tensor):
        return values[0]
    return torch.cat(values) if values[0].ndim else values[0].clone()
