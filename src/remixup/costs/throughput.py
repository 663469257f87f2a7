"""How long steps take: measured on random examples of the right shape, and kept by hardware in committed files.

    benchmarks/step_times/<hardware>.json

Runs that differ in the lengths of training, in rates or in seeds take steps of one kind. What is timed is the loop
itself, epoch by epoch, from examples that lie on the device: neither reading nor decoding image files is in it, nor the
search for nearest neighbours, which is made once.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch

from remixup.config.run import RunSpec, short_digest
from remixup.config.settings import ON_CPU, Scale
from remixup.costs.flops import classes, examples, operations, shape, views
from remixup.data.catalog.registry import REGISTRY
from remixup.data.inputs import Inputs
from remixup.errors import UserError, did_you_mean
from remixup.store.run_store import write_json
from remixup.training.runner import hardware, prepare_process, start
from remixup.training.supervised import EVALUATION_ROWS, Training
from remixup.training.tasks import Classification, Regression

Device = Literal["cpu", "cuda"]

HOME = Path("benchmarks/step_times")
STEPS = 10
"""Steps of the epoch that is timed, where a run's has as many."""
EPOCHS = 3
"""So many are timed, and their median counts; one before them is not."""
CPU_OPERATIONS = 5e10
"""On a CPU the epoch is cut to so many operations (a second or two), but never below two examples."""


def kind(spec: RunSpec, seeds: int) -> dict[str, Any]:
    """What the time of a run's steps depends on: all of its specification but what is known not to matter.

    Args:
        spec: of the run.
        seeds: how many it has; for populations, which train them side by side, that is part of the kind.
    """
    known = {"dataset", "scaling", "epochs", "schedule", "vicinity"}
    step = spec.model_dump(exclude_defaults=True, exclude=known)
    step["optimiser"] = spec.optimiser["name"]
    if "dropout" in spec.model:
        step["model"] = {**spec.model, "dropout": True}
    if "objective" in step:
        step["objective"] = _without(spec.objective, "iterations", "epsilon", "delta", "max_grad_norm")
    if vicinity := _vicinity(spec):
        step["vicinity"] = vicinity
    found = examples(spec)
    step["data"] = {
        "shape": list(shape(spec)),
        "task": REGISTRY[spec.dataset.name].task,
        # Small epochs are timed whole: what each costs beside its steps is then in their time.
        "steps": min(STEPS, -(-found.train // spec.batch_size)),
        "test": min(EVALUATION_ROWS, found.test),
    }
    return {**step, "members": seeds} if spec.population else step


def _vicinity(spec: RunSpec) -> dict[str, Any]:
    """What of a vicinity takes time: its parts, but not the numbers that they draw with."""
    found = spec.vicinity.model_dump(exclude_defaults=True, exclude={"smoothing", "warmup_epochs"})
    for name in found.keys() & {"partner", "noise"}:
        found[name] = {"name": found[name]["name"]}
    if "ratio" in found:
        found["ratio"] = _without(found["ratio"], "alpha", "value", "low", "high")
    return found


def _without(part: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in names}


def describe(step: dict[str, Any]) -> str:
    """A kind of step in a line."""
    model, data, vicinity = step["model"], step["data"], step.get("vicinity", {})
    wide = " ".join(f"{name}={value}" for name, value in model.items() if name != "name")
    words = [" ".join(filter(None, (model["name"], wide))), "x".join(map(str, data["shape"]))]
    words += [f"{step['members']} seeds"] if "members" in step else []
    words += [f"batch {step['batch_size']}" + (f" in parts of {step['micro_batch']}" if "micro_batch" in step else "")]
    words += [step[name] for name in ("precision", "memory_format") if name in step]
    words += ["compiled"] if step.get("compile") else []
    words += [f"{name} {value['name'] if isinstance(value, dict) else value}" for name, value in vicinity.items()]
    return ", ".join(words)


@dataclass(frozen=True)
class StepTime:
    """What steps of a kind take."""

    training: float
    """Seconds for each training example (of each member of a population) or view, or outer iteration of the game."""
    evaluation: float
    """Seconds for each example of an evaluation; 0 for the game, which has none."""


class StepTimes:
    """The step times of one hardware, and the file that holds them.

    Args:
        hardware: its name, as `runner.hardware` has it.
        device: what it is to torch.
        home: the folder of the files.
    """

    def __init__(self, hardware: str, device: Device, home: Path = HOME) -> None:
        self.hardware, self.device = hardware, device
        self.path = home / f"{slug(hardware)}.json"
        self._kept: dict[str, Any] = _read(self.path)["times"] if self.path.exists() else {}

    @classmethod
    def named(cls, name: str, home: Path = HOME) -> StepTimes:
        """Those of a hardware of which there is a file, by its name or the file's; UserError where there is none."""
        known = {path.stem: path for path in sorted(home.glob("*.json"))}
        if slug(name) not in known:
            raise UserError(f"no step times of {name!r}", where="--hardware", hint=did_you_mean(slug(name), known))
        content = _read(known[slug(name)])
        return cls(content["hardware"], content["device"], home)

    @classmethod
    def here(cls, scale: Scale, home: Path = HOME) -> StepTimes:
        """Those of the hardware on which this machine trains at a scale: a GPU, or where there is none the CPU."""
        device: Device = "cuda" if scale not in ON_CPU and torch.cuda.is_available() else "cpu"
        return cls(hardware(torch.device(device)), device, home)

    @classmethod
    def of_gpus(cls, home: Path = HOME) -> list[StepTimes]:
        """Those of all GPUs of which there is a file, the one with most kinds of steps first."""
        found = [cls.named(path.stem, home) for path in sorted(home.glob("*.json"))]
        return sorted((each for each in found if each.device == "cuda"), key=lambda each: -len(each._kept))

    def find(self, step: dict[str, Any]) -> StepTime | None:
        """What a kind of step takes; None where it has not been measured."""
        kept = self._kept.get(short_digest(step))
        return StepTime(kept["training"], kept["evaluation"]) if kept else None

    def add(self, step: dict[str, Any], measured: StepTime, timed: int) -> None:
        """Keeps what was measured, and how many examples an epoch of the measurement had; writes the file."""
        self._kept[short_digest(step)] = {
            "kind": step,
            **vars(measured),
            "timed": timed,
            "torch": torch.__version__,
            "date": datetime.now(UTC).date().isoformat(),
        }
        content = {"schema_version": 1, "hardware": self.hardware, "device": self.device}
        write_json(self.path, {**content, "times": dict(sorted(self._kept.items()))})


def slug(hardware: str) -> str:
    """The name of a hardware in files."""
    return re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-")


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["schema_version"] != 1:
            raise ValueError(f"schema_version {content['schema_version']}")
        _ = content["hardware"], content["device"], content["times"]
    except (ValueError, KeyError, TypeError) as error:
        hint = "remove it, and measure again"
        raise UserError(f"no file of step times: {error}", where=str(path), hint=hint) from None
    return content


def measure(runs: Iterable[tuple[RunSpec, int]], times: StepTimes, tell: Callable[[str], None]) -> None:
    """Measures each kind of step that these runs take and that the file lacks; the file is written after each.

    Args:
        runs: specifications, each with its number of seeds.
        times: of the hardware that this process trains on.
        tell: told, in lines, what will be measured and what each took.
    """
    missing: dict[str, tuple[RunSpec, int, dict[str, Any]]] = {}
    for spec, seeds in runs:
        step = kind(spec, seeds)
        if times.find(step) is None:
            missing.setdefault(short_digest(step), (spec, seeds, step))
    tell(f"{len(missing)} kinds of steps to measure on {times.hardware}")
    for _, _, step in missing.values():
        tell(f"  {describe(step)}")
    for number, (spec, seeds, step) in enumerate(missing.values(), 1):
        began = time.perf_counter()
        measured, timed = time_steps(spec, seeds, torch.device(times.device))
        times.add(step, measured, timed)
        spent = time.perf_counter() - began
        rates = f"training {1e3 * measured.training:.4g} ms, evaluation {1e3 * measured.evaluation:.4g} ms"
        tell(f"{number}/{len(missing)} {describe(step)}: {rates} ({spent:.1f} s)")


def time_steps(spec: RunSpec, seeds: int, device: torch.device) -> tuple[StepTime, int]:
    """Trains a few steps of a run on random examples; what they took, and how many examples an epoch had."""
    prepare_process(spec)
    short, count = _shortened(spec, seeds, device)
    members = seeds if spec.population else 1
    inputs = _random_inputs(short, members, count, device)
    tested, inputs = inputs.test, replace(inputs, test=inputs.test[:, :0])
    training = start(short, list(range(members)), inputs, device)
    ends: list[float] = []
    training.run(lambda _: ends.append(time.perf_counter()))
    epoch = statistics.median(end - begin for begin, end in pairwise(ends))
    if not isinstance(training, Training):
        count = short.objective["iterations"]
        return StepTime(epoch / count, 0.0), count
    seconds = []
    for _ in range(1 + EPOCHS):
        began = time.perf_counter()
        for value in training.evaluate(tested).values():
            value.tolist()  # waits for the device
        seconds.append(time.perf_counter() - began)
    return StepTime(epoch / count / views(spec), statistics.median(seconds[1:]) / tested.shape[1]), count


def _shortened(spec: RunSpec, seeds: int, device: torch.device) -> tuple[RunSpec, int]:
    """The run with few and small epochs, and the examples of one: whole minibatches, but where a CPU is too slow."""
    count = min(examples(spec).train, STEPS * spec.batch_size)
    changes: dict[str, Any] = {"epochs": 1 + EPOCHS, "schedule": RunSpec.model_fields["schedule"].default}
    # Labels are random: at a rate that learns, a network may diverge, which would end its training.
    changes["optimiser"] = {**spec.optimiser, "lr": 1e-6}
    changes["vicinity"] = spec.vicinity.model_copy(update={"warmup_epochs": 0})
    if spec.objective["name"] == "gan":
        changes["objective"] = {**spec.objective, "iterations": STEPS}
    elif device.type == "cpu":
        each = operations(spec).training * (seeds if spec.population else views(spec))
        count = min(count, max(2, int(CPU_OPERATIONS / each)))
        if count < spec.batch_size:
            changes["batch_size"] = count
        if count <= (spec.micro_batch or 0):
            changes["micro_batch"] = None
    return spec.model_copy(update=changes), count


def _random_inputs(spec: RunSpec, members: int, count: int, device: torch.device) -> Inputs:
    """Random examples as `make_inputs` would have them: `count` to train on, the others for evaluations."""
    tested = max(1, min(EVALUATION_ROWS, examples(spec).test))
    if device.type == "cpu" and spec.objective["name"] != "gan":
        tested = min(tested, max(2, int(CPU_OPERATIONS / (operations(spec).evaluation * members))))
    source = torch.Generator().manual_seed(0)
    task, size, outputs = REGISTRY[spec.dataset.name].task, (count + tested, *shape(spec)), classes(spec)
    x = torch.randint(256, size, generator=source, dtype=torch.uint8)
    if task not in ("images", "image-files"):
        half = task in ("spectrograms", "series")
        x = torch.randn(size, generator=source).to(torch.float16 if half else torch.float32)
    y = torch.randint(outputs, size[:1], generator=source) if outputs > 1 else torch.randn(size[:1], generator=source)
    rows = torch.arange(count + tested).expand(members, -1)
    train, test = rows[:, :count], rows[:, count:]
    kind = Classification(outputs) if outputs > 1 else Regression()
    channels = (size[1], 1, 1) if len(size) > 3 else (1,)
    inputs = Inputs(x, y, train, test, y[train], torch.zeros(channels), torch.ones(channels), kind, outputs, pool=train)
    return inputs.to(device)
