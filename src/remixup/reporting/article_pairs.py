"""Values that the article prints about pairs of ERM and mixup in one setting."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import fmean

from markupsafe import Markup

from remixup.analysis.pairs import TREND, Group, Moderator, Pair, group, lettered, moderator, one_per_setting
from remixup.analysis.result_schema import Condition
from remixup.analysis.statistics import summarize
from remixup.reporting.article_printing import interval, sign, to_result
from remixup.reporting.article_values import known
from remixup.reporting.page.numbers import number_id

CONDITIONS: tuple[Condition, ...] = ("fit", "budget", "headroom", "resolution")
"""Conditions of an informative surrogate that a test error may fail, in the order of the article's list."""
TEST_ERRORS = ("test_error.last", "generalization.test_error")
"""Metrics of the last epoch's test error, one of which an experiment lists."""


class Pairs:
    """The functions that templates of the article call, by the row of mixup: `"k-mixup/mnist-a0.2"`."""

    def __init__(self, pairs: Sequence[Pair], listed: Collection[str] = ()) -> None:
        """Find each pair by its name: of several samples the most faithful, then the frozen one, then the largest."""
        found = sorted(pairs, key=lambda pair: (not pair.published_protocol, pair.standing == "exploratory", -pair.n))
        self._pairs = {name: pair for pair in reversed(found) for name in pair.names}
        self._lettered = lettered(pairs)
        self._several = [pair for pair in one_per_setting(pairs) if pair.n > 1 and pair.loss is not None]
        self._compared = [pair for pair in self._several if pair.standing == "exploratory"]
        self._listed = listed

    def pair(self, name: str) -> Pair:
        """Return a pair."""
        return known("pair", self._pairs, name)

    def pair_effect(self, name: str, unit: str = " points") -> Markup:
        """Print the effect of a pair and its interval; above 0 mixup is better."""
        pair = self.pair(name)
        shown = interval(pair.effect, pair.ci95, unit)
        rows = (number_id(pair.experiment, pair.treatment, metric) for metric in TEST_ERRORS)
        return next((to_result(row, shown) for row in rows if row in self._listed), shown)

    def pair_sign(self, name: str) -> str:
        """Return the sign that the interval of a pair's effect shows: "+", "-" or "none"."""
        return sign(self.pair(name).ci95)

    def settings(self) -> list[tuple[str, Pair]]:
        """Return one pair, with its letter, for each setting that is not a table, sorted by ERM's training loss."""
        return self._lettered

    def informative(self) -> list[Pair]:
        """Return those of `settings` that are informative and not the published ones."""
        return [pair for _, pair in self._lettered if pair.informative and not pair.published_protocol]

    def only_fails(self, condition: Condition) -> list[tuple[str, Pair]]:
        """Return those of `settings` that would be informative without one condition, if they have several seeds."""
        return [(letter, pair) for letter, pair in self._lettered if pair.unmet == (condition,) and pair.n > 1]

    def trend(self, dataset: str, width: int | None = None) -> list[Pair]:
        """Return the pairs that differ in schedule and width alone, or of one width, sorted by ERM's training loss."""
        own = [pair for pair in self._several if pair.experiment == TREND and pair.dataset == dataset]
        own = [pair for pair in own if width is None or f"width {width}," in pair.setting]
        return sorted(own, key=lambda pair: pair.loss or 0.0)

    def mean_effect(self, pairs: Sequence[Pair]) -> Markup:
        """Print the mean effect of pairs over the seeds that all have, and its interval over these seeds."""
        seeds = sorted(set.intersection(*(set(pair.effects) for pair in pairs)))
        sample = summarize([fmean(pair.effects[seed] for pair in pairs) for seed in seeds], seeds)
        return interval(sample.mean, sample.ci95, " points")

    def letter(self, name: str) -> str:
        """Return the letter of the setting of a pair."""
        return next(letter for letter, each in self._lettered if each.setting_digest == self.pair(name).setting_digest)

    # Counts leave out pairs of one seed, which say too little, and confirmatory ones, which test what others suggested.

    def by_fit(self) -> Moderator:
        """Relate effects to ERM's training loss over all settings except tables."""
        return moderator([pair for pair in self._compared if pair.domain != "table"])

    def by_fit_with_tables(self) -> Moderator:
        """Relate effects to ERM's training loss over all settings."""
        return moderator(self._compared)

    def by_fit_with_frozen(self) -> Moderator:
        """Relate effects to ERM's training loss over all settings except tables, including those of freezes."""
        return moderator(self._with_frozen())

    def by_fit_with_right_labels(self) -> Moderator:
        """Do the same without the settings in which some labels are random."""
        return moderator([pair for pair in self._with_frozen() if "random labels" not in pair.setting])

    def _with_frozen(self) -> list[Pair]:
        return [pair for pair in self._several if pair.domain != "table" and pair.experiment != TREND]

    def unmet(self, pair: Pair) -> str:
        """Print the numbers of the conditions that ERM fails in a pair's setting, as Section 2 lists them."""
        return ", ".join(str(CONDITIONS.index(each) + 1) for each in sorted(pair.unmet, key=CONDITIONS.index))

    def count(self, above: float, at_most: float) -> Group:
        """Count the settings, except tables, with a training loss in a range."""
        return group([pair for pair in self._compared if pair.domain != "table"], above, at_most)
