"""The title page: macros with its counts, and its two tables."""

from __future__ import annotations

import subprocess
from collections import Counter

from remixup.analysis.best_evidence import Kind
from remixup.analysis.result_schema import ClaimResult, Cost, Entry, Replication
from remixup.config.experiment import Experiment
from remixup.reporting import latex
from remixup.reporting.evidence import (
    DECISION_NAMES,
    DECISIONS,
    among,
    by_source,
    count_claims,
    count_numbers,
    measured,
)
from remixup.reporting.experiment_section import spent
from remixup.reporting.tables import VERDICTS


def macros(experiments: list[Experiment], papers: list[str], replication: Replication, costs: list[Cost]) -> list[str]:
    """The lines of macros.tex; `costs` has each run once."""
    kinds, verdicts = count_numbers(replication.entries)
    sources = by_source(replication.claims)
    claims = count_claims(sources["paper"])
    decided = sum(claims.values(), Counter[str]())
    decided_ours = sum(count_claims(sources["ours"]).values(), Counter[str]())
    sentences = Counter(claim.kind for claim in replication.claims)
    runs, _, seconds = spent(costs)
    commit = replication.code.commit
    values: dict[str, str | int] = {
        "ScaleName": replication.scale,
        "Commit": latex.code(commit[:12]) if commit else "outside a repository",
        "CommitDate": _day(commit),
        "DirtyNote": {True: "with uncommitted changes", False: "", None: "state unknown"}[replication.code.dirty],
        "NumPapers": len(papers),
        "NumExperiments": sum(bool(experiment.rows) for experiment in experiments),
        "NumPublished": kinds.total(),
        "NumNotTranscribed": sum(not entry.transcribed for entry in replication.entries),
        "NumPaper": kinds["paper"],
        "NumReduced": _broad(kinds)["reduced"],
        "NumEmbedded": kinds["embedded"],
        "NumStandIn": kinds["stand-in"],
        "NumNone": kinds["none"],
        "NumReplicated": verdicts["replicated"],
        "NumNotReplicated": verdicts["not replicated"],
        "NumInconclusive": verdicts["inconclusive"],
        "NumClaims": decided.total(),
        **_by_decision("NumClaims", decided),
        "NumClaimsNone": claims["none"].total(),
        "NumOurs": decided_ours.total(),
        **_by_decision("NumOurs", decided_ours),
        "NumDefinitions": sentences["definition"],
        "NumUntested": sentences["untested"],
        "NumRuns": runs,
        "RunSeconds": latex.number(seconds),
    }
    return [latex.macro(name, value) for name, value in values.items()]


def _day(commit: str | None) -> str:
    """The day of a commit, ISO 8601; where git does not know it, a word that says so."""
    command = ["git", "show", "--no-patch", "--format=%cs", f"{commit}^{{commit}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "undated"
    return done.stdout.strip()


def numbers_table(entries: list[Entry], papers: list[str]) -> str:
    """Published numbers of each paper by best evidence, and by verdict."""
    kinds = among(_broad(count_numbers(entries)[0]))
    judged = ["replicated", "not replicated", "inconclusive"]
    lines: list[list[str] | str] = []
    for paper in papers:
        lines.append([rf"\citet{{{paper}}}", *_counts([e for e in entries if e.paper == paper], kinds, judged)])
    lines.append([r"\totalrule All", *_counts(entries, kinds, judged)])
    columns = ["@{}l", "r", *["r"] * len(kinds), *["r"] * len(judged), "r@{}"]
    over = rf"& & \multicolumn{{{len(kinds)}}}{{c}}{{Best evidence}} & \multicolumn{{4}}{{c}}{{Its verdict}} \\" + "\n"
    over += rf"\cmidrule(lr){{3-{2 + len(kinds)}}}\cmidrule(l){{{3 + len(kinds)}-{6 + len(kinds)}}}" + "\n"
    head = [over + "Paper", "Numbers", *kinds, *(VERDICTS[name] for name in judged), "none"]
    return latex.table(columns, head, lines)


def _broad(counts: Counter[Kind]) -> Counter[Kind]:
    """The counts with both reduced scales as one."""
    found = Counter(counts)
    found["reduced"] += found.pop("reduced-cpu", 0)
    return found


def _counts(entries: list[Entry], kinds: list[Kind], judged: list[str]) -> list[str]:
    found, by_verdict = count_numbers(entries)
    by_kind = _broad(found)
    total = sum(by_kind.values())
    numbers = [total, *(by_kind[name] for name in kinds), *(by_verdict[name] for name in judged)]
    return [str(number) for number in [*numbers, total - sum(by_verdict[name] for name in judged)]]


def _by_decision(prefix: str, counts: Counter[str]) -> dict[str, int]:
    """Return a macro's name and value for each decision."""
    return {f"{prefix}{name}": counts[what] for name, what in zip(DECISION_NAMES, DECISIONS, strict=True)}


def claims_table(claims: list[ClaimResult]) -> str:
    """The papers' claims that runs can decide by best evidence and decision.

    Below are, apart from them, the claims of ours, and how many sentences of either runs do not decide.
    """
    sources = by_source(claims)
    counts = count_claims(sources["paper"])
    counts["reduced"] += counts.pop("reduced-cpu")
    shown = among(Counter({name: each.total() for name, each in counts.items()}))
    lines: list[list[str] | str] = [
        [name, *(str(counts[name][what]) for what in DECISIONS), str(counts[name].total())] for name in shown
    ]
    totals = [sum(each[what] for each in counts.values()) for what in DECISIONS]
    lines.append([r"\totalrule All", *map(str, totals), str(sum(totals))])
    ours = sum(count_claims(sources["ours"]).values(), Counter[str]())
    if ours:
        lines.append([r"\midrule Of ours", *(str(ours[what]) for what in DECISIONS), str(ours.total())])
    if others := len(claims) - len(measured(claims)):
        names = {"definition": "definitions, held by tests", "untested": "untested"}
        kinds = Counter[str](claim.kind for claim in claims)
        said = ", ".join(f"{kinds[kind]} {name}" for kind, name in names.items() if kinds[kind])
        across = rf"\multicolumn{{{len(DECISIONS)}}}{{l}}{{{said}}}"
        lines.append([r"\midrule Not decided by runs", across, str(others)])
    return latex.table(["@{}l", *["r"] * len(DECISIONS), "r@{}"], ["Best evidence", *DECISIONS, "Claims"], lines)
