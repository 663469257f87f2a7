"""Generate what follows from the code, first `registry.json`: the functions that experiment files may name.

`make schema` runs it, never the workflow: it imports torch. A component is a public function of one of the modules
below, or a class under a name in lower case. An experiment file may set its keyword-only parameters; the program
supplies all others.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from remixup.config.registry import load_registry

KINDS = {
    "ratio": "remixup.mixing.ratio",
    "partner": "remixup.mixing.partner",
    "blend": "remixup.mixing.blend",
    "target": "remixup.mixing.target",
    "noise": "remixup.mixing.noise",
    "model": "remixup.models",
    "augmentation": "remixup.data.augmentation",
    "normalization": "remixup.data.normalization",
    "decode": "remixup.data.decoding",
    "objective": "remixup.training.objectives",
    "optimizer": "remixup.training.optimizers",
    "schedule": "remixup.training.schedules",
    "evaluation": "remixup.evaluation",
    "figure": "remixup.reporting.figures",
}
PLAIN = {bool: "boolean", int: "integer", float: "number", str: "string"}
KEYWORDS = {Gt: "exclusiveMinimum", Ge: "minimum", Lt: "exclusiveMaximum", Le: "maximum"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SUPPLIED = {"generator", "others"}


def modules(name: str) -> list[ModuleType]:
    """Import the module of that name or, for a package, all modules in it."""
    module = importlib.import_module(name)
    if not hasattr(module, "__path__"):
        return [module]
    return [importlib.import_module(f"{name}.{found.name}") for found in pkgutil.iter_modules(module.__path__)]


def type_schema(annotation: Any) -> dict[str, Any]:
    """Return the JSON Schema of bool, int, float, str, Literal or tuple[T, ...], with the bounds of Annotated."""
    if typing.get_origin(annotation) is typing.Annotated:
        base, *notes = typing.get_args(annotation)
        bounds = {KEYWORDS[type(note)]: getattr(note, type(note).__name__.lower()) for note in notes}
        return {**type_schema(base), **bounds}
    if typing.get_origin(annotation) is typing.Literal:
        return {"type": "string", "enum": list(typing.get_args(annotation))}
    if typing.get_origin(annotation) is tuple:
        return {"type": "array", "items": type_schema(typing.get_args(annotation)[0])}
    return {"type": PLAIN[annotation]}


def describe(component: Any, numerics: int) -> dict[str, Any]:
    """Describe a component: parameters (JSON Schema with defaults), first line of the docstring, numerics."""
    function = component.__init__ if inspect.isclass(component) else component
    hints = typing.get_type_hints(function, include_extras=True)
    said = arguments(inspect.getdoc(function) or "") | arguments(inspect.getdoc(component) or "")
    parameters: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY or name in SUPPLIED:
            continue
        parameters[name] = type_schema(hints[name])
        if parameter.default is not parameter.empty:
            default = parameter.default
            parameters[name]["default"] = list(default) if isinstance(default, tuple) else default
        if name in said:
            parameters[name]["description"] = said[name]
    summary = (inspect.getdoc(component) or "").split("\n")[0]
    return {"summary": summary, "numerics": numerics, "parameters": parameters}


def arguments(docstring: str) -> dict[str, str]:
    """Return what the section `Args` of a docstring says about each argument, on one line."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)*)", docstring, re.MULTILINE)
    found = re.split(r"^    (\w+): ", section[1], flags=re.MULTILINE)[1:] if section else []
    return {name: " ".join(text.split()).rstrip(".") for name, text in zip(found[::2], found[1::2], strict=True)}


def components(module: ModuleType) -> dict[str, Any]:
    """Return what an experiment file may name: a module's public functions, and classes under names in lower case."""
    found = {}
    for name, value in vars(module).items():
        own = inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
        if own or (inspect.isclass(value) and name.islower() and value.__module__.startswith("remixup.")):
            found[name] = value
    return found if hasattr(module, "NUMERICS") else {}


def requirements(module: ModuleType, name: str, component: Any) -> dict[str, Any]:
    """Return what a component requires (see `remixup.config.requirements`), if anything."""
    facts = asdict(component.declaration) if hasattr(component, "declaration") else {}
    declared = {key: value for key, value in facts.items() if value and key != "sample"}
    checks = getattr(module, "REQUIREMENTS", None)
    checked = checks is not None and hasattr(importlib.import_module(checks), name)
    return ({"declares": declared} if declared else {}) | ({"requirements": checks} if checked else {})


def objectives_for(evaluation: Any) -> list[str]:
    """List the objectives whose trainers an evaluation accepts as its first argument."""
    first = next(iter(inspect.signature(evaluation).parameters))
    accepted = typing.get_type_hints(evaluation)[first]
    trainers = components(importlib.import_module(KINDS["objective"]))
    return sorted(name for name, trainer in trainers.items() if issubclass(trainer, accepted))


def generate() -> dict[str, Any]:
    """Generate the whole registry."""
    kinds: dict[str, Any] = {}
    for kind, package in KINDS.items():
        found = kinds[kind] = {}
        for module in modules(package):
            for name, component in components(module).items():
                entry = found[name] = describe(component, module.NUMERICS) | requirements(module, name, component)
                if kind == "model":
                    entry["vectorized"] = getattr(module, "VECTORIZED", "never")
                if kind == "evaluation":
                    entry["module"] = module.__name__
                    entry["weights"] = getattr(module, "WEIGHTS", True)
                    entry["classes"] = getattr(module, "CLASSES", 0)
                    entry["objectives"] = objectives_for(component)
                    entry["values"] = list(getattr(module, "SCALARS", {}).get(name, ()))
    return {
        "loop": importlib.import_module("remixup.training.supervised").NUMERICS,
        "kinds": kinds,
        "datasets": datasets(),
    }


def datasets() -> dict[str, Any]:
    """Describe the datasets to the workflow: task, classes, numerics, examples, units of the test part, versions."""
    registry = importlib.import_module("remixup.data.catalog.registry")
    return {
        name: {
            "task": entry.task,
            "classes": entry.classes,
            "numeric": entry.numeric,
            "numerics": entry.numerics,
            "train": entry.size.train,
            "test": entry.size.test,
            "test_units": entry.size.test_units,
            "versions": {
                version.name: {
                    "embedded": version.embedded,
                    "downloadable": version.downloadable,
                    "mirror": version.in_mirror,
                }
                for version in entry.versions.values()
            },
        }
        for name, entry in sorted(registry.REGISTRY.items())
    }


def documents() -> Iterator[tuple[str, Any]]:
    """Yield path and content of each generated file. The first must be written before the others are generated."""
    yield "src/remixup/config/registry.json", generate()
    from remixup.analysis import records
    from remixup.analysis.result_schema import Replication
    from remixup.config.experiment import file_schema
    from remixup.config.settings import SCALES, Config
    from remixup.maintenance.evidence_queue import queue_schema
    from remixup.planning.plan import read_plans
    from remixup.training.flops import forward_passes

    for path, schema in (
        ("experiments/experiment.schema.json", file_schema()),
        ("config.schema.json", Config.model_json_schema()),
        ("evidence.schema.json", queue_schema()),
        ("src/remixup/analysis/replication.schema.json", Replication.model_json_schema()),
    ):
        yield path, {"$schema": DIALECT, "$id": Path(path).name, **schema}
    plans = [plan for scale in SCALES for plan in read_plans(Config(scale=scale))]
    runs = [row.run for plan in plans for row in plan.rows]
    recorded = [block.specification for block in records.read_all()]  # a freeze may be about rows of earlier days
    yield "src/remixup/training/forward_passes.json", forward_passes([*runs, *recorded])


def write(root: Path) -> None:
    """Write all generated files."""
    for path, content in documents():
        (root / path).write_text(as_text(content), encoding="utf-8")
        load_registry.cache_clear()


def drifted(root: Path) -> list[str]:
    """List the generated files that differ from the code."""
    return [path for path, content in documents() if (root / path).read_text(encoding="utf-8") != as_text(content)]


def as_text(content: Any) -> str:
    """Format JSON as it is committed."""
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        stale = drifted(Path.cwd())
        sys.exit(f"generated files have drifted: {', '.join(stale)}; run `make schema`" if stale else 0)
    write(Path.cwd())
