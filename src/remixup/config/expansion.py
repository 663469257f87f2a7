"""Expansion of the short forms in an experiment file: `each` in rows, patterns of row ids in claims."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any


def expand(document: Any) -> Any:
    """Return an experiment file's content with all rows written out and all patterns in claims resolved.

    Invalid parts are returned unchanged; the validation that follows reports them.
    """
    if not isinstance(document, dict):
        return document
    expanded = dict(document)
    if isinstance(document.get("rows"), list):
        expanded["rows"] = [each for row in document["rows"] for each in _expand_row(row)]
        ids = [row["id"] for row in expanded["rows"] if isinstance(row, dict) and isinstance(row.get("id"), str)]
        if isinstance(document.get("claims"), list):
            expanded["claims"] = [_expand_claim(claim, ids) for claim in document["claims"]]
    return expanded


def fill_in(value: Any, values: dict[str, Any]) -> Any:
    """Replace {placeholder}s in all strings. A string that consists of one placeholder becomes the value itself."""
    if isinstance(value, str):
        if (whole := re.fullmatch(r"\{(\w+)\}", value)) and whole[1] in values:
            return values[whole[1]]
        return re.sub(r"\{(\w+)\}", lambda match: str(values.get(match[1], match[0])), value)
    if isinstance(value, dict):
        return {key: fill_in(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, values) for item in value]
    return value


def _expand_row(row: Any) -> Iterator[Any]:
    """Yield one row for each combination of the values in its `each`, or the row itself."""
    each = row.get("each") if isinstance(row, dict) else None
    if not isinstance(each, dict) or not all(isinstance(values, list) for values in each.values()):
        yield row
        return
    template = {key: item for key, item in row.items() if key != "each"}
    for combination in itertools.product(*each.values()):
        expanded = fill_in(template, dict(zip(each, combination, strict=True)))
        # Ids are lower case, whatever the values are.
        yield {**expanded, "id": expanded["id"].lower()} if isinstance(expanded.get("id"), str) else expanded


def _expand_claim(claim: Any, ids: list[str]) -> Any:
    """Replace patterns in the pairs of a claim by the ids of the rows that match; keep those that match none."""
    if not isinstance(claim, dict) or not isinstance(claim.get("compare"), list):
        return claim

    def expand_side(value: Any) -> Any:
        if not isinstance(value, str) or not any(sign in value for sign in "*?["):
            return value
        return [name for name in ids if fnmatchcase(name, value)] or value

    pairs = [
        {side: expand_side(name) for side, name in pair.items()} if isinstance(pair, dict) else pair
        for pair in claim["compare"]
    ]
    return {**claim, "compare": pairs}
