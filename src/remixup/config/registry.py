"""The registry of components: their names and parameters, checked against the functions that they name.

An experiment file names functions: `ratio: {name: beta, alpha: 1.0}`. The valid names and parameters are generated from
the code (`make schema`) into `registry.json`, because importing the code would import torch.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from functools import lru_cache, partial
from importlib import resources
from types import ModuleType
from typing import Any

from remixup.errors import did_you_mean, require_known

Component = dict[str, Any]
"""A resolved component: its `name`, and those of its parameters that differ from their defaults."""

BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "exclusiveMinimum": (">", operator.gt),
    "minimum": (">=", operator.ge),
    "exclusiveMaximum": ("<", operator.lt),
    "maximum": ("<=", operator.le),
}
"""JSON Schema's keyword for a bound -> its symbol, and its comparison."""
PLACEHOLDER = {"type": "string", "pattern": r"^\{\w+\}$"}
"""The schema of `{name}` in a row with `each`."""
TYPES = {"boolean": bool, "integer": int, "number": float, "string": str, "array": list}


@lru_cache(maxsize=1)
def load_registry() -> dict[str, Any]:
    """Load the generated `registry.json`: `kinds` (kind -> name -> parameters, numerics) and `datasets`."""
    text = resources.files("remixup.config").joinpath("registry.json").read_text(encoding="utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


def resolve(kind: str, value: Any) -> Component:
    """Check a component of an experiment file, and drop the parameters that equal their defaults.

    Args:
        kind: "ratio", "partner", "blend", "target", "model", "augmentation", "optimizer", ...
        value: a name, or a mapping with `name` and parameters.

    Raises:
        ValueError: a name or parameter is unknown, a parameter is missing, or a value has a wrong type or is out of
            bounds. The message says what would be right.
    """
    names = load_registry()["kinds"][kind]
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise ValueError(f"a {kind} is a name, or a mapping with a name; {did_you_mean('', names)}")
    name, given = given["name"], {key: item for key, item in given.items() if key != "name"}
    require_known(kind, name, names)
    parameters = names[name]["parameters"]
    for key in given:
        if key not in parameters:
            raise ValueError(f"{kind} {name} has no parameter {key!r}; {did_you_mean(str(key), parameters)}")
    component: Component = {"name": name}
    for key, rule in parameters.items():
        if key not in given:
            if "default" not in rule:
                raise ValueError(f"{kind} {name} needs the parameter {key!r}")
            continue
        converted = _convert(f"{kind} {name}: {key}", given[key], rule)
        if "default" not in rule or converted != rule["default"]:
            component[key] = converted
    return component


def bind(module: ModuleType, component: Component) -> Callable[..., Any]:
    """Return the function of a module that a component names, with the component's parameters bound."""
    named = dict(component)
    return partial(getattr(module, named.pop("name")), **named)


def check_dataset(name: str, version: str) -> None:
    """Raise ValueError if a dataset, or a version of it, is unknown. An empty version is valid."""
    datasets = load_registry()["datasets"]
    require_known("dataset", name, datasets)
    if version and version not in datasets[name]["versions"]:
        advice = did_you_mean(version, datasets[name]["versions"])
        raise ValueError(f"dataset {name} has no version {version!r}; {advice}")


def first_version(dataset: str) -> str:
    """Return the first version of a dataset, in alphabetical order."""
    versions: dict[str, Any] = load_registry()["datasets"][dataset]["versions"]
    return next(iter(versions))


def _convert(where: str, value: Any, rule: dict[str, Any]) -> Any:
    """Convert the value of a parameter; raise ValueError if it does not fit the parameter's JSON Schema."""
    kind = rule["type"]
    if kind == "number" and type(value) is int and abs(value) < 1e300:  # no float is as large as any integer
        value = float(value)
    given: type = type(value)
    if given is not TYPES[kind] or (kind == "number" and not math.isfinite(value)):
        raise ValueError(f"{where} is of type {kind}, not {value!r}")
    if kind == "array":
        return [_convert(where, item, rule["items"]) for item in value]
    if "enum" in rule and value not in rule["enum"]:
        raise ValueError(f"{where} cannot be {value!r}; {did_you_mean(value, rule['enum'])}")
    for keyword, (symbol, holds) in BOUNDS.items():
        if keyword in rule and not holds(value, rule[keyword]):
            raise ValueError(f"{where} is {symbol} {rule[keyword]:g}, not {value!r}")
    return value


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a component of this kind, for editors.

    All names are offered in one place, and what each of them needs follows: of alternatives an editor would show those
    alone that are valid already. Without a name an overlay changes parameters of the component that earlier settings
    name.
    """
    kinds = load_registry()["kinds"][kind]
    short = [name for name, entry in kinds.items() if not _required(entry)]
    names = [{"const": name, "description": entry["summary"]} for name, entry in kinds.items()]
    rules = [each for entry in kinds.values() for each in entry["parameters"].items()]
    parameters = {key: {"description": rule["description"]} if "description" in rule else {} for key, rule in rules}
    mapping = {
        "type": "object",
        "properties": {"name": {"anyOf": names, "description": f"which {kind}"}, **parameters},
        "additionalProperties": False,
        "allOf": [_parameters_of(name, entry) for name, entry in kinds.items()],
    }
    return {"anyOf": [*([{"enum": short}] if short else []), mapping]}


def _required(entry: dict[str, Any]) -> list[str]:
    return [key for key, rule in entry["parameters"].items() if "default" not in rule]


def _parameters_of(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return what follows from a component's name: its parameters and no others."""
    parameters = {key: _open(rule) for key, rule in entry["parameters"].items()}
    return {
        "if": {"properties": {"name": {"const": name}}, "required": ["name"]},
        "then": {
            "properties": parameters,
            "required": _required(entry),
            "propertyNames": {"enum": ["name", *parameters]},
        },
    }


def _open(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter, or of the placeholder of a row with `each`."""
    described = {key: value for key, value in rule.items() if key in ("description", "default")}
    return {"anyOf": [rule, PLACEHOLDER], **described}


def numerics(kind: str, name: str) -> int:
    """Return a component's numerics: the number that its module increases when its results change."""
    result: int = load_registry()["kinds"][kind][name]["numerics"]
    return result
