"""Load YAML 1.2; reject values that YAML readers interpret differently.

PyYAML reads YAML 1.1, where `010` is 8, `1:30` is 90, `yes` is true, and `1e-4` is text. Here `1e-4` is a number, a
date is text, and the others are errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from remixup.errors import UserError

_STANDARD = "tag:yaml.org,2002:"
_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "null": (r"~|null|Null|NULL|", lambda _: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    "int": (r"[-+]?(0|[1-9][0-9]*)", int),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        lambda text: float(re.sub(r"\.(?=[in])", "", text.lower())),
    ),
}
"""Tag -> what plain text of this type looks like, and its value."""
_DISPUTED = {
    "number": (
        r"[-+]?0[0-9_]+|[-+]?0[box][0-9A-Fa-f_]+"  # leading zeros, other bases
        r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"  # base 60
        r"|[-+]?[0-9.]+_[0-9_.]*([eE][-+]?[0-9]+)?",
        "programs differ about the number {}; write plain digits, or put text in quotes",
    ),
    "word": (
        r"(?i:yes|no|on|off)",
        "programs differ about the word {}; write true or false, or put the word in quotes",
    ),
    "merge": ("<<", "merge keys ({}) are not supported; write the keys out, or share them by a variation"),
}
"""Plain text that YAML 1.1 and 1.2 read differently: kind -> what it looks like, and the message."""
_LINE_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Characters that end a line in YAML 1.1 and not in YAML 1.2."""
_DEEPEST = 100
"""libyaml overflows its stack, which ends the process, at some tens of thousands of levels."""


def _value(loader: yaml.CSafeLoader, node: yaml.Node) -> Any:
    pattern, convert = _VALUES[node.tag.removeprefix(_STANDARD)]
    # A tag may be written, such as !!int, before anything.
    if not isinstance(node, yaml.ScalarNode) or not re.fullmatch(pattern, node.value):
        raise ConstructorError(None, None, f"{node.value!r} is not of the type of its tag", node.start_mark)
    return convert(node.value)


def _refuse(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> Any:
    message = _DISPUTED[node.tag.removeprefix("!")][1]
    raise ConstructorError(None, None, message.format(node.value), node.start_mark)


def _undefined(loader: yaml.CSafeLoader, node: yaml.Node) -> Any:
    tag = node.tag.replace(_STANDARD, "!!")
    raise ConstructorError(None, None, f"the tag {tag} is not supported", node.start_mark)


class _Loader(yaml.CSafeLoader):
    """Safe loader of YAML 1.2 in which a duplicate key is an error. PyYAML silently keeps the last one."""

    yaml_implicit_resolvers = {
        None: [  # for all first characters
            *((_STANDARD + tag, re.compile(rf"({pattern})\Z")) for tag, (pattern, _) in _VALUES.items()),
            *((f"!{kind}", re.compile(rf"({pattern})\Z")) for kind, (pattern, _) in _DISPUTED.items()),
        ]
    }
    yaml_constructors = {
        **{_STANDARD + tag: yaml.CSafeLoader.yaml_constructors[_STANDARD + tag] for tag in ("str", "seq", "map")},
        **{_STANDARD + tag: _value for tag in _VALUES},
        **{f"!{kind}": _refuse for kind in _DISPUTED},
        None: _undefined,
    }

    def construct_document(self, node: yaml.Node) -> Any:
        return self.construct_object(node, deep=True)  # a node that contains itself is an error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ConstructorError(None, None, f"key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            problem = f"nested more than {_DEEPEST} levels deep"
            raise ConstructorError(None, None, problem, event.start_mark)  # type: ignore[arg-type]  # libyaml's own mark


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML.

    Args:
        text: one YAML document.
        where: the file (or option) that the text comes from.

    Raises:
        UserError: the text is malformed, has a duplicate key, or something that YAML 1.1 and 1.2 read differently. The
            message names the line.
    """
    if odd := _LINE_BREAKS.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise UserError(f"not readable as YAML: unusual line break {odd[0]!r}", where=f"{where}, line {line}")
    try:
        _check_depth(text)
        return yaml.load(text, _Loader)  # a subclass of the safe loader
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"not readable as YAML: {error.reason}", where=f"{where}, line {line}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        line_of = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"not readable as YAML: {problem}", where=f"{where}{line_of}") from None


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
