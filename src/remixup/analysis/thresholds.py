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


def thresholds() -> dict[str, float]:
    """Return all thresholds by name."""
    return {name.lower(): value for name, value in globals().items() if name.isupper()}
