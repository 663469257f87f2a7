"""Values that the article prints, by the names of claims and rows: `"corruption/mixup-lowers-last-error"`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, TypeVar

from markupsafe import Markup

from remixup.analysis import freezes, records
from remixup.analysis.best_evidence import (
    Number,
    best_evidence,
    best_sample,
    best_test,
    claim_without_smoke_test,
    finding,
    is_smoke_test,
    without_smoke_test,
)
from remixup.analysis.result_schema import (
    JUDGED,
    ClaimResult,
    ClaimTest,
    Difference,
    Entry,
    ExperimentResult,
    RecordedClaim,
    Replicated,
    Replication,
)
from remixup.config.experiment import Experiment
from remixup.config.metrics import Convention
from remixup.errors import UserError, did_you_mean
from remixup.reporting import latex, templates
from remixup.reporting.article_printing import interval, number, sign, to_result
from remixup.reporting.page.claims import claim_id
from remixup.reporting.page.numbers import number_id, row_id

POINTS = {"%": " points", "points": " points", "": ""}
"""How differences in a unit are printed."""
LOGS = "released logs"
"""Places of numbers that are in an author's repository, and not in the text of a paper."""
OWN_PROTOCOL = (
    *("approximation", "bound", "glm", "k-mixup", "linear", "margins", "patches", "structure", "uci"),
    *("c-mixup/beats-erm-no2", "c-mixup/beats-mixup-no2"),
)
"""Experiments and claims whose protocol is in part of our choice, because the paper does not state it or has none."""
OWN_NUMBERS = ("uci", "c-mixup/no2-erm", "c-mixup/no2-mixup", "c-mixup/no2-c-mixup")
"""Experiments and rows with published numbers of such a protocol."""
Found = TypeVar("Found")


class Values:
    """The functions that templates of the article call. A name that the results lack is an error with its line."""

    def __init__(
        self, experiments: Sequence[Experiment], results: Iterable[ExperimentResult], whole: Replication
    ) -> None:
        """Find everything by name, without surrogates at the embedded scale, which only check the code."""
        self._by_convention = whole.summary.by_convention
        self._papers = {each.id: each.paper for each in experiments}
        self._stated = {f"{each.id}/{claim.id}": claim for each in experiments for claim in each.claims}
        self._fits = {f"{each.experiment}/{row}": fits for each in results for row, fits in each.fits.items()}
        self._claims = {f"{each.experiment}/{each.id}": claim_without_smoke_test(each) for each in whole.claims}
        self._entries = _by_name(whole.entries)
        self._differences = _by_name(whole.differences)

    # Claims

    def finding(self, claim: str) -> str:
        """Return what the best evidence says about a claim: an outcome, or "not run"."""
        test = best_test(self._claim(claim))
        return finding(test) if test else "not run"

    def sign(self, claim: str) -> str:
        """Return the sign of a claim's effect that its 95 % interval shows: "+", "-" or "none"."""
        return sign(self._test(claim).ci95)

    def size(self, claim: str) -> float:
        """Return the effect of a claim."""
        return self._test(claim).effect or 0.0

    def effect(self, claim: str) -> Markup:
        """Print the effect and its interval: "3.7 points [3.2, 4.2]"; above 0 the treatment is better."""
        return self._effect(claim, self._test(claim))

    def former_effect(self, claim: str) -> Markup:
        """Print the effect, and its interval, in the setting that the one with the best evidence replaced."""
        return self._effect(claim, self._former(claim))

    def former_sign(self, claim: str) -> str:
        """Return the sign of that effect that its interval shows: "+", "-" or "none"."""
        return sign(self._former(claim).ci95)

    def effect_on_all_seeds(self, claim: str) -> Markup:
        """Print the effect, and its interval, on the seeds of the freeze and all others on record in its setting."""
        frozen = self._test(claim)
        found = (each for each in self._claim(claim).recorded if each.standing == "exploratory")
        return self._effect(claim, next(each for each in found if each.surrogate == frozen.surrogate))

    def published_effect(self, claim: str) -> Markup:
        """Print the effect that the published numbers of a claim's rows give."""
        stated, experiment = self._stated[claim], self._claim(claim).experiment
        differences = [
            self.printed(f"{experiment}/{pair.baseline[0]}", stated.metric or "")
            - self.printed(f"{experiment}/{pair.treatment[0]}", stated.metric or "")
            for pair in stated.compare
        ]
        return self._of_claim(claim, number(fmean(differences), 1, self._unit(claim)))

    def increase(self, claim: str) -> Markup:
        """Print by how much the treatment's value is above the baseline's: the effect with the opposite sign."""
        test = self._test(claim)
        ends = (-test.ci95[1], -test.ci95[0]) if test.ci95 else None
        return self._of_claim(claim, interval(-(test.effect or 0.0), ends, self._unit(claim)))

    def value_of(self, claim: str) -> Markup:
        """Print the greatest value that a claim of a limit was tested on, with its interval."""
        test, unit = self._test(claim), self._claim(claim).unit
        shown = r"\,\%" if unit == "%" else unit and f" {latex.escape(unit)}"
        return self._of_claim(claim, interval(test.effect or 0.0, test.ci95, shown))

    def smallest(self, claim: str) -> Markup:
        """Print the smallest effect of interest of a claim."""
        smallest, unit = self._claim(claim).smallest_effect, self._unit(claim)
        return Markup(f"{smallest:g}{unit.removesuffix('s') if smallest == 1 else unit}")

    def statement(self, claim: str) -> Markup:
        """Print the sentence of a claim, which leads to it in `results.html`."""
        return self.link(claim, self._claim(claim).statement)

    def limit(self, claim: str) -> float | None:
        """Return the largest value that a claim allows; None for a claim that compares."""
        return self._claim(claim).limit

    def threshold(self, claim: str) -> Markup:
        """Print the smallest effect of interest, after ≤ if a claim says that there is no such effect; or its limit."""
        if (limit := self.limit(claim)) is not None:
            return Markup(f"at most {limit:g}")
        return Markup(r"$\leq$ " if self._stated[claim].expect == "no more" else "") + self.smallest(claim)

    def n(self, claim: str) -> int:
        """Return how many seeds the test of a claim has."""
        return self._test(claim).n

    def link(self, claim: str, text: str) -> Markup:
        """Print a phrase that leads to the claim in `results.html`."""
        return Markup(rf"\href{{results.html\#{claim_id(self._claim(claim))}}}{{{latex.prose(text)}}}")

    def is_confirmatory(self, claim: str) -> bool:
        """Return whether the best evidence for a claim is of a freeze."""
        test = best_test(self._claim(claim))
        return isinstance(test, RecordedClaim) and test.standing == "confirmatory"

    def dagger(self, *claims: str) -> Markup:
        """Print the mark of confirmatory evidence if that of one of these claims is."""
        return Markup(r"\confirmatory{}" if any(map(self.is_confirmatory, claims)) else "")

    # Numbers

    def mean(self, row: str, metric: str = "test_error.last") -> float:
        """Return the mean of a row."""
        return _runs(self._entry(row, metric)).mean

    def spread(self, row: str, metric: str = "test_error.last") -> float:
        """Return the standard deviation of a row over seeds."""
        return _runs(self._entry(row, metric)).std or 0.0

    def value(self, row: str, metric: str = "test_error.last", decimals: int = 1) -> Markup:
        """Print the mean of a row, with its unit."""
        entry = self._entry(row, metric)
        return to_result(row_id(entry), number(self.mean(row, metric), decimals, entry.unit))

    def seeds(self, row: str, metric: str = "test_error.last") -> int:
        """Return how many seeds a row has."""
        return _runs(self._entry(row, metric)).n

    def published(self, row: str, metric: str = "test_error.last", decimals: int = 1) -> Markup:
        """Print the published number of a row, with its unit."""
        entry = self._entry(row, metric)
        return to_result(row_id(entry), number(self.printed(row, metric), decimals, entry.unit))

    def differs(self, row: str, other: str, metric: str = "test_error.last") -> float:
        """Return how far the mean of a row is from the published number of another one."""
        return abs(self.mean(row, metric) - self.printed(other, metric))

    def published_or_dash(self, row: str, metric: str, decimals: int) -> Markup:
        """Print the published number of a row, or a dash where there is none."""
        known = self._entries.get((row, metric))
        return self.published(row, metric, decimals) if known and known.published is not None else Markup("--")

    def printed(self, row: str, metric: str = "test_error.last") -> float:
        """Return the published number of a row."""
        value = self._entry(row, metric).published
        if value is None:
            raise UserError(f"no number of {row!r} is published for {metric}", where=templates.position())
        return value

    def verdict(self, row: str, metric: str = "test_error.last") -> str:
        """Return the verdict on a published number by its best evidence, or "not run"."""
        return best_evidence(self._entry(row, metric))[1]

    def gain(self, row: str, metric: str = "test_error.last") -> Markup:
        """Print the difference of ERM and a row, with its interval: above 0 the row is better."""
        difference = self._difference(row, metric)
        runs = _runs(difference)
        return to_result(row_id(difference), interval(runs.mean, runs.ci95, ""))

    def published_gain(self, row: str, metric: str = "test_error.last", decimals: int = 1) -> Markup:
        """Print the published difference of ERM and a row."""
        difference = self._difference(row, metric)
        return to_result(row_id(difference), number(difference.published or 0.0, decimals, ""))

    def gain_verdict(self, row: str, metric: str = "test_error.last") -> str:
        """Return the verdict on a published difference."""
        return best_evidence(self._difference(row, metric))[1]

    def fit(self, row: str) -> Markup:
        """Print the final training loss of a row of ERM, in percent of ln(classes)."""
        fits = [each for each in known("row", self._fits, row) if not is_smoke_test(each)]
        losses = [each.training_loss for each in fits if each.training_loss is not None]
        if not losses:
            raise UserError(f"the training loss of {row!r} is not known", where=templates.position())
        shown = number(losses[0], 2 if losses[0] < 1 else 1, "%")
        experiment, _, name = row.partition("/")
        return to_result(number_id(experiment, name, "test_error.last"), shown)

    def core_hours_of(self, *rows: str) -> float:
        """Return the hours of one core that the results on record of some rows took to train."""
        runs = {fit.run for row in rows for fit in known("row", self._fits, row) if fit.recorded}
        return records.core_hours(block for block in records.read_all() if block.run in runs)

    # Counts

    def numbers(self, verdict: str = "", *names: str) -> int:
        """Count published numbers, of some papers, experiments or rows: with a verdict, or "compared", or any."""
        return _count(self._entries.values(), verdict, names)

    def gains(self, verdict: str = "", *names: str) -> int:
        """Count published differences in the same way."""
        return _count(self._differences.values(), verdict, names)

    def numbers_of_logs(self, verdict: str = "") -> int:
        """Count the published numbers that are from an author's logs, and not from the text, in the same way."""
        return _count([each for each in self._entries.values() if each.where == LOGS], verdict)

    def frozen_claims(self, source: str = "paper") -> list[str]:
        """Return the claims of a source, "paper" or "ours", whose best evidence is of a freeze."""
        return [name for name, each in self._claims.items() if each.source == source and self.is_confirmatory(name)]

    def freezes(self) -> list[str]:
        """Return the names of the freezes."""
        return freezes.names()

    def incomplete_freezes(self) -> list[str]:
        """Return the names of the freezes that lack seeds on record."""
        tests = [test for each in self._claims.values() for test in each.recorded]
        return sorted(set(freezes.names()) - {test.freeze for test in tests})

    def claims(
        self,
        *findings: str,
        protocol: str = "",
        paper: str = "",
        source: str = "paper",
        within: Collection[str] = (),
    ) -> int:
        """Count claims that runs can decide, by findings of the best evidence.

        Args:
            *findings: those to count; default: all.
            protocol: "published" or "surrogate"; default: both.
            paper: its key in references.bib; default: all.
            source: of the claims.
            within: experiments and claims; default: all.
        """
        found = [each for each in self._claims.values() if each.kind == "measured" and each.source == source]
        found = [each for each in found if paper in ("", self._papers[each.experiment])]
        found = [each for each in found if not within or {each.experiment, f"{each.experiment}/{each.id}"} & {*within}]
        tests = [best_test(each) for each in found]
        return sum(
            (not findings or (finding(test) if test else "not run") in findings)
            and (not protocol or (test is not None and (test.surrogate is None) == (protocol == "published")))
            for test in tests
        )

    def unchecked(self, outcome: str) -> int:
        """Count claims with an outcome under the published protocol whose baselines have no published number."""
        measured = {name: each for name, each in self._claims.items() if each.kind == "measured"}
        tests = {name: best_test(each) for name, each in measured.items() if each.source == "paper"}
        found = [name for name, test in tests.items() if test and not test.surrogate and finding(test) == outcome]
        return sum(not self._has_published_baseline(name) for name in found)

    def papers_with_numbers(self) -> set[str]:
        """Return the papers of which a number is published and could be read."""
        return {each.paper for each in self._entries.values() if each.published is not None}

    def compatible(self, convention: Convention) -> int:
        """Count the published errors that a convention about the epoch does not rule out."""
        return self._by_convention[convention].compatible

    def on_gpu(self) -> int:
        """Count results on record that were measured on a GPU."""
        records = [record for entry in self._entries.values() for record in entry.recorded]
        return sum(record.hardware.startswith("NVIDIA") for record in records)

    # Look up

    def _claim(self, name: str) -> ClaimResult:
        return known("claim", self._claims, name)

    def _test(self, name: str) -> ClaimTest:
        test = best_test(self._claim(name))
        if test is None or test.effect is None:
            raise UserError(f"the claim {name!r} has no effect to print", where=templates.position())
        return test

    def _former(self, claim: str) -> ClaimTest:
        best = self._test(claim)
        for test in self._claim(claim).recorded:
            if test.scale == best.scale and test.surrogate != best.surrogate and test.effect is not None:
                return test
        raise UserError(f"the claim {claim!r} has no former setting", where=templates.position())

    def _has_published_baseline(self, claim: str) -> bool:
        stated, experiment = self._stated[claim], claim.partition("/")[0]
        entries = [self._entries.get((f"{experiment}/{row}", stated.metric or "")) for row in stated.baselines]
        return any(each is not None and each.published is not None for each in entries)

    def _effect(self, claim: str, test: ClaimTest) -> Markup:
        return self._of_claim(claim, interval(test.effect or 0.0, test.ci95, self._unit(claim)))

    def _of_claim(self, claim: str, text: Markup) -> Markup:
        return to_result(claim_id(self._claim(claim)), text)

    def _unit(self, claim: str) -> str:
        return POINTS[self._claim(claim).unit]

    def _entry(self, row: str, metric: str) -> Entry:
        return known("number", self._entries, (row, metric))

    def _difference(self, row: str, metric: str) -> Difference:
        return known("difference", self._differences, (row, metric))


def _by_name(numbers: Iterable[Number]) -> dict[tuple[str, str], Number]:
    return {(f"{each.experiment}/{each.row}", each.metric): without_smoke_test(each) for each in numbers}


def _count(entries: Iterable[Entry], verdict: str, names: Sequence[str] = ()) -> int:
    wanted = [each for each in entries if each.published is not None]
    if names:
        wanted = [each for each in wanted if {each.paper, each.experiment, f"{each.experiment}/{each.row}"} & {*names}]
    counted = JUDGED if verdict == "compared" else (verdict,)
    return sum(not verdict or best_evidence(each)[1] in counted for each in wanted)


def known(kind: str, found: Mapping[Any, Found], name: Any) -> Found:
    """Return what a name, or a row and a metric, stands for; UserError with the template's line if it is unknown."""
    if name in found:
        return found[name]

    def words(each: Any) -> str:
        return each if isinstance(each, str) else " ".join(each)

    hint = did_you_mean(words(name), map(words, found))
    raise UserError(f"unknown {kind} {words(name)!r}", where=templates.position(), hint=hint)


def _runs(entry: Entry) -> Replicated:
    sample = best_sample(entry)
    if sample is None or sample.replicated is None:
        raise UserError("a number without runs has no value to print", where=templates.position())
    return sample.replicated
