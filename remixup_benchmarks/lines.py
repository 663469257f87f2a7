"""The lines of the result, their targets for each hardware, and how values become lines."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TWO_CORES = "two-core CPU"
HOPPER = "H100-class GPU"


@dataclass(frozen=True)
class Target:
    """A limit for a line's ratio, or for its median if it has no ratio."""

    bound: float
    at_least: bool = False
    """True for a lower limit, False for an upper limit."""
    on: str | None = None
    """The hardware that it applies to; None: any."""

    def met(self, value: float) -> bool:
        """Return True if a value is within the limit."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True)
class Line:
    """A quantity that is measured several times."""

    id: str
    what: str
    unit: str
    ratio_to: str | None = None
    """The line to divide by, turn by turn."""
    targets: tuple[Target, ...] = ()


_FASTER = (Target(3.5, at_least=True, on=TWO_CORES), Target(10, at_least=True, on=HOPPER))

WAYS = {
    "exact": "remixup as the rows have it, float32",
    "bfloat16": "remixup, bfloat16",
    "engine": "remixup, bfloat16, channels last",
    "fused": "remixup, updates fused as well",
    "compiled": "remixup, compiled as well",
    "graph": "remixup, captured as CUDA graphs as well",
}
"""What each way to execute the row is, by the id of its line (see `remixup_benchmarks.engine.WAYS`)."""
_AIMS = {
    "engine": _FASTER,
    "compiled": _FASTER,
    "graph": _FASTER[1:],
    "step-graph": (Target(23, at_least=True, on=HOPPER), Target(40, at_least=True, on=HOPPER)),
    "run-graph": (Target(100, on=HOPPER),),
    "memory-graph": (Target(3, on=HOPPER),),
}


def _of_ways(before: str, said: str, unit: str, ratio_to: str | None = None) -> tuple[Line, ...]:
    """Return a line for each way; its id begins with `before`."""
    return tuple(
        Line(f"{before}{way}", f"{said}{what}", unit, ratio_to, _AIMS.get(f"{before}{way}", ()))
        for way, what in WAYS.items()
    )


LINES = (
    Line("reference", "PreAct ResNet-18 as the authors train it", "images/s"),
    Line("reference-kept", "the same, freed memory reused as by remixup", "images/s", "reference"),
    Line("torchvision", "the same with torchvision's MixUp", "images/s", "reference"),
    Line("timm", "the same with timm's Mixup", "images/s", "reference"),
    *_of_ways("", "", "images/s", "reference"),
    Line("mixing", "mixing, of a step of remixup", "%", targets=(Target(2),)),
    *(
        line
        for side in (32, 224)
        for line in (
            Line(f"timm-{side}", f"timm's Mixup of 128 images of {side} pixels, one thread of the CPU", "ms"),
            Line(f"torchvision-{side}", "torchvision's MixUp of them", "ms"),
            Line(f"peer-{side}", "the faster of the two", "ms"),
            Line(f"remixup-{side}", "remixup.mixing of them", "ms", f"peer-{side}", (Target(1),)),
        )
    ),
    Line("product", "product of bfloat16 matrices", "TFLOP/s"),
    *_of_ways("step-", "of that product's speed: ", "%"),
    *_of_ways("run-", "200 epochs on 50,000 images, tests included: ", "s"),
    Line("memory-reference", "most GPU memory at batch 128: the authors' loop", "GiB"),
    *_of_ways("memory-", "most GPU memory at batch 128, the data included: ", "GiB"),
    Line("uci-1", "1 seed of the UCI network on Iris", "s"),
    Line("uci-100", "100 seeds of it", "s", "uci-1", (Target(8, on=TWO_CORES),)),
    Line("snakemake", "snakemake with an empty Snakefile", "s"),
    Line("nothing-to-do", "snakemake with nothing to do", "s", "snakemake", (Target(1.5, on=TWO_CORES),)),
    Line("dry-run", "snakemake -n at paper scale, all data available", "s", "snakemake", (Target(1.5, on=TWO_CORES),)),
    Line("report", "the embedded report, from a clone", "s"),
)


def results(
    measured: Mapping[str, Sequence[float]], hardware: str, lines: Sequence[Line] = LINES
) -> list[dict[str, Any]]:
    """Return the lines for JSON. Targets for other hardware are marked as not measured.

    Args:
        measured: the values of each measured line, in the order of the turns.
        hardware: the kind of hardware.
        lines: all lines.
    """
    found = []
    for line in lines:
        values = list(measured.get(line.id, ()))
        base = measured.get(line.ratio_to, ()) if line.ratio_to else ()
        here = [target for target in line.targets if target.on in (None, hardware)]
        if values or len(here) == len(line.targets):
            judged: list[Target | None] = [*here] or [None]
            found += [_entry(line, values, base, target) for target in judged]
        found += [_entry(line, [], (), target) for target in line.targets if target not in here]
    return found


def _entry(line: Line, values: list[float], base: Sequence[float], target: Target | None) -> dict[str, Any]:
    ratios = [value / other for value, other in zip(values, base, strict=True)] if values and base else []
    judged = ratios if line.ratio_to else values
    return {
        "id": line.id,
        "what": line.what,
        "unit": line.unit,
        "values": values,
        "repeats": len(values),
        "median": _median(values),
        "spread": _spread(values),
        "ratio_to": line.ratio_to,
        "ratio": _median(ratios),
        "ratio_spread": _spread(ratios),
        "target": target
        and {"at_least" if target.at_least else "at_most": target.bound, "of": _judged(line), "on": target.on},
        "met": target.met(statistics.median(judged)) if target and judged else None,
    }


def _judged(line: Line) -> str:
    return "ratio" if line.ratio_to else "median"


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _spread(values: Sequence[float]) -> list[float] | None:
    """Return the minimum and the maximum."""
    return [min(values), max(values)] if values else None


def verdict(entry: Mapping[str, Any]) -> str:
    """Return `met`, `not met` or `not measured`; an empty string if there is no target."""
    if not entry["values"]:
        return "not measured"
    if entry["target"] is None:
        return ""
    return {True: "met", False: "not met", None: "not measured"}[entry["met"]]
