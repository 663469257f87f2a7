"""Requirements of components, checked when an experiment file is read.

A module of components may name another module as its `REQUIREMENTS`, which does not import torch. There a function
with the name of a component yields what is wrong with a run. Mixing components declare facts instead
(`remixup.mixing.declarations`), which the registry exports. An evaluation says by the type of its first argument which
objectives it fits, and its module says by `CLASSES` how many classes it needs. Requirements that depend on the data or
the network are checked when training starts.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from remixup.config import registry
from remixup.config.registry import Component

if TYPE_CHECKING:
    from remixup.config.run import RunSpec

Problem = tuple[str, str]
"""The setting to change, with its path in an experiment file; and what is wrong, with advice."""


def problems(spec: RunSpec) -> Iterator[str]:
    """Yield what is wrong with a run, one line each: setting, mistake and advice."""
    for kind, component in spec.components():
        name = component["name"]
        module = registry.load_registry()["kinds"][kind][name].get("requirements")
        if module:
            for key, what in getattr(importlib.import_module(module), name)(spec):
                yield f"{key}: the {kind} {name} cannot do this: {what}"
    yield from _mixing_problems(spec)


def declared(kind: str, component: Component) -> dict[str, Any]:
    """Return the facts that a mixing component declares, if they differ from their defaults."""
    facts: dict[str, Any] = registry.load_registry()["kinds"][kind][component["name"]].get("declares", {})
    return facts


def evaluation_problem(evaluation: Component, spec: RunSpec) -> str | None:
    """Say why a run does not fit an evaluation; None where it does, as far as a file tells."""
    name, objective = evaluation["name"], spec.objective["name"]
    entry = registry.load_registry()["kinds"]["evaluation"][name]
    if objective not in entry["objectives"]:
        return f"{name} needs the objective {' or '.join(entry['objectives'])}, not {objective}"
    dataset = registry.load_registry()["datasets"][spec.dataset.name]
    if entry["classes"] and (dataset["numeric"] or dataset["classes"] < entry["classes"]):
        return f"{name} needs {entry['classes']} classes or more, which dataset {spec.dataset.name} does not have"
    return None


def _mixing_problems(spec: RunSpec) -> Iterator[str]:
    """Yield components of mixing that do not fit each other or the dataset."""
    mixing, dataset = spec.mixing, registry.load_registry()["datasets"][spec.dataset.name]
    numeric = dataset["numeric"]
    if numeric and mixing.smoothing:
        yield f"run.mixing.smoothing: numeric labels are not smoothed (dataset {spec.dataset.name})"
    if mixing.ratio is None:
        return
    if numeric and declared("partner", mixing.partner).get("needs_classes"):
        name = mixing.partner["name"]
        yield f"run.mixing.partner: {name} needs classes, and the labels of {spec.dataset.name} are numbers"
    for kind, component in (("blend", mixing.blend), ("target", mixing.target)):
        facts, name = declared(kind, component), component["name"]
        if facts.get("pairs_only") and declared("ratio", mixing.ratio).get("several"):
            yield f"run.mixing.{kind}: {name} mixes two examples, and the ratio {mixing.ratio['name']} mixes several"
        if dataset["task"] not in facts.get("tasks", [dataset["task"]]):
            tasks = ", ".join(facts["tasks"])
            yield f"run.mixing.{kind}: {name} is for {tasks}; {spec.dataset.name} is {dataset['task']}"
