"""The chapter on what the evidence says: each claim by the best evidence of it, and what that decides."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from remixup.analysis.best_evidence import dissenting_test, kind
from remixup.analysis.result_schema import RecordedClaim
from remixup.reporting import latex
from remixup.reporting.claims import limit, tested
from remixup.reporting.evidence import DECIDED, DECISION_NAMES, DECISIONS, OURS, Judged, among, decision, of

NAMED = 3
"""So many of a paper's confirmed claims are named, those with the clearest intervals; of all others each one is."""


def macros(claims: list[Judged]) -> list[str]:
    """The lines that define the chapter's counts and lists of claims: of the papers' and, apart from these, of ours.

    Args:
        claims: those that runs can decide, in the order of the report.
    """
    ours, claims = of("ours", claims), of("paper", claims)

    def drawn(each: Judged) -> bool:
        return each.ratios is not None

    found = {what: [each for each in claims if each.decision == what] for what in DECISIONS}
    clearest = [
        each
        for _, own in groupby(filter(drawn, found[r"\Confirmed"]), key=lambda each: each.experiment.paper)
        for each in sorted(own, key=lambda each: -each.clearance)[:NAMED]
    ]
    dissent = [each for each in claims if dissenting_test(each.claim)]
    shown_on_real = [each for each in found[r"\DirectionShown"] if each.kind.startswith("reduced")]
    kinds = Counter(each.kind for each in claims)
    values: dict[str, str | int] = {
        "NumClaimsOnPaper": kinds["paper"],
        "NumClaimsOnReduced": kinds["reduced"],
        "NumClaimsOnReducedCPU": kinds["reduced-cpu"],
        "NumClaimsOnEmbedded": kinds["embedded"],
        "NumClaimsOnStandIn": kinds["stand-in"],
        "NumClaimsDrawn": sum(map(drawn, claims)),
        "NumClaimsLimits": sum(each.test is not None and not drawn(each) for each in claims),
        "NumClaimsDissenting": len(dissent),
        "NumClaimsShownReduced": len(shown_on_real),
        "ClaimsClearest": names(clearest),
        "ClaimsRefuted": names(found[r"\Refuted"]),
        "ClaimsShownReduced": names(shown_on_real),
        "ClaimsNotShown": names(found[r"\DirectionNotShown"]),
        "ClaimsDissenting": names(dissent),
        "ClaimsUntouched": names([each for each in claims if each.kind == "none"]),
    }
    for name, what in zip(DECISION_NAMES, DECISIONS, strict=True):
        values[f"Ours{name}"] = names([each for each in ours if each.decision == what])
    return [latex.macro(name, value) for name, value in values.items()]


def names(claims: list[Judged]) -> str:
    """Ids of claims, each a link to its experiment, paper by paper; empty without any."""
    parts = []
    for paper, own in groupby(claims, key=lambda each: each.experiment.paper):
        parts.append(rf"{latex.listed(_link(each, latex.code(each.claim.id)) for each in own)} \citep{{{paper}}}")
    return "; ".join(parts)


def _link(each: Judged, text: str) -> str:
    """Text that leads to the table that has the claim's sentence."""
    return rf"\hyperref[claims:{each.experiment.id}]{{{text}}}"


def papers_table(claims: list[Judged], papers: list[str]) -> str:
    """Claims of each paper by kind of their best evidence and by what it decides; those of ours apart, in one line."""
    ours, claims = of("ours", claims), of("paper", claims)
    kinds = among(Counter(each.kind for each in [*claims, *ours]))

    def counts(own: list[Judged]) -> list[str]:
        by_kind, by_decision = Counter(each.kind for each in own), Counter(each.decision for each in own)
        return [str(n) for n in (len(own), *(by_kind[k] for k in kinds), *(by_decision[d] for d in DECISIONS))]

    lines: list[list[str] | str] = [
        [rf"\citet{{{paper}}}", *counts([each for each in claims if each.experiment.paper == paper])]
        for paper in papers
    ]
    lines.append([r"\totalrule All", *counts(claims)])
    if ours:
        lines.append([r"\midrule Of ours", *counts(ours)])
    last = 2 + len(kinds)
    over = rf"& & \multicolumn{{{len(kinds)}}}{{c}}{{Best evidence}} & \multicolumn{{2}}{{c}}{{Without stand-ins}} & "
    over += r"\multicolumn{2}{c}{On stand-ins} & \\" + "\n"
    over += rf"\cmidrule(lr){{3-{last}}}\cmidrule(lr){{{last + 1}-{last + 2}}}\cmidrule(lr){{{last + 3}-{last + 4}}}"
    head = [f"{over}\nPaper", "Claims", *kinds, *DECIDED]
    return latex.table(["@{}l", "r", *["r"] * len(kinds), *["r"] * 4, "r@{}"], head, lines)


def claims_table(claims: list[Judged]) -> str:
    """Claim by claim, under a heading for each paper and one for those of ours, all that have evidence."""
    lines: list[list[str] | str] = []
    heading, place = "", ""
    for each in (each for each in [*of("paper", claims), *of("ours", claims)] if each.test):
        above = OURS if each.claim.source == "ours" else rf"\citet{{{each.experiment.paper}}}"
        if above != heading:
            heading = above
            lines.append(heading)
        section = "" if each.experiment.id == place else rf"\ref{{exp:{each.experiment.id}}}"
        place = each.experiment.id
        lines.append([section or "~", *_claim(each)])
    columns = ["@{}l", "L{47mm}", "l", "r", "r@{\\enspace}", "l", "r", "L{39mm}@{}"]
    head = ["", "Claim", "Evidence", "$n$", r"\multicolumn{2}{c}{Effect, 95\,\% interval}", r"$\delta$", "Decision"]
    caption = r"Each claim by the best evidence of it. \evidencecaption"
    return latex.table(columns, head, lines or ["Nothing was run"], caption=caption, label="tab:evidence")


def _claim(each: Judged) -> list[str]:
    """Cells: name, kind, seeds, effect, interval, what it is held against, decision with what else is to be known."""
    test, metric = each.test, each.stated.metric
    assert test is not None
    assert metric is not None
    decimals = each.experiment.metrics[metric].decimals
    _, effect, interval, _, n, _ = tested(test, decimals, {test.stand_in: r"\standinmark{}" if test.stand_in else ""})
    mark = r"\recordmark{}" if isinstance(test, RecordedClaim) else ""
    name, least = _link(each, latex.escape(each.claim.id)), limit(each.stated, each.claim)
    return [name, each.kind + mark, n, effect, interval, least, _decided(each)]


def _decided(each: Judged) -> str:
    """The decision; on how many rows, where a choice had not all to try; and evidence that says something else."""
    said = [each.decision]
    if each.test and each.test.untried:
        rows = len(each.stated.rows)
        said.append(f"{rows - len(each.test.untried)} of {rows} rows")
    if other := dissenting_test(each.claim):
        said.append(f"{kind(other.scale, other.stand_in)}: {DECIDED[DECISIONS.index(decision(other))]}")
    return "; ".join(said)
