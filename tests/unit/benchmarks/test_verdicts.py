"""The simulated error rates of verdicts, and the page that prints those of the full simulation."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
from remixup_benchmarks.verdicts import (
    PATH,
    RUNS,
    SAMPLERS,
    SMALLEST,
    SPREAD,
    STEP,
    TRUE_OF,
    claim_rates,
    normal,
    number_rates,
)

from remixup.reporting.figures.article.outcomes import CLAIMS

ROOT = Path(__file__).parents[3]
specification = importlib.util.spec_from_file_location("draw_verdicts", ROOT / "docs/draw_verdicts.py")
draw_verdicts = importlib.util.module_from_spec(specification)
specification.loader.exec_module(draw_verdicts)
REPEATS = 400


def at_most(rate, repeats):
    """The largest rate in this number of samples that a true rate explains, except once in a thousand times."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / repeats)


@pytest.mark.parametrize("runs", [5, 20])
def test_a_small_simulation_keeps_the_error_rates(runs):
    rates = number_rates(normal, runs, REPEATS, np.random.default_rng(runs))
    assert rates["edge"] <= at_most(0.05, REPEATS)
    assert rates["same"] <= at_most(0.05, REPEATS)
    assert rates["perfect"] > 0.95
    assert rates["beyond"] > 0.8


@pytest.mark.parametrize("runs", [3, 5])
def test_a_small_simulation_keeps_the_error_rate_of_a_papers_claims(runs):
    rates = claim_rates(normal, runs, 150, np.random.default_rng(runs))
    assert all(rates[name] <= at_most(0.05, 150) for name in ("all at 0", "all at d", "mixed"))
    assert rates["supported"] > (0.6 if runs == 5 else 0.05)


@pytest.mark.parametrize(
    ("effect", "true"),
    [
        (0.0, {"no effect", "open"}),
        (SMALLEST, {"positive", "open"}),
        (-SMALLEST, {"contradicted", "open"}),
        (SMALLEST / 2, {"positive", "no effect", "open"}),
        (2 * SMALLEST, {"supported", "positive", "open"}),
    ],
)
def test_which_outcomes_are_true(effect, true):
    assert {outcome for outcome, is_true in TRUE_OF.items() if is_true(effect)} == true


def test_three_runs_never_replicate():
    rates = number_rates(normal, 3, 50, np.random.default_rng(0))
    assert (rates["perfect"], rates["edge"]) == (0, 0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_errors_have_the_mean_that_is_asked_for(name):
    """Else the edge of the tolerance would be elsewhere."""
    found = SAMPLERS[name](np.random.default_rng(1), 4.55, (2000, 20)).mean(axis=1)
    assert found.mean() == pytest.approx(4.55, abs=4 * found.std() / math.sqrt(2000))


def test_shapes_of_the_distributions():
    draw = np.random.default_rng(2)
    samples = {name: sampler(draw, 4.2, (2000, 10)) for name, sampler in SAMPLERS.items()}
    assert samples["normal"].std() == pytest.approx(SPREAD, rel=0.05)
    wrong = samples["test errors of 600 images"] / STEP
    assert np.allclose(wrong, wrong.round()), "whole images"
    assert (samples["one run in twenty 8 points worse"] > 8).mean() == pytest.approx(0.05, abs=0.01)


def test_the_committed_rates_are_below_five_percent_for_normal_errors():
    rates = json.loads(PATH.read_text())
    assert rates["repeats"] >= 1000
    assert set(rates["numbers"]) == set(SAMPLERS)
    for name in ("normal", "normal, twice the spread", "t with 3 degrees of freedom"):
        assert set(rates["numbers"][name]) == {str(runs) for runs in RUNS}
        for found in rates["numbers"][name].values():
            assert found["edge"] <= at_most(0.05, rates["repeats"])
            assert found["same"] <= at_most(0.05, rates["repeats"])


def test_the_committed_rates_of_claims_are_at_most_five_percent_for_normal_errors():
    rates = json.loads(PATH.read_text())
    for found in rates["claims"]["normal"].values():
        assert all(found[name] <= at_most(0.05, rates["repeats"] // 3) for name in ("all at 0", "all at d", "mixed"))


def test_the_page_prints_the_committed_rates():
    text = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
    assert text == draw_verdicts.page(text, json.loads(PATH.read_text())), "run `python docs/draw_verdicts.py`"
    assert "| normal | 5 | 99.0 % | 5.4 % |" in text


def test_the_figure_draws():
    drawn = draw_verdicts.figure()
    labels = [label.get_text() for axes in drawn.axes for label in axes.get_yticklabels()]
    assert labels[-5:] == list(CLAIMS)
    assert labels[0].endswith("replicated")
