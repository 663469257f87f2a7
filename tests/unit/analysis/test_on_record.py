"""Results of the seeds of a freeze beside those of all records."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from tests.unit.analysis.frozen import FILE, commit, edit, evaluate, freeze, plan, train
from tests.unit.config.sample_experiment import SMALL
from tests.unit.store.samples import provenance

from remixup.analysis import records
from remixup.analysis.aggregate import results_of
from remixup.analysis.best_evidence import best_sample, best_test
from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config
from remixup.planning.plan import plan_experiment
from remixup.store.run_store import Store

pytestmark = pytest.mark.usefixtures("repository")


def results() -> ExperimentResult:
    """Return the results without what is on record at reduced scale, where the runs are the same."""
    found = results_of(Config(scale="paper"), plan())
    for each in (*found.claims, *found.entries):
        each.recorded = [record for record in each.recorded if record.scale == "paper"]
    return found


def recorded_tests() -> list[tuple[str, str | None, int, float]]:
    """Standing, freeze, seeds and effect of each test on record."""
    [claim] = results().claims
    return [(each.standing, each.freeze, each.n, each.effect or 0.0) for each in claim.recorded]


def pilot() -> None:
    """ERM and mixup err alike."""
    for row in (0, 1):
        train(row, [0, 1, 2], day=1)


def confirm() -> None:
    """ERM errs by one point more, in twice as many seeds."""
    frozen = freeze(2, count=6)
    train(0, frozen.seeds, day=2, error=6.0, freeze=frozen.digest)
    train(1, frozen.seeds, day=2, freeze=frozen.digest)


def test_a_claim_is_tested_on_all_records_and_on_the_seeds_of_its_freeze() -> None:
    pilot()
    assert recorded_tests() == [("exploratory", None, 3, 0.0)]
    confirm()
    pooled, frozen = ("exploratory", None, 9, pytest.approx(2 / 3)), ("confirmatory", "small-1", 6, 1.0)
    assert recorded_tests() == [pooled, frozen]
    best = best_test(results().claims[0])
    assert best is not None
    assert best.n == 6
    shutil.rmtree(".git")
    assert recorded_tests() == [pooled, frozen]


def test_so_is_a_published_number() -> None:
    pilot()
    confirm()
    [erm] = [entry for entry in results().entries if entry.row == "erm"]
    found = [(each.standing, each.freeze, each.replicated.n, each.replicated.mean) for each in erm.recorded]
    assert sorted(found) == [
        ("confirmatory", "small-1", 6, 6.0),
        ("exploratory", None, 9, pytest.approx(17 / 3)),
    ]
    best = best_sample(erm)
    assert best is not None
    assert best.replicated is not None
    assert best.replicated.n == 6


def test_records_of_a_freeze_count_nowhere_before_all_seeds_are_trained() -> None:
    """Else one could stop when the result looks good."""
    pilot()
    frozen = freeze(2, count=6)
    train(0, frozen.seeds, day=2, error=6.0, freeze=frozen.digest)
    train(1, frozen.seeds[:5], day=2, freeze=frozen.digest)
    assert recorded_tests() == [("exploratory", None, 3, 0.0)]
    train(1, frozen.seeds[5:], day=2, freeze=frozen.digest)
    assert recorded_tests() == [("exploratory", None, 9, pytest.approx(2 / 3)), ("confirmatory", "small-1", 6, 1.0)]


def test_a_record_that_does_not_name_the_freeze_is_not_confirmatory() -> None:
    frozen = freeze(2, count=6)
    for row in (0, 1):
        train(row, frozen.seeds, day=2)
    assert recorded_tests() == [("exploratory", None, 6, 0.0)]


@pytest.mark.parametrize(
    ("old", "new", "seeds"), [("smallest_effect: 0.5", "smallest_effect: 0.1", 9), ("epochs: 2", "epochs: 3", 0)]
)
def test_a_freeze_confirms_no_other_claim_and_no_other_run(old: str, new: str, seeds: int) -> None:
    pilot()
    confirm()
    edit(old, new)
    assert [(standing, n) for standing, _, n, _ in recorded_tests()] == [("exploratory", seeds)] * (seeds > 0)


def test_a_claim_that_was_not_frozen_is_not_confirmed() -> None:
    confirm()
    edit(
        "smallest_effect: 0.5",
        "smallest_effect: 0.5\n  - {id: new, statement: s, where: w, metric: test_error.last, "
        "compare: [{baseline: erm, treatment: mixup}], smallest_effect: 0.7}",
    )
    by_claim = {claim.id: [each.standing for each in claim.recorded] for claim in results().claims}
    assert by_claim == {"lower": ["exploratory", "confirmatory"], "new": ["exploratory"]}


def test_what_was_measured_on_the_seeds_of_a_freeze_is_kept_seed_by_seed() -> None:
    edit("batch_size: 16", "batch_size: 16\nevaluate: [generalization]")
    commit(1)
    frozen = freeze(2, count=2)
    for row in (0, 1):
        evaluate(row, train(row, [0, 1], day=1), test_error=7.0)
        evaluate(row, train(row, frozen.seeds, day=2, freeze=frozen.digest), test_error=4.0)
    found = results().frozen_evaluations
    assert found.keys() == {"erm", "mixup"}
    errors = {each["seed"]: each["test_error"] for each in found["erm"]["generalization"]}
    assert errors == {1000: 4.0, 1001: 4.0}


def test_former_settings_have_results_of_their_own_and_an_unchanged_row_has_one() -> None:
    """Mixup was trained for three epochs, and then for four; ERM for two in both cases."""
    document = yaml.safe_load(SMALL)
    four, three = ({"surrogate": f"{each} epochs", "run": {"epochs": each}} for each in (4, 3))
    document |= {"scales": {"reduced": four}, "earlier": {"reduced": [three]}}
    document["rows"][0]["scales"] = {"reduced": {"run": {"epochs": 2}}}
    place = {"statement": "s", "where": "w", "metric": "test_error.last"}
    document["claims"].append({"id": "limit", **place, "bound": {"row": "erm", "at_most": 9}})
    FILE.write_text(yaml.safe_dump(document))
    present, former = (
        plan_experiment(FILE, each, Config(), "reduced").rows for each in read_experiment(FILE).with_earlier("reduced")
    )
    assert present[0].key == former[0].key
    for row, error in ((present[0], 9.0), (present[1], 8.0), (former[1], 6.0)):
        told = [{"seed": s, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_error": error} for s in range(5)]
        Store(records.HOME).publish(row.run, list(range(5)), told, provenance())
    found = results_of(Config(scale="reduced"), plan_experiment(FILE, read_experiment(FILE), Config(), "reduced"))

    def reduced(recorded: Sequence[Any]) -> list[Any]:
        return [each for each in recorded if each.scale == "reduced"]

    means = {each.row: [record.replicated.mean for record in reduced(each.recorded)] for each in found.entries}
    assert means == {"erm": [9.0], "mixup": [8.0, 6.0]}
    assert {each.id: [test.effect for test in reduced(each.recorded)] for each in found.claims} == {
        "lower": [1.0, 3.0],
        "limit": [9.0],
    }
    assert {name: len(reduced(fits)) for name, fits in found.fits.items()} == {"erm": 1, "mixup": 2}
