"""What is measured of the network that ERM trains: found by its run, whatever row it was trained for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.experiments import committed
from tests.unit.config.sample_experiment import plan
from tests.unit.store.samples import provenance

from remixup.analysis import records
from remixup.analysis.measurements import fit, measure, size_of_test_set, why_uninformative
from remixup.analysis.on_record import OnRecord, Sample
from remixup.analysis.records import RecordedResults
from remixup.analysis.run_results import RunResults
from remixup.config.run import Dataset, RunSpec, short_digest
from remixup.config.settings import Config, Scale
from remixup.evaluation import storage
from remixup.planning.plan import Evaluation, Plan, PlannedRow, linear_baseline
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.run_store import Store

LN3 = math.log(3)
SURROGATE = {"reduced": {"surrogate": "half of it"}}
DATA = {"name": "iris", "version": "uci", "holdout": 0.5}


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """ERM and mixup on a surrogate of iris, 150 examples of three classes; nothing is stored or on record."""
    monkeypatch.setattr(records, "HOME", tmp_path / "records")
    records._runs_by_protocol.cache_clear()
    return plan(tmp_path, "reduced", scales=SURROGATE, run__dataset=DATA)


def train(store: Store, spec: RunSpec, losses: list[float], errors: dict[int, float]) -> SeedBlock:
    """Store seeds that all have these losses by epoch, and a test error of their own."""
    history = [
        {"seed": seed, "epoch": epoch, "rate": 0.1, "train_loss": loss, "test_loss": 1.0, "test_error": error}
        for epoch, loss in enumerate(losses, 1)
        for seed, error in errors.items()
    ]
    return store.publish(spec, list(errors), history, provenance())


def evaluate(store: Store, block: SeedBlock, wanted: Evaluation, **values: list[Any]) -> None:
    measured = [
        {"seed": seed, **{name: each[place] for name, each in values.items()}} for place, seed in enumerate(block.seeds)
    ]
    evaluated = EvaluatedBlock(evaluation=wanted.part, runs=wanted.runs, block=block.digest, measured=measured)
    evaluated.write(storage.path(store, wanted, block))


def good(results: RunResults, row: PlannedRow) -> None:
    """Store a network that fits in one of two epochs, and a linear model that is 20 points worse."""
    block = train(results.store, row.run, [0.05 * LN3, 0.02 * LN3], {0: 30.0, 1: 31.0})
    evaluate(results.store, block, linear_baseline(row), test_error=[50.0, 51.0])
    evaluate(results.store, block, Evaluation(row.key, {"name": "generalization"}, 2), train_error=[1.0, 3.0])


def lower(planned: Plan, smallest: float = 2.8) -> Any:
    """The claim that mixup lowers the error, by more than 2.1 of 75 test examples or so."""
    return planned.experiment.claims[0].model_copy(update={"smallest_effect": smallest})


def test_what_is_measured_of_a_classifier(planned: Plan) -> None:
    results = RecordedResults(planned)
    erm = results.plan.rows[0]
    good(results, erm)
    found = measure(results, erm)
    assert (found.classes, found.test_examples, found.test_units) == (3, 75, 75)
    assert list(found.losses) == pytest.approx([5.0, 2.0])
    assert (found.history, found.fits_at, found.training_error) == (True, 50.0, 2.0)
    assert (found.test_error, found.linear_error) == ({0: 30.0, 1: 31.0}, {0: 50.0, 1: 51.0})
    fitted = fit(results, erm, recorded=True)
    assert fitted is not None
    assert (fitted.training_loss, fitted.fits_at, fitted.test_error) == (pytest.approx(2.0), 50.0, 30.5)
    assert (fitted.linear_error, fitted.failed_seeds, fitted.n) == (50.5, [], 2)
    assert (fitted.test_errors, fitted.alpha, fitted.standing) == ({0: 30.0, 1: 31.0}, None, "exploratory")
    assert fitted.training_losses == {0: pytest.approx(2.0), 1: pytest.approx(2.0)}
    assert fitted.test_error_curve is not None
    assert (fitted.test_error_curve.epoch, fitted.test_error_curve.high) == ([1, 2], [31.0, 31.0])
    assert fitted.unmet == ["resolution"], "half a point is 0.375 of 75 test examples"
    frozen = fit(results, erm, True, "one-1")
    assert frozen is not None
    assert (frozen.standing, frozen.freeze) == ("confirmatory", "one-1")
    assert fit(results, results.plan.rows[1], recorded=True) is None


@pytest.mark.parametrize("kind", [RunResults, RecordedResults])
def test_the_network_of_erm_is_found_by_its_run(tmp_path: Path, planned: Plan, kind: type[RunResults]) -> None:
    """No row of the experiment trains it: another experiment did, which shares the run store and the records."""
    alone = replace(planned, rows=[replace(planned.rows[1], available=True)])
    config = Config(results=str(tmp_path / "results"))
    results = kind(config, alone) if kind is RunResults else RecordedResults(alone)
    mixup = results.plan.rows[0]
    assert why_uninformative(results, mixup, lower(planned)) == "ERM was not trained with its settings"
    good(results, planned.rows[0])
    records._runs_by_protocol.cache_clear()
    results = kind(config, alone) if kind is RunResults else RecordedResults(alone)
    reason = why_uninformative(results, results.plan.rows[0], lower(planned))
    # The gap is 28.5 points, and 2.8 points are 2.1 of 75 examples.
    assert reason == "the smallest effect of 2.8 is 2.1 of 75 test examples, fewer than 5"


def test_dropout_is_left_out_and_everything_else_is_not(planned: Plan) -> None:
    row = planned.rows[1]
    dropout = replace(row, run=row.run.model_copy(update={"model": {"name": "mlp", "dropout": 0.5}}))
    found = planned.erm(dropout)
    assert found is not None
    assert found.key == planned.rows[0].key
    longer = replace(row, run=row.run.model_copy(update={"epochs": 9}))
    found = planned.erm(longer)
    assert found is not None
    assert found.key != planned.rows[0].key


def test_a_linear_baseline_of_the_same_data_is_one_of_erm(planned: Plan) -> None:
    """Here that of the run with mixup: it reads the data alone."""
    results = RecordedResults(planned)
    erm, mixup = results.plan.rows
    train(results.store, erm.run, [0.01, 0.01], {0: 30.0, 1: 31.0})
    block = train(results.store, mixup.run, [0.5, 0.5], {0: 30.0, 1: 31.0})
    records._runs_by_protocol.cache_clear()
    unknown = "whether ERM beats tuned logistic regression was not measured on two seeds"
    assert unknown in str(why_uninformative(results, mixup, lower(planned)))
    evaluate(results.store, block, linear_baseline(mixup), test_error=[50.0, 51.0])
    assert unknown not in str(why_uninformative(results, mixup, lower(planned)))


def test_an_untuned_linear_baseline_is_no_tuned_one(planned: Plan) -> None:
    """Its numerics are another edition, so that its key is; and older blocks only say that ERM beat it."""
    wanted = linear_baseline(planned.rows[0])
    assert not wanted.key.endswith(short_digest({"evaluation": wanted.part, "runs": wanted.runs}))
    results = RecordedResults(planned)
    block = train(results.store, planned.rows[0].run, [0.01, 0.01], {0: 30.0, 1: 31.0})
    block.model_copy(update={"beats_linear_baseline": {"erm": True}}).write(results.store.path(block))
    assert measure(results, results.plan.rows[0]).linear_error == {}


def test_without_a_history_the_last_loss_is_known(planned: Plan) -> None:
    results = RecordedResults(planned)
    row = results.plan.rows[0]
    block = train(results.store, row.run, [1.0, 0.04 * LN3], {0: 30.0, 1: 31.0})
    block.model_copy(update={"history": None, "history_sha256": "h"}).write(results.store.path(block))
    found = measure(results, row)
    assert (list(found.losses), found.history, found.fits_at) == ([pytest.approx(4.0)], False, None)


def test_a_diverged_seed_has_no_part_in_the_losses(planned: Plan) -> None:
    results = RecordedResults(planned)
    losses = {0: [1.0, 0.04], 1: [1.0, 0.02], 2: [9.0, math.nan]}
    history = [
        {
            "seed": seed,
            "epoch": epoch,
            "rate": 0.1,
            "train_loss": LN3 * own[epoch - 1],
            "test_loss": 1.0,
            "test_error": 9.0,
        }
        for epoch in (1, 2)
        for seed, own in losses.items()
    ]
    results.store.publish(planned.rows[0].run, list(losses), history, provenance())
    assert list(measure(results, results.plan.rows[0]).losses) == pytest.approx([100.0, 3.0])


def test_the_published_setting_and_a_run_without_classes_are_always_informative(planned: Plan) -> None:
    results = RecordedResults(planned)
    published = replace(planned.rows[1], surrogate=None)
    assert why_uninformative(results, published, lower(planned)) is None
    numbers = planned.rows[1].run.model_copy(
        update={"dataset": planned.rows[1].run.dataset.model_copy(update={"name": "no2"})}
    )
    assert why_uninformative(results, replace(planned.rows[1], run=numbers), lower(planned)) is None


@pytest.mark.parametrize(
    ("scale", "seeds", "found"), [("embedded", 1, True), ("embedded", 2, False), ("reduced", 1, False)]
)
def test_one_seed_at_embedded_scale_is_a_smoke_test(planned: Plan, scale: Scale, seeds: int, found: bool) -> None:
    """It decides nothing, not even about a cost, which no network decides."""
    row = replace(planned.rows[0], scale=scale, seeds=seeds)
    cost = lower(planned).model_copy(update={"metric": "cost.share"})
    results = RecordedResults(planned)
    assert (why_uninformative(results, row, cost) == "it is a smoke test") == found
    assert why_uninformative(results, replace(row, surrogate=None), cost) is None


def test_a_technique_must_show_its_known_effect(planned: Plan) -> None:
    """Mixup stands for it here: its error is that of ERM in one of two seeds, and greater in the other."""
    known = [{"baseline": "erm", "treatment": "mixup", "metric": "test_error.last"}]
    experiment = planned.experiment.model_validate({**planned.experiment.model_dump(), "known_effects": known})
    results = RecordedResults(replace(planned, experiment=experiment))
    erm, mixup = results.plan.rows
    good(results, erm)
    train(results.store, mixup.run, [0.5, 0.5], {0: 30.0, 1: 33.0})
    records._runs_by_protocol.cache_clear()
    assert "the known effect of mixup over erm is -1.0" in str(why_uninformative(results, mixup, lower(planned)))
    assert "known effect" not in str(why_uninformative(results, erm, lower(planned)))


RECORDED = [
    # experiment, row, final loss, fits at, training error, corrupted error, test error
    ("between", "erm", 11.5, None, 4.15, None, 52.19),
    ("imagenet", "resnet50-90-erm", 70.4, None, None, None, 54.35),
    ("speech", "vgg11-erm", 0.2, 40.0, None, None, 20.60),
    ("corruption", "erm-20", 14.6, None, 5.32, 12.4, 61.09),
    ("corruption", "long-erm-50", 0.1, 50.0, 0.0, 0.0, 75.95),
    ("gap", "fashion-erm", 4.3, 80.0, 2.62, None, 16.03),
    ("speech", "long-vgg11-erm", 0.0, 13.3, None, None, 18.00),
    ("k-mixup", "fashion-erm", 5.7, None, None, None, 14.74),
]


@pytest.mark.parametrize(("experiment", "row", "loss", "fits_at", "training", "corrupted", "test"), RECORDED)
def test_what_is_on_record(
    experiment: str,
    row: str,
    loss: float,
    fits_at: float | None,
    training: float | None,
    corrupted: float | None,
    test: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an independent script computed it from the files, of the first five seeds."""
    monkeypatch.setattr(RecordedResults, "asked", lambda _, row, seed: seed < 5)
    path, read = committed()[experiment]
    earlier = len(read.earlier.get("reduced-cpu", []))
    results, planned = OnRecord(path, read, Config()).found[row][Sample("reduced-cpu", earlier=earlier)]
    found = fit(results, planned, recorded=True)
    assert found is not None
    assert found.training_loss == pytest.approx(loss, abs=0.06)
    assert found.fits_at == (fits_at and pytest.approx(fits_at, abs=0.5))
    assert found.corrupted_error == (corrupted and pytest.approx(corrupted, abs=0.05))
    assert found.training_error == (None if training is None else pytest.approx(training, abs=0.01))
    assert found.test_error == pytest.approx(test, abs=0.006)


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ({"name": "digits"}, (600, 600)),
        ({"name": "iris", "holdout": 0.5}, (75, 75)),
        ({"name": "iris", "holdout": 30}, (30, 30)),
        ({"name": "fsdd"}, (500, 1)),  # one speaker
        ({"name": "uci-har"}, (2947, 9)),
        ({"name": "ecg-rhythms"}, (250, 50)),
    ],
)
def test_the_size_of_the_test_set(dataset: dict[str, Any], expected: tuple[int, int]) -> None:
    assert size_of_test_set(Dataset.model_validate(dataset)) == expected


def test_an_attack_on_record_leaves_room_where_it_is_weak() -> None:
    path, read = committed()["adversarial"]
    claims = {claim.id: claim for claim in read.claims}
    on_record = OnRecord(path, read, Config()).found

    def why_not(row: str, claim: str) -> str | None:
        results, planned = on_record[row][Sample("reduced-cpu", freeze=None, earlier=0)]
        return why_uninformative(results, planned, claims[claim])

    assert why_not("fit-fgsm-erm", "robust-to-weak-fgsm") is None
    strong = str(why_not("white-fgsm-erm", "robust-to-white-box-fgsm"))
    assert "ERM's error under attack is 89.1 %, less than 5 points below chance" in strong


def test_an_ablation_on_record_knows_its_erm_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was recorded for other rows: seven claims once were undecided for that reason."""
    monkeypatch.setattr(RecordedResults, "asked", lambda _, row, seed: seed < 5)
    path, read = committed()["ablation"]
    claims = {claim.id: claim for claim in read.claims}
    on_record = OnRecord(path, read, Config()).found
    for name in ("mixup-lowers-error", "smote-no-gain", "noise-hurts"):
        for row in claims[name].baselines:
            results, planned = on_record[row][Sample("reduced-cpu", earlier=1)]
            reason = str(why_uninformative(results, planned, claims[name]))
            assert "not trained" not in reason
            assert "final training loss is 11." in reason
