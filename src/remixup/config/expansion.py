"""What an experiment file says in short, written out: rows that stand for several, claims on patterns of rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from remixup.config.yaml_loader import LARGEST
from remixup.errors import UserError

MOST_ROWS = 1_000
"""Rows of an experiment, with those that stand for several written out; the largest file has 86."""
LONGEST_EACH = 2_000
"""Characters of a row's `each`: what is filled in many times is short."""


def written_out(document: Any, where: str) -> Any:
    """An experiment file's content with all its rows; what is not as it should be is left for the checks.

    Raises:
        UserError: its rows stand for more than can be meant.
    """
    return _claims(_rows(document, where))


def fill_in(value: Any, values: dict[str, Any]) -> Any:
    """Replaces {placeholder}s in all strings; a string that is nothing but one becomes the value itself."""
    if isinstance(value, str):
        if (whole := re.fullmatch(r"\{(\w+)\}", value)) and whole[1] in values:
            return values[whole[1]]
        return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), value)
    if isinstance(value, dict):
        return {key: fill_in(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, values) for item in value]
    return value


def _each(row: Any, where: str) -> Iterator[Any]:
    """The rows that one stands for (`each`), or the row itself."""
    each = row.get("each") if isinstance(row, dict) else None
    if not isinstance(each, dict) or not all(isinstance(values, list) for values in each.values()):
        yield row
        return
    if len(str(each)) > LONGEST_EACH:
        raise UserError(f"more than {LONGEST_EACH:,} characters", where=f"{where}, rows[{row.get('id')}].each")
    template = {key: item for key, item in row.items() if key != "each"}
    for combination in itertools.product(*each.values()):
        written = fill_in(template, dict(zip(each, combination, strict=True)))
        # Ids are in lower case, whatever the values are.
        yield {**written, "id": written["id"].lower()} if isinstance(written.get("id"), str) else written


def _rows(document: Any, where: str) -> Any:
    """Writes out the rows that stand for several; UserError where they stand for more than can be meant."""
    if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
        return document
    rows: list[Any] = []
    size = 0
    for row in document["rows"]:
        for written in _each(row, where):
            rows.append(written)
            size += len(str(written))
            if len(rows) > MOST_ROWS or size > LARGEST:
                what = f"more than {MOST_ROWS:,} rows, or {LARGEST:,} characters in them, written out"
                raise UserError(what, where=f"{where}, rows")
    return {**document, "rows": rows}


def _claims(document: Any) -> Any:
    """Writes out the rows that a side of a claim's pair names by a pattern; what fits none is left for the checks."""
    if not isinstance(document, dict) or not isinstance(document.get("claims"), list):
        return document
    listed = document.get("rows")
    rows = [row["id"] for row in listed if isinstance(row, dict) and "id" in row] if isinstance(listed, list) else []

    def written(value: Any) -> Any:
        if not isinstance(value, str) or not any(sign in value for sign in "*?["):
            return value
        return [name for name in rows if isinstance(name, str) and fnmatchcase(name, value)] or value

    def claim(value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("compare"), list):
            return value
        pairs = [
            {side: written(name) for side, name in pair.items()} if isinstance(pair, dict) else pair
            for pair in value["compare"]
        ]
        return {**value, "compare": pairs}

    return {**document, "claims": [claim(each) for each in document["claims"]]}
