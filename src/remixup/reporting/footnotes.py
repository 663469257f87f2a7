"""Marks in tables, such as the dagger of surrogates, and the notes that explain them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from remixup.analysis.result_schema import Entry
from remixup.reporting import latex


def split_differences(stand_ins: Iterable[str | None]) -> list[str]:
    """List each difference from the published setting once; a run may have several, separated by semicolons."""
    return list(dict.fromkeys(part for text in stand_ins if text for part in text.split("; ")))


def marks(stand_ins: Iterable[str | None]) -> dict[str | None, str]:
    """Return the dagger for each surrogate, with numbers where the table has several differences."""
    texts = list(dict.fromkeys(stand_ins))
    differences = split_differences(texts)
    found: dict[str | None, str] = {None: ""}
    for text in filter(None, texts):
        numbers = [str(differences.index(part) + 1) for part in text.split("; ")]
        found[text] = rf"\standinmark{{{','.join(numbers) if len(differences) > 1 else ''}}}"
    return found


def notes(
    stand_ins: Iterable[str | None], *, recorded: bool = False, quoted: bool = False, more: Iterable[str] = ()
) -> str:
    """Explain the marks of a table below it, then add more LaTeX sentences; empty where there is nothing to say."""
    differences = [latex.prose(part) for part in split_differences(stand_ins)]
    lines = []
    if len(differences) == 1:
        lines.append(rf"\standinmark{{}}~Stand-in: {differences[0]}.")
    elif differences:
        numbered = (rf"\textsuperscript{{{number}}}\,{part}" for number, part in enumerate(differences, start=1))
        lines.append(rf"\standinmark{{}}~Stand-ins: {'; '.join(numbered)}.")
    if recorded:
        lines.append(r"\recordmark~On record: measured earlier, at that scale.")
    if quoted:
        lines.append(r"\quotedmark~Quoted by the paper from other work.")
    lines += more
    return rf"\tablenotes{{{' '.join(lines)}}}" if lines else ""


def not_transcribed(entries: Iterable[Entry]) -> list[str]:
    """Return a sentence that counts published numbers that are not transcribed, by where they are printed."""
    places = Counter(entry.where for entry in entries if not entry.transcribed)
    counted = (f"{count} ({latex.prose(where)})" for where, count in places.items())
    return [f"Published, but not transcribed: {latex.listed(counted)}."] if places else []
