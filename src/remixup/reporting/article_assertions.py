"""Compare what the article asserts with the results, and find sentences that they no longer support."""

from __future__ import annotations

from typing import get_args

from markupsafe import Markup

from remixup.analysis.result_schema import OnSurrogate, Outcome, Verdict
from remixup.errors import UserError, did_you_mean
from remixup.reporting import templates
from remixup.reporting.article_values import Values

FINDINGS = (*get_args(Outcome), *get_args(OnSurrogate), "not run")
VERDICTS = get_args(Verdict)
SIGNS = ("+", "-", "none")


class Assertions:
    """The functions by which a sentence of the article names the outcome that it states. They print nothing."""

    def __init__(self, values: Values) -> None:
        """Start without stale sentences."""
        self._values = values
        self.stale: list[str] = []
        """Sentences that are no longer true: file and line, what they are about, what they assert, what is."""

    def asserts(self, claim: str, *outcomes: str) -> Markup:
        """State what the best evidence says about a claim: one of these outcomes."""
        return self._check(f"claim {claim}", outcomes, self._values.finding(claim), FINDINGS)

    def asserts_sign(self, claim: str, sign: str) -> Markup:
        """State which sign the interval of a claim's effect shows: "+", "-" or "none"."""
        return self._check(f"sign of claim {claim}", (sign,), self._values.sign(claim), SIGNS)

    def asserts_number(self, row: str, metric: str, *verdicts: str) -> Markup:
        """State the verdict on a published number: one of these."""
        return self._check(f"number {row} {metric}", verdicts, self._values.verdict(row, metric), VERDICTS)

    def asserts_gain(self, row: str, metric: str, *verdicts: str) -> Markup:
        """State the verdict on a published difference: one of these."""
        return self._check(f"gain {row} {metric}", verdicts, self._values.gain_verdict(row, metric), VERDICTS)

    def asserts_true(self, condition: bool, statement: str) -> Markup:
        """State something about numbers that the template has compared."""
        return self._check(statement, ("true",), str(condition).lower(), ("true", "false"))

    def _check(self, about: str, asserted: tuple[str, ...], now: str, valid: tuple[str, ...]) -> Markup:
        for each in asserted:
            if each not in valid:
                raise UserError(f"unknown outcome {each!r}", where=templates.position(), hint=did_you_mean(each, valid))
        if now not in asserted:
            stated = " or ".join(map(repr, asserted))
            self.stale.append(f"{templates.position()}: {about}: the text says {stated}, the results say {now!r}")
        return Markup("")
