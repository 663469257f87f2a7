import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from remixup.analysis.aggregate import results_of
from remixup.analysis.result_schema import Recorded
from remixup.analysis.statistics import summarize
from remixup.config.settings import Config
from remixup.costs.sample_size import needed, seeds_needed
from remixup.store.run_store import Store
from tests.unit.config.sample_experiment import plan
from tests.unit.store.samples import provenance


@pytest.mark.parametrize("std", [0.1, 0.5, 1.3])
@pytest.mark.parametrize("margin", [0.2, 0.3, 2.0])
@pytest.mark.parametrize("fewest", [2, 3])
def test_it_is_the_first_number_whose_interval_is_narrow_enough(std, margin, fewest):
    n = fewest
    while scipy.stats.t.ppf(0.975, n - 1) * std / math.sqrt(n) > margin:
        n += 1
    assert seeds_needed(std, margin, fewest) == n


def test_as_many_seeds_give_intervals_that_narrow_half_of_the_time():
    std, margin = 1.3, 0.4
    n = seeds_needed(std, margin, 3)
    samples = np.random.default_rng(0).normal(scale=std, size=(20_000, n))
    halves = scipy.stats.t.ppf(0.975, n - 1) * samples.std(axis=1, ddof=1) / math.sqrt(n)
    assert 0.4 < (halves <= margin).mean() < 0.65


def test_equal_values_need_the_fewest_and_hopeless_ones_more_than_a_thousand():
    assert seeds_needed(0.0, 0.3, 3) == 3
    assert seeds_needed(100.0, 0.3, 3) == "> 1000"
    edge = scipy.stats.t.ppf(0.975, 999) / math.sqrt(1000)
    assert seeds_needed(1.0, edge, 3) == 1000
    assert seeds_needed(1.0, edge * 0.999, 3) == "> 1000"


PROVENANCE = {"seconds": 1.0, "hardware": "h", "device": "cpu", "started": "2026-01-01", "code": {"commit": None}}


def history(errors):
    return [
        {"seed": seed, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 2.0, "test_error": error}
        for seed, error in enumerate(errors)
    ]


def store(config, planned, errors):
    """Store test errors of the runs of some rows."""
    for row in planned.rows:
        if row.row.id in errors:
            values = errors[row.row.id]
            Store(Path(config.results)).publish(row.run, list(range(len(values))), history(values), provenance())


def judged(config, planned):
    return needed(planned, results_of(config, planned))


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no records here
    return Config(results="results", scale="paper")


def test_without_evidence_it_is_unknown(config, tmp_path):
    number, claim = judged(config, plan(tmp_path, config=config))
    assert (number.what, number.id, number.seeds, number.std) == ("number", "erm test_error.last", None, None)
    assert number.margin == pytest.approx(0.05 * 21.3)
    assert (claim.what, claim.id, claim.seeds, claim.margin) == ("claim", "lower", None, None)


def test_a_number_by_its_spread_and_a_claim_by_that_of_the_paired_differences(config, tmp_path):
    planned = plan(tmp_path, config=config)
    store(config, planned, {"erm": [20.0, 22.0, 27.0], "mixup": [18.0, 19.0, 25.0]})
    number, claim = judged(config, planned)
    std = np.std([20.0, 22.0, 27.0], ddof=1)
    assert (number.std, number.evidence) == (pytest.approx(std), "store, paper scale")
    assert number.seeds == seeds_needed(std, 0.05 * 21.3, 5, level=0.90)
    # Differences of 2, 3 and 2 about their mean of 7/3, against a smallest effect of 0.5.
    std = np.std([2.0, 3.0, 2.0], ddof=1)
    assert (claim.std, claim.evidence) == (pytest.approx(std), "store, paper scale")
    assert claim.margin == pytest.approx(7 / 3 - 0.5)
    assert claim.seeds == seeds_needed(std, 7 / 3 - 0.5, 5) == 5, "fewer decide nothing"


def test_an_effect_below_the_smallest_counts_its_distance_too(config, tmp_path):
    planned = plan(tmp_path, config=config)
    store(config, planned, {"erm": [20.0, 22.0, 27.0], "mixup": [20.5, 22.0, 27.1]})
    claim = judged(config, planned)[1]
    assert claim.margin == pytest.approx(0.5 + 0.2)


def test_one_value_is_no_evidence(config, tmp_path):
    planned = plan(tmp_path, config=config)
    store(config, planned, {"erm": [20.0], "mixup": [18.0]})
    assert [each.seeds for each in judged(config, planned)] == [None, None]


def test_records_count_before_the_store_those_of_the_scale_first(config, tmp_path):
    planned = plan(tmp_path, config=config)
    store(config, planned, {"erm": [20.0, 22.0, 27.0]})
    result = results_of(config, planned)
    (entry,) = (each for each in result.entries if each.row == "erm")
    recorded = {"verdict": "replicated", "surrogate": None, "dataset_version": "iris uci", "precision": "float32"}
    recorded |= {"code": {"commit": None, "dirty": None}, "hardware": "h", "date": "2026-01-01", "run": "r"}
    for scale, values in (("reduced-cpu", [1.0, 9.0]), ("reduced", [1.0, 5.0]), ("paper", [1.0, 3.0])):
        entry.recorded.append(Recorded(scale=scale, replicated=summarize(values, [0, 1]), **recorded))
    assert needed(planned, result)[0].evidence == "records, paper scale"
    assert needed(planned, result)[0].std == pytest.approx(2**0.5)
    entry.recorded.pop()
    assert needed(planned, result)[0].evidence == "records, reduced scale"


def test_a_surrogate_needs_no_seeds_for_a_published_number(config, tmp_path):
    scales = {"embedded": {"run": {"epochs": 1}, "surrogate": "one epoch for two"}}
    embedded = config.model_copy(update={"scale": "embedded"})
    found = judged(embedded, plan(tmp_path, "embedded", embedded, scales=scales))
    assert [each.what for each in found] == ["claim"]
