"""The last lines on the terminal: what was replicated, what is new, and where the documents are."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from remixup.config.settings import Config, Scale
from remixup.files import read_mapping, visible

DOCUMENTS = ("article.pdf", "supplement.pdf", "results.html")
PROSE = Path(__file__).parents[3] / "paper" / "article"
"""The folder with the text of the article."""
NAMED = 2
"""How many changed verdicts are named."""


def verdicts(config: Config) -> dict[str, str]:
    """Return each number's and claim's verdict in replication.json; empty where there is none, or none to be read."""
    try:
        document = read_mapping(config.home / "replication.json")
        found = {
            f"{each['experiment']}/{each['row']} {each['metric']}": each["verdict"] for each in document["entries"]
        }
        return found | {f"{each['experiment']}/{each['id']}": each["outcome"] for each in document["claims"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def outcome(config: Config, experiments: list[str], before: Mapping[str, str]) -> list[str]:
    """Return the outcome of a report in four lines, and the reason where there is no article."""
    try:
        summary = read_mapping(config.home / "replication.json")["summary"]
    except OSError:
        return []
    lines = [numbers(summary), claims(summary), new(before, verdicts(config))]
    if reason := reason_for_none(config.scale, experiments):
        lines.append(f"no article: {reason.partition(':')[0]}")
    made = [name for name in DOCUMENTS if (config.home / name).exists()]
    return [*lines, f"documents: {', '.join(str(config.home / name) for name in made)}"]


def reason_for_none(scale: Scale, experiments: Collection[str]) -> str:
    """Say why a run has no article; empty where it has one.

    The prose speaks about the report of the embedded scale, with what is on record, and about all papers.
    """
    if scale != "embedded":
        return f"it is written for the embedded scale, and this is {scale}; what is committed to records/ enters it"
    named = {
        name for path in visible(PROSE, "*.tex") for name in re.findall(r'"([a-z0-9-]+)/', path.read_text("utf-8"))
    }
    lacking = sorted(named - set(experiments))
    return f"it speaks about {len(lacking)} experiments that this run lacks: {', '.join(lacking)}" if lacking else ""


def numbers(summary: Mapping[str, Any]) -> str:
    """Return how many published numbers are replicated."""
    count = summary["by_verdict"].get
    yes, no, unclear = count("replicated", 0), count("not replicated", 0), count("inconclusive", 0)
    return f"numbers: of {yes + no + unclear} run as published {yes} replicated, {no} not, {unclear} inconclusive"


def claims(summary: Mapping[str, Any]) -> str:
    """Return how many claims of the papers have which outcome."""
    found = summary["paper_claims"]
    published, surrogate = found["published_protocol"], found["surrogate"]
    outcomes = [f"{count} {name}" for name, count in sorted(published.items(), key=lambda each: -each[1])]
    agree, disagree = surrogate.get("agrees", 0), surrogate.get("disagrees", 0)
    return f"claims: {', '.join([*outcomes, f'surrogates agree with {agree}, disagree with {disagree}'])}"


def new(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return what differs from the report before."""
    if not before:
        return "new: everything, this is the first report here"
    changed = [f"{name} ({before.get(name, 'none')} -> {now[name]})" for name in now if before.get(name) != now[name]]
    if not changed:
        return "new: nothing, all verdicts are as before"
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f"new: {', '.join(changed[:NAMED])}{more}"
