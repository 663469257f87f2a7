"""YAML loading: a safe loader that rejects duplicate keys and keys that are not text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from remixup.errors import UserError


class _Loader(yaml.CSafeLoader):
    """Safe loader in which a duplicate key is an error. PyYAML silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML.

    Args:
        text: one YAML document.
        where: the file (or option) that the text comes from.

    Raises:
        UserError: the text is malformed, or has a duplicate key or an unknown tag. The message names the line.
    """
    try:
        return yaml.load(text, _Loader)  # a subclass of the safe loader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or number that does not exist
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"not readable as YAML: {problem}", where=f"{where}{line}") from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raise UserError (file, line) if it is missing, unreadable or malformed."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise UserError(f"not readable as YAML: {error}", where=str(path), hint="save it as UTF-8") from None
    return parse_yaml(text, str(path))
