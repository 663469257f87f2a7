"""Measure how long a device takes for an operation, from the runs that it has trained."""

from __future__ import annotations

import functools
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from remixup.analysis import records
from remixup.config.run import RunSpec
from remixup.config.settings import ON_CPU, Scale
from remixup.store.blocks import SeedBlock
from remixup.store.run_store import Store
from remixup.training.flops import training_operations

Rates = dict[str, float]
"""Seconds for each operation of one device, by `rate_key`."""


class Trained(NamedTuple):
    """Seeds of a run that were trained together, and how long that took."""

    spec: RunSpec
    seeds: int
    seconds: float
    hardware: str
    runs_per_device: int = 1
    """How many runs shared the device."""


def rate_key(spec: RunSpec, seeds: int) -> str:
    """Name what the rate depends on: the network, the precision and how many seeds train as one batched program."""
    return json.dumps([spec.model, spec.precision, seeds if spec.vectorized else 1], sort_keys=True)


def measure(trained: Iterable[Trained], device: str, runs_per_device: int = 1) -> Rates:
    """Compute the rates of a device: for each key the median over the runs, because it may have been busy.

    Only runs count that shared the device with as many others.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    for each in trained:
        if (each.hardware, each.runs_per_device) == (device, runs_per_device):
            total = each.seeds * training_operations(each.spec)
            found[rate_key(each.spec, each.seeds)].append(each.seconds / total)
    return {key: statistics.median(rates) for key, rates in found.items()}


def seconds(spec: RunSpec, seeds: int, rates: Rates) -> float | None:
    """Estimate how long one device trains the seeds of a run; None where the rate is unknown."""
    rate = rates.get(rate_key(spec, seeds))
    return None if rate is None else rate * seeds * training_operations(spec)


@dataclass(frozen=True)
class Device:
    """A device that trains, and how fast it is."""

    name: str
    """Its name in provenance."""
    runs: int = 1
    """How many runs share it."""
    stated: float | None = None
    """Operations per second of a run that does not share it, used if no rate is on record."""

    def seconds(self, spec: RunSpec, seeds: int) -> float | None:
        """Estimate how long it trains the seeds of a run; None where the rate is unknown.

        If only runs without sharing are on record, runs that share it are assumed to take turns.
        """
        shared = seconds(spec, seeds, _rates_on_record(self.name, self.runs))
        if shared is not None:
            return shared
        alone = seconds(spec, seeds, _rates_on_record(self.name, 1))
        if alone is None and self.stated is not None:
            alone = seeds * training_operations(spec) / self.stated
        return None if alone is None else self.runs * alone


@functools.cache
def _rates_on_record(device: str, runs: int) -> Rates:
    return measure(recorded(), device, runs)


def recorded() -> Iterator[Trained]:
    """Yield the trained seed blocks of the committed records."""
    return _trained(records.read_all())


def stored(store: Store, runs: list[str]) -> Iterator[Trained]:
    """Yield the trained seed blocks of some runs in the run store."""
    return _trained(block for run in runs for block in store.blocks(run))


def _trained(blocks: Iterable[SeedBlock]) -> Iterator[Trained]:
    for block in blocks:
        made = block.provenance
        sharing = made.runs_per_device or 1
        yield Trained(block.specification, len(block.seeds), made.seconds, made.hardware, sharing)


def this_device(scale: Scale) -> str:
    """Name the device that trains at a scale on this machine, as provenance names it."""
    import torch

    from remixup.training.runner import hardware

    return hardware(torch.device("cuda" if scale not in ON_CPU and torch.cuda.is_available() else "cpu"))


def most_recorded(trained: Iterable[Trained]) -> str:
    """Name the device that trained the most seeds; an empty string where there are none."""
    seeds: Counter[str] = Counter()
    for each in trained:
        seeds[each.hardware] += each.seeds
    return max(seeds, key=lambda name: seeds[name], default="")
