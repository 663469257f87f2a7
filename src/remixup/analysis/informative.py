"""Decide whether a surrogate is informative: whether its runs can say anything about a claim.

Six conditions decide, from the network that ERM trains in that surrogate alone. `docs/reference-verdicts.md` has them
as a table, with the claims that each applies to. A surrogate that lacks a measurement counts as not informative.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from remixup.analysis.result_schema import Condition
from remixup.analysis.statistics import ROUND_OFF, at_most
from remixup.analysis.thresholds import (
    ABOVE_CLEAN,
    BELOW_CHANCE,
    BUDGET,
    EFFECTS,
    EXAMPLES,
    FAILED,
    FIT,
    POINTS,
    STANDARD_ERRORS,
    UNITS,
)
from remixup.config.claims import Claim

WITHOUT_NETWORK = ("collinearity", "collisions", "cost", "epsilon", "mixing", "sensitivity")
"""Quantities of claims that no trained network decides: of data, privacy accounting and costs."""
OF_TRAINING = (
    "memorization",
    "original_error",
    "original_loss",
    "train_loss",
    "generalization.train_error",
    "generalization.gap",
)
"""Quantities and metrics of claims about the training examples."""
OF_TEST_ERROR = (
    "test_error",
    "test_top5_error",
    "test_f1_error",
    "test_worst_error",
    "generalization.test_error",
    "noisy",
    "attack",
)
"""Quantities and metrics that are an error on test examples in percent."""


class Reason(NamedTuple):
    """Why a surrogate decides nothing about a claim."""

    condition: Condition
    words: str


@dataclass(frozen=True)
class Attacked:
    """Errors in percent on the same test examples, under attack and before it."""

    error: float
    clean_error: float
    examples: int


@dataclass(frozen=True)
class Measurements:
    """Measurements of a classifier, all errors in percent. Means are over seeds."""

    classes: int
    test_examples: int
    test_units: int
    losses: Sequence[float] = ()
    """Mean training loss after each epoch in percent of ln(classes); the last alone where no history is stored."""
    history: bool = True
    """Whether `losses` has all epochs."""
    label_noise: bool = False
    training_error: float | None = None
    corrupted_error: float | None = None
    """Training error on corrupted labels."""
    test_error: Mapping[int, float] = field(default_factory=dict)
    """By seed, after the last epoch."""
    best_error: Mapping[int, float] = field(default_factory=dict)
    """By seed, at the epoch with the smallest test error."""
    linear_error: Mapping[int, float] = field(default_factory=dict)
    """Test error of tuned logistic regression by seed."""
    attacked: Attacked | None = None
    """Under the attack of the claim."""
    known_effects: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Two rows in words -> by how much the technique of the one improves on the other, by seed."""

    @property
    def chance(self) -> float:
        """The error by chance."""
        return 100 * (1 - 1 / self.classes)

    @property
    def fits_at(self) -> float | None:
        """The percentage of the schedule after which the training loss first is small; None: never, or not known."""
        if not self.history:
            return None
        epoch = next((epoch for epoch, loss in enumerate(self.losses, 1) if at_most(loss, FIT)), None)
        return epoch and 100 * epoch / len(self.losses)

    @property
    def greatest_training_error(self) -> float:
        """The training error, or a bound: the loss of a misclassified example is at least ln 2."""
        if self.training_error is not None:
            return self.training_error
        return min(100.0, self.losses[-1] * math.log(self.classes) / math.log(2)) if self.losses else 100.0

    @property
    def failed_seeds(self) -> list[int]:
        """The seeds whose training failed: their test error is that of chance, or nearly so."""
        return [seed for seed, error in self.test_error.items() if at_most(FAILED * self.chance, error)]


def reasons_against(found: Measurements, claim: Claim) -> list[Reason]:
    """Return why a surrogate decides nothing about a claim; empty where it is informative.

    Args:
        found: what is known of the network that ERM trains in the surrogate.
        claim: with its metric, which decides the conditions that apply, and its smallest effect.
    """
    metric = claim.metric or ""
    if _among(metric, WITHOUT_NETWORK):
        return []
    # How fast the error falls is in percent of the schedule.
    of_error = _among(metric, OF_TEST_ERROR) and not metric.endswith(".speed")
    smallest = claim.smallest_effect if of_error else None
    attack = _among(metric, ["attack"])
    checks: list[tuple[Condition, Iterator[str]]] = [("fit", _corrupted_labels(found))]
    if _among(metric, OF_TRAINING):
        checks.append(("headroom", _gap(found, POINTS, f"{POINTS:g}")))
    else:
        checks += [("fit", _fit(found)), ("budget", _budget(found))]
        if smallest is not None and not attack:
            needed = f"{EFFECTS} times the smallest effect of {smallest:g}"
            checks.append(("headroom", _gap(found, EFFECTS * smallest, needed)))
        checks.append(("resolution", _resolution(found, smallest, attack)))
    checks.append(("headroom", _linear_model(found)))
    if attack:
        checks.append(("attack", _attack(found)))
    checks.append(("known effects", _known_effects(found)))
    return [Reason(condition, words) for condition, each in checks for words in each]


def _among(metric: str, named: Sequence[str]) -> bool:
    return metric in named or metric.partition(".")[0] in named


def _corrupted_labels(found: Measurements) -> Iterator[str]:
    if found.label_noise and found.corrupted_error is None:
        yield "ERM's training error on corrupted labels was not measured"
    elif found.label_noise and not at_most(error := found.corrupted_error or 0.0, FIT):
        yield f"ERM's training error on corrupted labels is {error:.1f} %, above {FIT:g} %"


def _fits(found: Measurements) -> bool:
    return bool(found.losses) and at_most(found.losses[-1], FIT)


def _fit(found: Measurements) -> Iterator[str]:
    if not found.losses:
        yield "ERM's final training loss is not known"
    elif not _fits(found):
        yield f"ERM's final training loss is {found.losses[-1]:.1f} % of ln(classes), above {FIT:g} %"


def _budget(found: Measurements) -> Iterator[str]:
    if _fits(found) and not found.history:
        yield "it is not known when ERM fits, since the history is not stored"
    elif _fits(found) and found.fits_at is not None and not at_most(found.fits_at, BUDGET):
        yield f"ERM fits only after {found.fits_at:.0f} % of the schedule, later than {BUDGET:g} %"


def _gap(found: Measurements, needed: float, words: str) -> Iterator[str]:
    """Require a gap of test and training error. A bound on the training error may be enough."""
    if not found.test_error:
        yield "ERM's test error is not known"
        return
    error = statistics.fmean(found.test_error.values())
    if at_most(needed, error - found.greatest_training_error):
        return
    if found.training_error is not None:
        yield f"the gap of ERM's test and training error is {error - found.training_error:.1f} points, below {words}"
    elif not at_most(needed, error):
        yield f"ERM's test error is {error:.1f} %, which leaves a gap below {words}"
    else:
        yield "ERM's training error was not measured"


def _linear_model(found: Measurements) -> Iterator[str]:
    # By the last epoch a network that memorizes wrong labels is worse than a linear model. The claims are about this.
    errors = found.best_error if found.label_noise else found.test_error
    gains = {seed: found.linear_error[seed] - error for seed, error in errors.items() if seed in found.linear_error}
    if len(gains) < 2:
        yield "whether ERM beats tuned logistic regression was not measured on two seeds"
    elif not _clear(gains):
        gain = statistics.fmean(gains.values())
        measured, side = "best test error" if found.label_noise else "test error", "below" if gain > 0 else "above"
        yield (
            f"ERM's {measured} is {abs(gain):.1f} points {side} that of tuned logistic regression, and has to be more "
            f"than {STANDARD_ERRORS} standard errors below"
        )


def _clear(gains: Mapping[int, float]) -> bool:
    """Return whether the mean over two or more seeds is above zero by more than two standard errors."""
    values = list(gains.values())
    error = statistics.stdev(values) / math.sqrt(len(values))
    return statistics.fmean(values) > STANDARD_ERRORS * error + ROUND_OFF


def _resolution(found: Measurements, smallest: float | None, attack: bool) -> Iterator[str]:
    tested = found.attacked.examples if attack and found.attacked else found.test_examples
    if smallest is not None and not at_most(EXAMPLES, examples := smallest / 100 * tested):
        yield f"the smallest effect of {smallest:g} is {examples:.3g} of {tested} test examples, fewer than {EXAMPLES}"
    if found.test_units < UNITS:
        yield f"the test set has {found.test_units} of {UNITS} independent units (speakers or subjects)"


def _attack(found: Measurements) -> Iterator[str]:
    if found.attacked is None:
        yield "ERM's error under attack was not measured"
        return
    error, clean = found.attacked.error, found.attacked.clean_error
    if not at_most(error, found.chance - BELOW_CHANCE):
        yield f"ERM's error under attack is {error:.1f} %, less than {BELOW_CHANCE:g} points below chance"
    if not at_most(clean + ABOVE_CLEAN, error):
        yield f"the attack raises ERM's error from {clean:.1f} to {error:.1f} %, by less than {ABOVE_CLEAN:g} points"


def _known_effects(found: Measurements) -> Iterator[str]:
    for rows, gains in found.known_effects.items():
        if len(gains) < 2:
            yield f"the known effect of {rows} was not measured on two seeds"
        elif not _clear(gains):
            mean = statistics.fmean(gains.values())
            yield f"the known effect of {rows} is {mean:+.1f}, not above {STANDARD_ERRORS} standard errors"
