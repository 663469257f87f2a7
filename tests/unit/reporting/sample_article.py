"""Made-up results for the article."""

from __future__ import annotations

from typing import Any

from remixup.analysis.best_evidence import summary
from remixup.analysis.result_schema import ClaimResult, Code, Difference, Entry, ExperimentResult, Fit, Replication
from remixup.reporting.article_values import Values

from .sample_claims import on_record
from .sample_results import DIGITS, claim, entry, recorded, result_with
from .small_experiment import exactly, small

EMBEDDED: dict[str, Any] = {"surrogate": DIGITS, "scale": "embedded"}
SHORT: dict[str, Any] = {"surrogate": "10 epochs for 200", "scale": "reduced-cpu"}


def fit(training_loss: float | None, **changes: Any) -> Fit:
    fields: dict[str, Any] = {
        "scale": "reduced-cpu",
        "surrogate": None,
        "recorded": True,
        "erm": True,
        "run": "r",
        "n": 5,
    }
    fields |= dict.fromkeys(("fits_at", "training_error", "corrupted_error", "test_error", "linear_error"))
    return Fit.model_validate({**fields, "failed_seeds": [], "training_loss": training_loss, **changes})


def claims() -> list[ClaimResult]:
    return [
        claim("better"),
        claim("worse", outcome="contradicted", effect=-0.678, ci95=(-1.001, -0.354), n=40),
        claim("wide", outcome="open", effect=3.2, ci95=(-9.5, 15.9)),
        claim("far", effect=34.3, ci95=(30.81, 37.79)),
        claim("exact", effect=33.3333, ci95=(33.3333, 33.3333)),
        claim("plain", unit="", effect=0.0943, ci95=(0.016, 0.172)),
        claim("limit", effect=3.0, ci95=(2.5, 3.5), smallest_effect=0.0, limit=10.0),
        claim("digits-alone", **EMBEDDED),
        claim("digits-too", **EMBEDDED, recorded=[on_record(**SHORT, effect=2.0, ci95=(1.6, 2.4))]),
        claim("of-ours", source="ours", outcome="open"),
    ]


def entries() -> list[Entry]:
    ten = exactly(12.34, 0.1, 10)
    return [
        entry("erm", "test_error.last", 12.5, ten, verdict="replicated"),
        entry("mixup", "test_error.last", 11.0, exactly(11.9, 0.1, 10), verdict="not replicated"),
        entry("digits", "test_error.last", 5.6, exactly(1.2, 0.1, 5), verdict="surrogate", **EMBEDDED),
        entry("short", "test_error.last", 4.2, None, recorded=[recorded(ten, verdict="surrogate", **SHORT)]),
        entry("p", "on_the_line.point0", 0.174, exactly(0.171, 0.001, 10), unit="", verdict="inconclusive"),
    ]


def differences() -> list[Difference]:
    made = entry("mixup", "test_error.last", 1.5, exactly(0.44, 0.1, 10), verdict="not replicated")
    return [Difference.model_validate({**made.model_dump(), "baseline": "erm"})]


def results() -> list[ExperimentResult]:
    fits = {"erm": [fit(1.0, **EMBEDDED), fit(10.94)], "unknown": [fit(None)]}
    return [result_with(experiment="made-up", fits=fits)]


def whole(changed: list[ClaimResult] | None = None) -> Replication:
    stated, numbers, pairs = changed or claims(), entries(), differences()
    counts = summary(numbers, stated, pairs)
    code = Code(commit=None, dirty=None)
    return Replication(scale="embedded", code=code, summary=counts, entries=numbers, differences=pairs, claims=stated)


def values(changed: list[ClaimResult] | None = None) -> Values:
    return Values([small().model_copy(update={"id": "made-up"})], results(), whole(changed))
