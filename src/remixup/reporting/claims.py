"""The table of an experiment's claims that runs can decide."""

from __future__ import annotations

from remixup.analysis.best_evidence import finding
from remixup.analysis.result_schema import ClaimResult, ClaimTest, ExperimentResult, RecordedClaim
from remixup.config.claims import Claim
from remixup.config.experiment import Experiment
from remixup.reporting import latex
from remixup.reporting.evidence import OURS
from remixup.reporting.table_builder import TableBuilder


def claims_table(experiment: Experiment, result: ExperimentResult) -> str:
    """Print the claims that runs can decide; empty without any.

    Each sentence has a line for this report's runs and one for each scale on record, with the reason for each outcome.
    Where this report ran nothing for a claim that is on record, the latter are printed alone. Our own claims follow
    those of the paper, under a heading.
    """
    measured = (claim for claim in result.claims if claim.kind == "measured")
    claims = sorted(measured, key=lambda claim: claim.source == "ours")
    if not claims:
        return ""
    stated = {claim.id: claim for claim in experiment.claims}
    tests: dict[str, list[ClaimTest]] = {
        claim.id: [*([claim] if claim.n or not claim.recorded else []), *claim.recorded] for claim in claims
    }
    table = TableBuilder(test for each in tests.values() for test in each if test.n)
    for claim in claims:
        if claim.source == "ours":
            table.heading(OURS)
        metric = stated[claim.id].metric
        decimals = experiment.metrics[metric].decimals if metric else 0
        several = len(tests[claim.id]) > 1
        reasons = [(f"at {test.scale} scale, " if several else "") + test.why for test in tests[claim.id]]
        table.sentence(_sentence(claim) + "".join(rf"\claimreason{{{latex.escape(reason)}}}" for reason in reasons))
        rank = "primary" if claim.primary else "secondary"
        name = [rf"{{\scriptsize {latex.code(claim.id)}, {rank}}}", limit(stated[claim.id], claim)]
        for index, test in enumerate(tests[claim.id]):
            cells = cells_of_test(test, decimals, table.marks, sign=claim.limit is None)
            table.line(*(["", ""] if index else name), *cells, continued=index > 0)
    return table.render("claims.tex", r"Claims. \claimscaption", f"claims:{experiment.id}")


def _sentence(claim: ClaimResult) -> str:
    return latex.prose(claim.statement) + (f" ({latex.prose(claim.where)})" if claim.where else "")


def limit(stated: Claim, claim: ClaimResult) -> str:
    """Return a cell: the smallest effect of interest, or the limit of a value."""
    unit = rf"\,{latex.escape(claim.unit)}" if claim.unit else ""
    if stated.bound:
        return rf"limit {latex.number(f'{stated.bound.at_most:g}')}{unit}"
    at_most = r"$\leq$\," if stated.expect == "no more" else ""
    return f"{at_most}{latex.number(f'{claim.smallest_effect:g}')}{unit}"


def cells_of_test(test: ClaimTest, decimals: int, marks: dict[str | None, str], *, sign: bool) -> list[str]:
    """Return cells: scale, effect, interval, p, n, outcome; with digits according to the width of the interval."""
    if test.effect is None:
        return ["--" if test.n == 0 else test.scale, "--", "", "--", str(test.n), latex.verdict(finding(test))]
    digits = latex.places((test.ci95[1] - test.ci95[0]) / 2 if test.ci95 else 0.0, decimals)
    effect = latex.number(latex.fixed(test.effect, digits, sign=sign))
    if test.stand_in:
        effect = rf"\textit{{{effect}}}{marks[test.stand_in]}"
    return [
        _scale(test),
        effect,
        f"[{', '.join(latex.number(latex.fixed(end, digits)) for end in test.ci95)}]" if test.ci95 else "",
        _p_values(test),
        str(test.n),
        latex.verdict(finding(test)),
    ]


def _scale(test: ClaimTest) -> str:
    if not isinstance(test, RecordedClaim):
        return test.scale
    return test.scale + (", frozen" if test.freeze else "") + r"\recordmark{}"


def _p_values(test: ClaimTest) -> str:
    """Return p and, in parentheses, p by sign flips."""
    if test.p is None:
        return "--"
    by_flips = "" if test.sign_flip_p is None else f" ({_probability(test.sign_flip_p)})"
    return _probability(test.p) + by_flips


def _probability(p: float) -> str:
    return r"$<\num{0.001}$" if p < 0.001 else latex.number(f"{p:.3f}")
