"""The sentences of a paper: those that runs decide, and those that they do not."""

from __future__ import annotations

from remixup.analysis.result_schema import ClaimResult, ExperimentResult, RecordedClaim
from remixup.config.experiment import Claim, Experiment
from remixup.reporting import latex
from remixup.reporting.evidence import OURS, by_source, decision, measured
from remixup.reporting.footnotes import marks, notes


def claims_table(experiment: Experiment, result: ExperimentResult) -> str:
    """The claims that runs can decide; empty without any.

    Each has its sentence, with the reason for what was decided, over a line for this report's runs and one for those on
    record. Where this report ran nothing of it and there is a record, the record stands alone.
    Claims of ours follow those of the paper, under a heading.
    """
    sources = by_source(measured(result.claims))
    claims = [*sources["paper"], *sources["ours"]]
    if not claims:
        return ""
    stated = {claim.id: claim for claim in experiment.claims}
    tests: dict[str, list[ClaimResult | RecordedClaim]] = {
        claim.id: [*([claim] if claim.n or not claim.recorded else []), *claim.recorded] for claim in claims
    }
    stand_ins = [test.stand_in for each in tests.values() for test in each if test.n]
    daggers = marks(stand_ins)
    columns = ["@{\\quad}L{49mm}", "r", "l", "r@{\\enspace}", "l", "r", "r", "l@{}"]
    lines: list[list[str] | str] = []
    for claim in claims:
        if sources["ours"] and claim is sources["ours"][0]:
            lines.append(OURS)
        metric = stated[claim.id].metric
        decimals = experiment.metrics[metric].decimals if metric else 0
        here = tests[claim.id][0] is claim
        # The other lines of a claim have reasons of their own.
        scale = f"at {claim.scale} scale, " if len(tests[claim.id]) > 1 else ""
        why = rf"\claimreason{{{latex.escape(scale + claim.why)}}}" if here and claim.why else ""
        apart = r"\addlinespace[3pt] " if lines else ""
        lines.append(
            [rf"{apart}\multicolumn{{{len(columns)}}}{{@{{}}L{{\linewidth}}@{{}}}}{{{_sentence(claim)}{why}}}"]
        )
        name = [rf"{{\scriptsize {latex.code(claim.id)}}}", limit(stated[claim.id], claim)]
        lines += [
            [*(["", ""] if number else name), *tested(test, decimals, daggers)]
            for number, test in enumerate(tests[claim.id])
        ]
    head = ["Claim", r"$\delta$", "Evidence", r"\multicolumn{2}{c}{Effect, 95\,\% interval}", "$p$", "$n$", "Decision"]
    caption, label = r"Claims. \claimscaption", f"claims:{experiment.id}"
    below = notes(stand_ins, recorded=any(claim.recorded for claim in claims))
    return latex.table(columns, head, lines, caption=caption, label=label, notes=below)


def _sentence(claim: ClaimResult) -> str:
    return latex.prose(claim.statement) + (f" ({latex.prose(claim.where)})" if claim.where else "")


def limit(stated: Claim, claim: ClaimResult) -> str:
    """A cell: what the effect is held against: the smallest effect of interest, or the limit of a value."""
    unit = rf"\,{latex.escape(claim.unit)}" if claim.unit else ""
    if stated.bound:
        return rf"limit {latex.number(f'{stated.bound.at_most:g}')}{unit}"
    at_most = r"$\leq$\," if stated.expect == "no more" else ""
    return f"{at_most}{latex.number(f'{claim.smallest_effect:g}')}{unit}"


def tested(test: ClaimResult | RecordedClaim, decimals: int, daggers: dict[str | None, str]) -> list[str]:
    """Cells: evidence, effect, interval, p, n, decision; as many digits as the width of the interval warrants."""
    recorded = isinstance(test, RecordedClaim)
    if test.effect is None:
        return ["--" if test.n == 0 else test.scale, "--", "", "--", str(test.n), decision(test)]
    digits = latex.places((test.ci95[1] - test.ci95[0]) / 2 if test.ci95 else 0.0, decimals)
    effect = latex.number(latex.fixed(test.effect, digits, sign=True))
    if test.stand_in:
        effect = rf"\textit{{{effect}}}{daggers[test.stand_in]}"
    return [
        test.scale + (r"\recordmark{}" if recorded else ""),
        effect,
        latex.interval(*test.ci95, digits) if test.ci95 else "",
        "--" if test.p is None else _probability(test.p),
        str(test.n),
        decision(test),
    ]


def _probability(p: float) -> str:
    return r"$<\num{0.001}$" if p < 0.001 else latex.number(f"{p:.3f}")


def sentences(experiment: Experiment, result: ExperimentResult) -> str:
    """The sentences that runs do not decide, each with its place and the reason; empty without any.

    Definitions name the test that holds the code to them, the others say why they are not tested.
    """
    stated = {claim.id: claim for claim in experiment.claims}
    items = []
    for claim in (claim for claim in result.claims if claim.kind != "measured"):
        test = stated[claim.id].definition
        if test:
            why = rf"\emph{{Definition}}, held by {latex.code(test)}."
        else:
            kind = "Untested" if claim.source == "paper" else "A question or extension of ours, untested"
            why = rf"\emph{{{kind}}}: {latex.prose(claim.why).rstrip('.')}."
        items.append(rf"\item {_sentence(claim)}. {why}")
    return "\n".join([r"\begin{sentences}", *items, r"\end{sentences}"]) if items else ""
