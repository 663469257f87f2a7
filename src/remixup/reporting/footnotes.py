"""Daggers and other marks, and what stands below a table to explain them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from remixup.analysis.result_schema import Entry
from remixup.reporting import latex


def parts_of(stand_ins: Iterable[str | None]) -> list[str]:
    """What stands in for what, each once: a run may do so in several ways, which a semicolon parts."""
    return list(dict.fromkeys(part for text in stand_ins if text for part in text.split("; ")))


def marks(stand_ins: Iterable[str | None]) -> dict[str | None, str]:
    """The dagger for each of these, numbered where there are several ways of standing in."""
    texts = list(dict.fromkeys(stand_ins))
    parts = parts_of(texts)
    found: dict[str | None, str] = {None: ""}
    for text in filter(None, texts):
        numbers = [str(parts.index(part) + 1) for part in text.split("; ")]
        found[text] = rf"\standinmark{{{','.join(numbers) if len(parts) > 1 else ''}}}"
    return found


def notes(
    stand_ins: Iterable[str | None], *, recorded: bool = False, quoted: bool = False, more: Iterable[str] = ()
) -> str:
    """What stands in for what, other marks, and more LaTeX sentences, below a table; empty where nothing is to say."""
    parts = [latex.prose(part) for part in parts_of(stand_ins)]
    lines = []
    if len(parts) == 1:
        lines.append(rf"\standinmark{{}}~Stand-in: {parts[0]}.")
    elif parts:
        numbered = (rf"\textsuperscript{{{number}}}\,{part}" for number, part in enumerate(parts, start=1))
        lines.append(rf"\standinmark{{}}~Stand-ins: {'; '.join(numbered)}.")
    if recorded:
        lines.append(r"\recordmark~On record: measured earlier, at that scale.")
    if quoted:
        lines.append(r"\quotedmark~Quoted by the paper from other work.")
    lines += more
    return rf"\tablenotes{{{' '.join(lines)}}}" if lines else ""


def not_transcribed(entries: Iterable[Entry]) -> list[str]:
    """Return a sentence that counts the numbers that are published and not transcribed, place by place."""
    places = Counter(entry.where for entry in entries if not entry.transcribed)
    counted = (f"{count} ({latex.prose(where)})" for where, count in places.items())
    return [f"Published, but not transcribed: {latex.listed(counted)}."] if places else []
