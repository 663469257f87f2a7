"""Say in words what the test of a claim shows, and what shows it."""

from __future__ import annotations

from remixup.analysis.decisions import STRONGEST_FIRST
from remixup.analysis.result_schema import Outcome
from remixup.analysis.statistics import ROUND_OFF, agree, mean_interval
from remixup.config.claims import Claim


def basis(claim: Claim, samples: list[list[float]]) -> dict[Outcome, str]:
    """Return for each outcome what shows it."""
    if all(map(agree, samples)):
        return dict.fromkeys(STRONGEST_FIRST, f"all {min(map(len, samples))} seeds agree")
    if claim.primary:
        return dict.fromkeys(STRONGEST_FIRST, "5 % level for all primary claims of the paper")
    if claim.at_least is not None:
        return dict.fromkeys(STRONGEST_FIRST, "5 % level")
    no_more: dict[Outcome, str] = {"supported": "5 % level"} if claim.expect == "no more" else {}
    return {**dict.fromkeys(STRONGEST_FIRST, "95 % interval"), "no effect": "90 % interval", **no_more}


def words(claim: Claim, samples: list[list[float]]) -> dict[Outcome, str]:
    """Return each outcome in words."""
    if claim.at_least is not None:
        count = f"{claim.at_least} of {len(samples)} pairs"
        return {"supported": f"true of at least {count}", "contradicted": f"true of fewer than {count}"}
    if claim.bound:
        limit = claim.bound.at_most
        if all(abs(value - limit) <= ROUND_OFF for value in samples[0]):
            return dict.fromkeys(STRONGEST_FIRST, f"every value is {limit:g} itself, which the limit includes")
        return {
            "supported": f"the values are below the limit of {limit:g}",
            "contradicted": f"the values are above the limit of {limit:g}",
        }
    smallest = f"{claim.smallest_effect:g}"
    positive = f"the effect is above 0; whether it is more than {smallest} is open"
    if claim.expect == "no more":
        return {
            "supported": f"the effect is no more than {smallest}",
            "contradicted": f"the effect is more than {smallest}",
            "positive": positive,
        }
    return {
        "supported": f"the effect is more than {smallest}",
        "contradicted": "the effect is below 0",
        "no effect": f"the effect is within plus or minus {smallest}",
        "positive": positive,
    }


def nothing_shown(claim: Claim) -> str:
    """Say that a secondary claim is open."""
    if claim.at_least is not None:
        return f"neither at least {claim.at_least} of {len(claim.compare)} pairs nor fewer are shown"
    if claim.bound:
        return f"the 95 % interval spans the limit of {claim.bound.at_most:g}"
    smallest = f"{claim.smallest_effect:g}"
    if claim.expect == "no more":
        return f"the 95 % interval has both 0 and {smallest}"
    return f"the 95 % interval has 0, and the 90 % interval exceeds plus or minus {smallest}"


def sides(claim: Claim, samples: list[list[float]]) -> str:
    """Say how many intervals of pairs are on either side of the smallest effect of interest."""
    smallest = claim.smallest_effect or 0.0
    intervals = [interval for sample in samples if (interval := mean_interval(sample))]
    above, below = sum(low > smallest for low, _ in intervals), sum(high < smallest for _, high in intervals)
    return f"95 % intervals above the smallest effect of interest: {above}, below: {below}"
