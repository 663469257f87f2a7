"""Strict typed models, and YAML that keeps its promises: errors name file, key and the nearest valid name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from remixup.errors import UserError, did_you_mean


class Strict(BaseModel):
    """A model that refuses keys it does not know, and says which is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise ValueError(f"unknown key {key!r}; {did_you_mean(str(key), cls.model_fields)}")
        return value


LARGEST = 250_000
"""Characters of a file, with its aliases written out; the largest experiment file has some sixteen thousand."""
DEEPEST = 50
"""Lists and mappings inside each other."""


class _Loader(yaml.CSafeLoader):
    """YAML in which a key that stands twice is an error, not a silent loss."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        value: int = super().construct_yaml_int(node)
        if value.bit_length() > 63:
            raise yaml.constructor.ConstructorError(None, None, "an integer of more than 64 bits", node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def _refuse_excess(text: str) -> None:
    """Raises YAMLError where YAML stands for far more than is written, before anything is made of it.

    That is: aliases of aliases, of what they stand in, nests that overflow the reader's stack, and tags.
    """
    sizes: dict[str | None, int] = {}
    inside: list[tuple[str | None, int]] = []
    size = 0
    event: Any
    for event in yaml.parse(text, _Loader):
        problem = None
        if isinstance(event, yaml.AliasEvent):
            size += sizes.get(event.anchor, 0)
            problem = None if event.anchor in sizes else f"the alias {event.anchor!r} stands for nothing before it"
        elif isinstance(event, yaml.NodeEvent):
            before, size = size, size + 1 + len(getattr(event, "value", ""))
            tag = getattr(event, "tag", None)
            problem = None if tag is None else f"tags are not used here: {tag!r}"
            if isinstance(event, yaml.CollectionStartEvent):
                inside.append((event.anchor, before))
            else:
                sizes[event.anchor] = size - before
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = inside.pop()
            sizes[anchor] = size - before
        if size > LARGEST or len(inside) > DEEPEST:
            problem = f"more than {LARGEST:,} characters, or {DEEPEST} levels"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def parse_yaml(text: str, where: str) -> Any:
    """What YAML says; UserError (place, line) where it is malformed, or stands for more than can be meant."""
    try:
        _refuse_excess(text)
        return yaml.load(text, _Loader)  # a safe loader, with duplicate keys refused
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"not readable as YAML: {problem}", where=f"{where}{line}") from None


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; UserError (file, line) where it cannot be read or is malformed."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise UserError(f"not readable as YAML: {error}", where=str(path), hint="save it as UTF-8") from None
    if len(text) > LARGEST:
        raise UserError(f"more than {LARGEST:,} characters", where=str(path))
    return parse_yaml(text, str(path))


Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], value: Any, where: str) -> Model:
    """Value as that model; a UserError that names place, key and mistake (the first of several) otherwise."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = _locate(first["loc"], value)
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "missing":
            message = "this key is needed"
        elif first["type"] != "value_error":
            message = f"{message}, not {first['input']!r}"[:300]
        more = f"{error.error_count() - 1} more of the kind" if error.error_count() > 1 else None
        raise UserError(message, where=f"{where}, {place}" if place else where, hint=more) from None


def _locate(loc: tuple[int | str, ...], value: Any) -> str:
    """A path into the document, list items by their id where they have one: rows[iris-erm].run.epochs."""
    path = ""
    for step in loc:
        value = _inside(value, step)
        if isinstance(step, int):
            path += f"[{value.get('id', step) if isinstance(value, dict) else step}]"
        else:
            path += f".{step}" if path else step
    return path


def _inside(value: Any, step: int | str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
