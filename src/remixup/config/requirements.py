"""Requirements of components, checked when an experiment file is read.

A component declares them beside its code: what it refuses (`REFUSES` of its module), which settings it uses (`USES` of
its module; all others are refused), and facts of mixing components (`remixup.mixing.declarations`). The registry
exports them, so that no check imports torch. Requirements that depend on the data or the network are checked when
training starts (`remixup.training.trainer.refuse`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remixup.config import registry

if TYPE_CHECKING:
    from remixup.config.run import RunSpec


@dataclass(frozen=True)
class Refusal:
    """A combination of settings that a component refuses."""

    when: dict[str, Any]
    """Facts that must all apply (the keys are those of `_facts`): a value, a bound such as "> 1", or {"not": value}."""
    key: str
    """The setting to change, as in an experiment file, below `run`."""
    what: str
    """What is wrong; {model} is replaced by the name of the model."""
    hint: str | None = None
    """What would be right."""


def problems(spec: RunSpec) -> Iterator[str]:
    """Yield what is wrong with a run, one line each: key, mistake and advice."""
    facts = _facts(spec)
    for kind, component in spec.components():
        entry, subject = registry.load_registry()["kinds"][kind][component["name"]], f"the {kind} {component['name']}"
        for place, used in entry.get("uses", {}).items():
            part = {"run": spec, "run.dataset": spec.dataset, "run.mixing": spec.mixing}[place]
            idle = sorted(set(part.model_dump(exclude_defaults=True)) - set(used))
            if idle:
                yield f"{place}: {subject} has no use for {', '.join(idle)}"
        for refusal in entry.get("refuses", ()):
            if all(_applies(condition, facts[name]) for name, condition in refusal["when"].items()):
                advice = f"; {refusal['hint']}" if refusal["hint"] else ""
                what = refusal["what"].replace("{model}", spec.model["name"])
                yield f"run.{refusal['key']}: {subject} cannot do this: {what}{advice}"
    yield from _mixing_problems(spec)


def _mixing_problems(spec: RunSpec) -> Iterator[str]:
    """Yield components of mixing that do not fit each other or the dataset."""
    mixing, dataset = spec.mixing, registry.load_registry()["datasets"][spec.dataset.name]
    numeric = dataset["classes"] == 1
    if numeric and mixing.smoothing:
        yield f"run.mixing.smoothing: numeric labels are not smoothed (dataset {spec.dataset.name})"
    if mixing.ratio is None:
        return
    if numeric and _declared("partner", mixing.partner).get("needs_classes"):
        name = mixing.partner["name"]
        yield f"run.mixing.partner: {name} needs classes, and the labels of {spec.dataset.name} are numbers"
    for kind, component in (("blend", mixing.blend), ("target", mixing.target)):
        declared, name = _declared(kind, component), component["name"]
        if declared.get("pairs_only") and _declared("ratio", mixing.ratio).get("several"):
            yield f"run.mixing.{kind}: {name} mixes two examples, and the ratio {mixing.ratio['name']} mixes several"
        if dataset["task"] not in declared.get("tasks", [dataset["task"]]):
            tasks = ", ".join(declared["tasks"])
            yield f"run.mixing.{kind}: {name} is for {tasks}; {spec.dataset.name} is {dataset['task']}"


def _facts(spec: RunSpec) -> dict[str, Any]:
    """Collect the facts about a run that refusals refer to."""
    mixing, objective = spec.mixing, spec.objective
    parameters = registry.load_registry()["kinds"]["objective"][objective["name"]]["parameters"]
    several = mixing.ratio is not None and _declared("ratio", mixing.ratio).get("several", False)
    return {
        "model": spec.model["name"],
        "vectorized": spec.vectorized,
        "normalization": spec.normalization["name"],
        "augmentation": bool(spec.augmentation),
        "second_view": spec.dataset.second_view,
        "mixes": mixing.ratio is not None,
        "ratio.several": several,
        "partner": mixing.partner["name"],
        "partner.scope": _declared("partner", mixing.partner).get("scope", "batch"),
        "blend.position": _declared("blend", mixing.blend).get("position", 0),
        **{f"objective.{name}": objective.get(name, rule.get("default")) for name, rule in parameters.items()},
    }


def _declared(kind: str, component: registry.Component) -> dict[str, Any]:
    declared: dict[str, Any] = registry.load_registry()["kinds"][kind][component["name"]].get("declares", {})
    return declared


def _applies(condition: Any, value: Any) -> bool:
    if isinstance(condition, dict):
        return bool(value != condition["not"])
    if isinstance(condition, str) and condition.startswith(("> ", "<= ")):
        symbol, bound = condition.split()
        return bool(value > float(bound)) == (symbol == ">")
    return bool(value == condition)
