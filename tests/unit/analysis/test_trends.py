"""Claims that an effect falls with another quantity of the baseline."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.claims import Claim, Pair
from remixup.config.experiment import Experiment, MetricInfo, Row

ERROR, LOSS = "test_error.last", "train_loss.last"
ROWS = ("short-erm", "short-mixup", "middle-erm", "middle-mixup", "long-erm", "long-mixup")
SETTINGS = ("short", "middle", "long")
PAIRS = [Pair(baseline=ROWS[i], treatment=ROWS[i + 1]) for i in (0, 2, 4)]
CLAIM = Claim(
    id="trend", statement="", where="", metric=ERROR, compare=PAIRS, falls_with=LOSS, smallest_effect=0.5, source="ours"
)


def decide(effects: dict[str, list[float]], losses: dict[str, list[float]]) -> ClaimResult:
    """Decide the claim, with errors of 50 for ERM, and 50 minus the effect for mixup."""
    evidence = {}
    for name in ROWS:
        setting = name.partition("-")[0]
        found = [50.0 - effect * name.endswith("mixup") for effect in effects[setting]]
        values = {ERROR: dict(enumerate(found)), LOSS: dict(enumerate(losses[setting]))}
        evidence[name] = Evidence("paper", values=values)
    metrics = {ERROR: MetricInfo(label="error"), LOSS: MetricInfo(label="loss", unit="")}
    rows = [Row(id=name, label=name) for name in ROWS]
    small = Experiment(
        id="small", paper="p", title="", where="", summary="", metrics=metrics, rows=rows, claims=[CLAIM]
    )
    (result,) = decide_claims(small, evidence)
    return result


def test_the_effect_is_the_fall_for_ten_times_the_loss() -> None:
    """Losses 1, 0.1, 0.01 and effects -2, 0, 2: two points more for each tenth of the loss."""
    losses = {"short": [1.0] * 5, "middle": [0.1] * 5, "long": [0.01] * 5}
    noise = np.array([-0.1, 0.0, 0.1, 0.05, -0.05])
    result = decide({"short": list(-2 + noise), "middle": [0.0] * 5, "long": list(2 - noise)}, losses)
    slopes = 2 - noise
    assert result.effect == pytest.approx(slopes.mean())
    assert result.n == 5
    assert result.outcome == "supported"


def test_each_seed_has_its_own_losses() -> None:
    """As numpy fits a line of first degree, seed by seed."""
    generator = np.random.default_rng(0)
    effects = {name: list(generator.normal(size=6)) for name in ("short", "middle", "long")}
    losses = {name: list(generator.uniform(0.01, 2, size=6)) for name in effects}
    fitted = [
        -np.polyfit([np.log10(losses[name][seed]) for name in losses], [effects[name][seed] for name in effects], 1)[0]
        for seed in range(6)
    ]
    result = decide(effects, losses)
    assert result.effect == pytest.approx(np.mean(fitted))
    assert result.outcome == "open"


@pytest.mark.parametrize("loss", [0.0, -1.0, None])
def test_a_seed_without_a_positive_loss_leaves_the_claim_open(loss: float | None) -> None:
    """Without this seed, five would agree on two points: those in which the network did not fit too well."""
    losses = {"short": [1.0] * 6, "middle": [0.1] * 6, "long": [0.01] * 5 + ([] if loss is None else [loss])}
    result = decide({"short": [-2.0] * 6, "middle": [0.0] * 6, "long": [2.0] * 6}, losses)
    assert (result.outcome, result.n, result.effect) == ("open", 5, pytest.approx(2.0))
    assert result.why == f"{LOSS} of the baselines is not above 0, or the same for all, with 1 seeds"


def test_equal_losses_have_no_slope() -> None:
    result = decide(dict.fromkeys(SETTINGS, [1.0] * 5), {name: [0.1] * 5 for name in SETTINGS})
    assert (result.outcome, result.n, result.effect) == ("open", 0, None)
    assert result.why.endswith("or the same for all, with 5 seeds")


@pytest.mark.parametrize("change", [{"compare": PAIRS[:1]}, {"at_least": 2}])
def test_a_trend_needs_two_pairs_and_no_count(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="falls_with"):
        Claim(**{**CLAIM.model_dump(exclude_defaults=True), **change})
