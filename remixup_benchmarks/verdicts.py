"""Simulate how often verdicts are right and wrong: `python -m remixup_benchmarks.verdicts`.

Each rate is the share of simulated samples with a verdict, decided by the project's own functions. The same seeds give
the same rates. Writes remixup_benchmarks/error-rates.json, of which docs/draw_verdicts.py makes the table of
docs/verdicts.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from remixup.analysis.decisions import decide_together, effect_p_values
from remixup.analysis.numbers import Target, compare
from remixup.analysis.result_schema import Outcome

PATH = Path(__file__).with_name("error-rates.json")
RUNS = (3, 5, 10, 20)
PUBLISHED = Target(value=4.2, tolerance=0.3, rounding=0.05)
"""A test error with one decimal and the default tolerance."""
SPREAD = 0.15
"""Standard deviation of a test error over seeds, in points, as of the CIFAR networks."""
STEP = 100 / 600
"""The test error of one in 600 images, in points."""
FAILED = (0.05, 8.0)
"""The share of runs that fail, and by how many points they are worse."""

Values = NDArray[np.float64]
Sampler = Callable[[np.random.Generator, float, tuple[int, int]], Values]
"""Draws test errors of a given mean, one sample in each row."""
Rates = dict[str, float]


def normal(draw: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Draw normal errors."""
    return draw.normal(mean, SPREAD, shape)


def wide(draw: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Draw normal errors with twice the spread."""
    return draw.normal(mean, 2 * SPREAD, shape)


def heavy_tailed(draw: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Draw from Student's t distribution with 3 degrees of freedom, which has a variance of 3."""
    return mean + SPREAD / math.sqrt(3) * draw.standard_t(3, shape)


def failing(draw: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Draw normal errors, of which one in twenty is 8 points worse; the mean includes the failed runs."""
    share, worse = FAILED
    return normal(draw, mean - share * worse, shape) + worse * (draw.random(shape) < share)


def discrete(draw: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Draw normal errors and round them up or down to errors of 600 images, at random so that the mean stays."""
    return STEP * np.floor(normal(draw, mean, shape) / STEP + draw.random(shape))


SAMPLERS: dict[str, Sampler] = {
    "normal": normal,
    "normal, twice the spread": wide,
    "t with 3 degrees of freedom": heavy_tailed,
    "one run in twenty 8 points worse": failing,
    "test errors of 600 images": discrete,
}


def number_rates(sampler: Sampler, runs: int, repeats: int, draw: np.random.Generator) -> Rates:
    """Return how often verdicts on a number fall, by the true mean of our runs.

    Args:
        sampler: the distribution of test errors.
        runs: seeds of a sample.
        repeats: number of samples for each rate.
        draw: random numbers.

    Returns:
        "perfect": replicated where the mean is the published number. "edge": replicated where it is worse by the
        tolerance and the rounding. "beyond": not replicated where it is worse by twice as much. "same": not replicated
        where the published number is one run of the same method.
    """

    def share(verdict: str, mean: float, published: Callable[[], Target] = lambda: PUBLISHED) -> float:
        samples = sampler(draw, mean, (repeats, runs))
        return sum(compare(values.tolist(), published()) == verdict for values in samples) / repeats

    def one_run() -> Target:
        printed = round(float(sampler(draw, PUBLISHED.value, (1, 1))[0, 0]), 1)
        return Target(printed, PUBLISHED.tolerance, PUBLISHED.rounding)

    return {
        "perfect": share("replicated", PUBLISHED.value),
        "edge": share("replicated", PUBLISHED.value + PUBLISHED.margin),
        "beyond": share("not replicated", PUBLISHED.value + 2 * PUBLISHED.margin),
        "same": share("not replicated", PUBLISHED.value, one_run),
    }


SMALLEST = 0.5
"""The smallest effect of interest, in points."""
CLAIMS = 5
"""Primary claims of a simulated paper, on data of their own."""
FAMILIES: dict[str, tuple[float, ...]] = {
    "all at 0": (0.0,) * CLAIMS,
    "all at d": (SMALLEST,) * CLAIMS,
    "mixed": (0.0, SMALLEST, -SMALLEST, SMALLEST / 2, 2 * SMALLEST),
}
"""The true effects of a paper's claims."""
TRUE_OF: dict[Outcome, Callable[[float], bool]] = {
    "supported": lambda effect: effect > SMALLEST,
    "positive": lambda effect: effect > 0,
    "no effect": lambda effect: abs(effect) < SMALLEST,
    "contradicted": lambda effect: effect < 0,
    "open": lambda effect: True,
}
"""Outcome of a claim -> whether it is true of an effect."""


def claim_rates(sampler: Sampler, runs: int, repeats: int, draw: np.random.Generator) -> Rates:
    """Return how often a paper's primary claims get any false outcome, by their true effects.

    Args:
        sampler: the distribution of test errors; an effect is the difference of two.
        runs: seeds of a claim.
        repeats: number of papers for each rate.
        draw: random numbers.

    Returns:
        Name of the family -> share of papers with a false outcome; "supported" -> share of the claims at 2 d, in mixed
        papers, that are supported.
    """
    rates: Rates = {}
    for name, effects in FAMILIES.items():
        samples = [
            sampler(draw, PUBLISHED.value, (repeats, runs)) - sampler(draw, PUBLISHED.value - effect, (repeats, runs))
            for effect in effects
        ]
        outcomes = [decided(paper) for paper in zip(*samples, strict=True)]
        rates[name] = sum(not all(map(_is_true, each, effects)) for each in outcomes) / repeats
        if (twice := 2 * SMALLEST) in effects:
            rates["supported"] = sum(each[effects.index(twice)] == "supported" for each in outcomes) / repeats
    return rates


def decided(paper: Iterable[Values]) -> list[Outcome]:
    """Return the outcomes of a paper's primary claims from their effects by seed."""
    p_values = [effect_p_values(effects.tolist(), SMALLEST, primary=True) for effects in paper]
    return [outcome for outcome, _ in decide_together(p_values, CLAIMS)]


def _is_true(outcome: Outcome, effect: float) -> bool:
    return TRUE_OF[outcome](effect)


def simulate(repeats: int) -> dict[str, dict[str, dict[str, Rates]]]:
    """Return kind of verdict -> distribution -> number of seeds -> rates; for claims of a third as many papers."""

    def of_each(rates: Callable[..., Rates], count: int) -> dict[str, dict[str, Rates]]:
        return {
            name: {str(runs): rates(sampler, runs, count, np.random.default_rng([index, runs])) for runs in RUNS}
            for index, (name, sampler) in enumerate(SAMPLERS.items())
        }

    return {"numbers": of_each(number_rates, repeats), "claims": of_each(claim_rates, max(1, repeats // 3))}


def main(repeats: Annotated[int, typer.Option(min=1, help="simulated samples for each rate")] = 3_000) -> None:
    """Simulate all rates and write them."""
    PATH.write_text(json.dumps({"repeats": repeats, **simulate(repeats)}, indent=2) + "\n", encoding="utf-8")
    print(PATH)


if __name__ == "__main__":
    typer.run(main)
