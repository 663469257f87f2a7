"""Decide on a claim, by p-values alone.

d is the smallest effect of interest of a claim and theta its effect, baseline - treatment. Each outcome that a test can
show rejects a hypothesis about theta:

| outcome | "more" shows | "no more" shows | a limit L of values shows |
|---|---|---|---|
| supported | theta > d | theta < d | value < L |
| contradicted | theta < 0 | theta > d | value > L |
| no effect | -d < theta < d | | |
| positive | theta > 0 | theta > 0 | |

A claim of "no more than d" speaks of one direction: a negative effect supports it, as does one within plus or minus d.

The p-value of an outcome is twice the one-sided p of the t test, so that 5 % is the 95 % interval. "No effect" is shown
by two one-sided tests, and has the larger of their p-values: 5 % is the 90 % interval within plus or minus d. A primary
claim pays the double for this as well.

A secondary claim has the first outcome of the table whose p is at most 5 %. The primary claims of a paper are decided
together, in two steps:

1. Holm's method at 5 %, over all primary claims of the paper, decides which are supported or contradicted. A claim's p
   is the smaller of the two; one without a test counts with p = 1.
2. Those that are left may still be "no effect" or "positive". Where r of m claims were decided, each has the level
   0.05 / (m - r).

The chance of any false statement about a paper stays at 5 %. Let m0 claims be neither supported nor contradicted in
truth. At each theta, all false outcomes of a claim together have p <= a with probability a at most. While Holm's method
makes no error, at most m - m0 claims are decided and both steps use levels of 0.05 / m0 or less. "Positive" must not
count as decided in step 1: an effect of exactly d is almost surely positive, and if that raised the level for the other
claims, each could still be called "supported" by mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from remixup.analysis.result_schema import Outcome
from remixup.analysis.statistics import agree, holm, one_sided, partial_conjunction
from remixup.analysis.thresholds import LEVEL

STRONGEST_FIRST: tuple[Outcome, ...] = ("supported", "contradicted", "no effect", "positive")
"""What a test can show; where several are shown, the first."""
PValues = Mapping[Outcome, float]
"""Outcome -> p; empty for a claim without a test."""


OneSided = Callable[[Sequence[float], float], tuple[float, float]]
"""A test of a mean: p of "more than the boundary" and of "less"."""


def two_sided(p: float) -> float:
    """Return twice a one-sided p-value, at most 1."""
    return min(1.0, 2 * p)


def effect_p_values(
    effects: Sequence[float],
    smallest: float,
    expect: Literal["more", "no more"] = "more",
    *,
    primary: bool = False,
    test: OneSided = one_sided,
) -> dict[Outcome, float]:
    """Return the p-value of each outcome of a claim about an effect.

    Args:
        effects: baseline - treatment by seed, finite, at least two.
        smallest: the smallest effect of interest, above 0.
        expect: whether the claim says that the effect is more than that.
        primary: whether equivalence costs twice the p of two one-sided tests.
        test: the test of a mean.

    Returns:
        Outcome -> p, comparable with 5 %. Where all effects are equal, it is 0 for what is true of their value, else 1.
    """
    more, less = _more_or_at_most(effects, smallest, test) if expect == "no more" else test(effects, smallest)
    above_zero, below_zero = test(effects, 0.0)
    equivalent = max(test(effects, -smallest)[0], less)
    equivalent = two_sided(equivalent) if primary else equivalent
    positive = two_sided(above_zero)
    if expect == "more":
        return {
            "supported": two_sided(more),
            "contradicted": two_sided(below_zero),
            "no effect": equivalent,
            "positive": positive,
        }
    return {"supported": min(two_sided(less), equivalent), "contradicted": two_sided(more), "positive": positive}


def _more_or_at_most(values: Sequence[float], boundary: float, test: OneSided) -> tuple[float, float]:
    """Return the one-sided p-values; values that all are the boundary itself are at most that."""
    more, less = test(values, boundary)
    return more, 0.0 if agree(values) and more == 1.0 else less


def limit_p_values(values: Sequence[float], limit: float, *, test: OneSided = one_sided) -> dict[Outcome, float]:
    """Return the p-values of "within the limit" (supported) and of "beyond it" (contradicted)."""
    beyond, within = _more_or_at_most(values, limit, test)
    return {"supported": two_sided(within), "contradicted": two_sided(beyond)}


def count_p_values(
    pairs: Sequence[Sequence[float]],
    count: int,
    smallest: float,
    expect: Literal["more", "no more"] = "more",
    *,
    test: OneSided = one_sided,
) -> dict[Outcome, float]:
    """Return the p-values of "true of at least `count` pairs" (supported) and of "of fewer" (contradicted).

    Args:
        pairs: for each pair its effects by seed, finite, at least two.
        count: from 1 to the number of pairs.
        smallest: what each effect is compared with.
        expect: the side of it that the claim names.
        test: the test of a mean.
    """
    sides = np.array([test(effects, smallest) for effects in pairs])
    shown, opposite = (sides[:, 0], sides[:, 1]) if expect == "more" else (sides[:, 1], sides[:, 0])
    fewer = len(pairs) - count + 1
    return {
        "supported": two_sided(partial_conjunction(shown, count)),
        "contradicted": two_sided(partial_conjunction(opposite, fewer)),
    }


def decide_alone(p_values: PValues, level: float = LEVEL) -> Outcome:
    """Return the outcome of a secondary claim."""
    return next((each for each in STRONGEST_FIRST if p_values.get(each, 1.0) <= level), "open")


def decide_together(claims: Sequence[PValues], family: int, level: float = LEVEL) -> list[tuple[Outcome, float | None]]:
    """Decide the primary claims of a paper.

    Args:
        claims: the p-values of each; of those without a test it does not matter whether they are here.
        family: the number of primary claims, fixed in advance.
        level: of the chance of any false statement.

    Returns:
        For each claim its outcome and the adjusted p-value of it; for an open one that of the outcome nearest to being
        shown, and None without a test.

    Raises:
        ValueError: more claims than the family has.
    """
    if len(claims) > family:
        raise ValueError(f"{len(claims)} claims in a family of {family}")
    first = np.ones(family)
    for index, p_values in enumerate(claims):
        first[index] = min(p_values.get("supported", 1.0), p_values.get("contradicted", 1.0))
    adjusted = holm(first)
    decided = adjusted <= level
    left = family - int(decided.sum())
    found: list[tuple[Outcome, float | None]] = []
    for index, p_values in enumerate(claims):
        if not p_values:
            found.append(("open", None))
        elif decided[index]:
            strong: tuple[Outcome, Outcome] = ("supported", "contradicted")
            found.append((min(strong, key=p_values.__getitem__), float(adjusted[index])))
        else:
            weaker: dict[Outcome, float] = {
                each: min(1.0, left * p) for each, p in p_values.items() if each in ("no effect", "positive")
            }
            outcome = decide_alone(weaker, level)
            found.append((outcome, weaker.get(outcome, min([float(adjusted[index]), *weaker.values()]))))
    return found
