"""The thresholds of the rules."""

from remixup.analysis.numbers import Target, compare, default_tolerance
from remixup.analysis.thresholds import thresholds


def test_thresholds_are_found_by_name() -> None:
    assert thresholds() == {
        "level": 0.05,
        "fewest": 5,
        "least_tolerance": 0.3,
        "relative_tolerance": 0.05,
        "share_of_gain": 0.25,
        "fit": 5.0,
        "budget": 60.0,
        "effects": 10,
        "points": 10.0,
        "standard_errors": 2,
        "examples": 5,
        "units": 5,
        "below_chance": 5.0,
        "above_clean": 20.0,
        "failed": 0.95,
    }


def test_rules_have_them() -> None:
    assert (default_tolerance(4.0), default_tolerance(20.0)) == (0.3, 1.0)
    published = Target(value=5.0, tolerance=0.3, rounding=0.05)
    assert [compare([5.0] * n, published) for n in (4, 5)] == ["inconclusive", "replicated"]
