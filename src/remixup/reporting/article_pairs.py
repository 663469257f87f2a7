"""What the article prints about pairs of ERM and mixup in one setting."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from remixup.analysis.pairs import Moderator, Pair, moderator, one_per_setting
from remixup.errors import UserError, did_you_mean
from remixup.reporting import templates
from remixup.reporting.article_values import interval, sign


class Pairs:
    """The functions that templates of the article call, by the row of mixup: `"k-mixup/mnist-a0.2"`."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        """Find each pair by its name: of several samples the most faithful.

        Args:
            pairs: all of them.
        """
        found = sorted(pairs, key=lambda pair: (not pair.published_protocol, -pair.n))
        self._pairs = {f"{pair.experiment}/{pair.treatment}": pair for pair in reversed(found)}
        chosen = [pair for pair in one_per_setting(pairs) if pair.loss is not None]
        self._settings = sorted(chosen, key=lambda pair: pair.loss or 0.0)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by name."""
        every = (self.pair, self.pair_effect, self.pair_sign, self.settings, self.shown, self.fit_and_effect)
        return {each.__name__: each for each in every}

    def pair(self, name: str) -> Pair:
        """Return a pair."""
        if name not in self._pairs:
            hint = did_you_mean(name, self._pairs)
            raise UserError(f"unknown pair {name!r}", where=templates.position(), hint=hint)
        return self._pairs[name]

    def pair_effect(self, name: str, unit: str = " points") -> Markup:
        """Print the effect of a pair and its interval; above 0 mixup is better."""
        return interval(self.pair(name).effect, self.pair(name).ci95, unit)

    def pair_sign(self, name: str) -> str:
        """Return the sign that the interval of a pair's effect shows: "+", "-" or "none"."""
        return sign(self.pair(name).ci95)

    def settings(self, *domains: str) -> list[tuple[str, Pair]]:
        """Return one pair for each setting of some domains with a letter, sorted by ERM's training loss."""
        found = [pair for pair in self._settings if not domains or pair.domain in domains]
        return list(zip(letters(len(found)), found, strict=True))

    def shown(self, wanted: str, above: float, at_most: float) -> int:
        """Count the settings, but for tables, with a training loss in a range whose intervals show a sign."""
        found = [pair for _, pair in self.settings("image", "speech", "time series")]
        return sum(above < (pair.loss or 0.0) <= at_most and sign(pair.ci95) == wanted for pair in found)

    def fit_and_effect(self, *domains: str) -> Moderator:
        """Relate effects to ERM's training loss over the settings of some domains."""
        return moderator([pair for _, pair in self.settings(*domains)])


def letters(count: int) -> list[str]:
    """Return A to Z, then AA, AB and so on."""
    single = list(string.ascii_uppercase)
    return (single + [first + second for first in single for second in single])[:count]
