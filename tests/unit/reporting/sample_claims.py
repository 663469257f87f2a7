"""Made-up claims with tests on every kind of evidence."""

from __future__ import annotations

from typing import Any

from remixup.analysis.result_schema import ClaimResult, RecordedClaim
from remixup.config.experiment import Experiment
from remixup.reporting.evidence import Judged, judge

from .sample_results import DIGITS, claim
from .small_experiment import result_of, small

NEVER: dict[str, Any] = {"effect": None, "ci95": None, "p": None, "n": 0, "outcome": "open"}
EMBEDDED: dict[str, Any] = {"surrogate": DIGITS, "scale": "embedded"}


def on_record(scale: str, **changes: Any) -> RecordedClaim:
    fields = {"scale": scale, "outcome": "supported", "why": "w", "effect": 1.0, "ci95": (0.9, 1.1), "p": 0.001, "n": 5}
    return RecordedClaim.model_validate({"surrogate": None, **fields, **changes})


SHORT = {"surrogate": "10 epochs for 200"}
CLAIMS: dict[str, tuple[dict[str, Any], ClaimResult]] = {
    # id -> how the file states it beyond the default, and what became of it
    "confirmed": ({}, claim("confirmed", effect=2.0, ci95=(1.5, 2.5))),
    "more-clearly": ({}, claim("more-clearly", effect=3.0, ci95=(2.0, 4.0))),
    "no-more": ({"expect": "no more"}, claim("no-more", effect=0.0, ci95=(-0.1, 0.25))),
    "huge": ({}, claim("huge", effect=500.0, ci95=(400.0, 600.0), n=3)),
    "refuted": ({}, claim("refuted", outcome="contradicted", effect=-1.0, ci95=(-1.5, -0.5))),
    "shown": ({}, claim("shown", **NEVER, recorded=[on_record("reduced", **SHORT)])),
    "not-shown": ({}, claim("not-shown", **EMBEDDED, outcome="no effect", effect=0.1, ci95=(0.0, 0.2))),
    "dissent": (
        {},
        claim(
            "dissent", **EMBEDDED, recorded=[on_record("reduced-cpu", outcome="open", ci95=(0.4, 1.6), n=3, **SHORT)]
        ),
    ),
    "open": ({}, claim("open", **EMBEDDED, outcome="open", effect=0.5, ci95=(0.0, 1.0))),
    "never": ({}, claim("never", **NEVER)),
}
OURS: dict[str, tuple[dict[str, Any], ClaimResult]] = {
    "own-question": (
        {"source": "ours"},
        claim("own-question", source="ours", outcome="contradicted", effect=-1.0, n=7),
    ),
    "own-open": ({"source": "ours"}, claim("own-open", source="ours", outcome="open", effect=0.4, ci95=(0.0, 0.8))),
}
"""Questions and extensions of ours, the first of them contradicted."""


def experiment(name: str = "small", paper: str = "zhang2018mixup", **more: Any) -> Experiment:
    compare: dict[str, Any] = {"compare": [{"baseline": "r", "treatment": "r"}], "smallest_effect": 0.5}
    stated = {"statement": "s", "where": "w", "metric": "test_error.last"}
    claims = [{"id": each, **stated, **compare, **changes} for each, (changes, _) in (CLAIMS | OURS).items()]
    claims.append({"id": "limit", **stated, "bound": {"row": "r", "at_most": 5.0}})
    claims.append({"id": "meaning", "statement": "s", "where": "w", "definition": "tests/test_x.py::test_y"})
    return Experiment.model_validate({**small().model_dump(), "id": name, "paper": paper, "claims": claims, **more})


def results() -> list[ClaimResult]:
    limit = claim("limit", effect=1.5, ci95=(1.0, 2.0), smallest_effect=0.0)
    return [*(found for _, found in CLAIMS.values()), limit, claim("meaning", kind="definition", **NEVER)]


def with_ours() -> list[Judged]:
    """The same claims, after two of ours."""
    ours = [found for _, found in OURS.values()]
    return judge([experiment()], [result_of(claims=[*ours, *results()])])


def judged() -> dict[str, Judged]:
    return {each.claim.id: each for each in judge([experiment()], [result_of(claims=results())])}
