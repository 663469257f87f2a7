"""The thresholds of the rules for verdicts, which a freeze fixes, too.

Each is a number in capitals. The rules import it from here, and `thresholds` finds it by its spelling.
"""

from __future__ import annotations

LEVEL = 0.05
"""Of the tests of numbers and claims."""
FEWEST = 5
"""Seeds without which no number is replicated, and without which seeds that all agree exclude nothing."""
LEAST_TOLERANCE = 0.3
"""A published number that states no tolerance has the larger of this and `RELATIVE_TOLERANCE` times the number."""
RELATIVE_TOLERANCE = 0.05
SHARE_OF_GAIN = 0.25
"""The largest tolerance of a number that has a counterpart, as a share of the published gain."""

# Of informative surrogates.
FIT = 5.0
"""Greatest final training loss in percent of ln(classes), and greatest training error on corrupted labels."""
BUDGET = 60.0
"""Percent of the schedule after which the training loss is that small at the latest."""
EFFECTS = 10
"""Smallest gap of test and training error, in smallest effects of the claim."""
POINTS = 10.0
"""Smallest gap for a claim about training error or the gap."""
STANDARD_ERRORS = 2
"""By how many of them ERM beats tuned logistic regression at least."""
EXAMPLES = 5
"""Fewest test examples that the smallest effect is."""
UNITS = 5
"""Fewest independent units of the test set."""
BELOW_CHANCE, ABOVE_CLEAN = 5.0, 20.0
"""Points between ERM's error under attack and the error by chance, and ERM's error without attack."""
FAILED = 0.95
"""A seed whose test error is at least this share of the error by chance failed to train."""


def thresholds() -> dict[str, float]:
    """Return all thresholds by name."""
    return {name.lower(): value for name, value in globals().items() if name.isupper()}
