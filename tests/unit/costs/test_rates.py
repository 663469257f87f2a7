"""Rates follow from what runs took, and depend on the network, the precision and the seeds of a batch alone."""

from types import SimpleNamespace

import pytest

from remixup.analysis import records
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.costs import rates
from remixup.costs.rates import Trained, measure, most_recorded, rate_key, seconds
from remixup.maintenance import evidence_queue
from remixup.store.run_store import Store
from remixup.training.flops import training_operations
from tests.unit.store.samples import provenance

RUN = RunSpec(
    dataset={"name": "mnist", "version": "idx", "subset": 1000},
    model={"name": "preact_resnet", "width": 8, "blocks": [1]},
    optimizer={"name": "adam", "lr": 0.001},
    epochs=4,
    batch_size=100,
)
LONGER = RUN.model_copy(update={"epochs": 8, "schedule": {"name": "steps", "milestones": [5]}})
MLP = RUN.model_copy(update={"model": {"name": "mlp"}})


def trained(spec, time, seeds=1, hardware="here", sharing=1):
    return Trained(spec, seeds, time, hardware, sharing)


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        ([trained(RUN, 10.0), trained(RUN, 12.0), trained(RUN, 50.0)], 12.0),
        # Twice the epochs are twice the operations, whatever the schedule.
        ([trained(LONGER, 10.0)], 5.0),
        # The median over all runs: one that met a busy machine does not decide.
        ([trained(RUN, 90.0), trained(LONGER, 14.0), trained(LONGER, 16.0)], 8.0),
        ([trained(RUN.model_copy(update={"model": {**RUN.model, "width": 16}}), 10.0)], None),
        ([trained(RUN.model_copy(update={"precision": "bfloat16"}), 10.0)], None),
        ([trained(RUN, 10.0, hardware="elsewhere")], None),
        # Runs that shared the device took longer than one alone.
        ([trained(RUN, 10.0), trained(RUN, 18.0, sharing=2), trained(RUN, 18.0, sharing=2)], 10.0),
        ([], None),
    ],
)
def test_seconds_follow_from_runs_of_the_same_network_on_the_same_hardware(finished, expected):
    assert seconds(RUN, 1, measure(finished, "here")) == pytest.approx(expected)


def test_a_shared_device_has_a_rate_of_its_own():
    finished = [trained(RUN, 10.0), trained(RUN, 18.0, sharing=2)]
    assert seconds(RUN, 1, measure(finished, "here", runs_per_device=2)) == pytest.approx(18.0)


def test_seeds_in_turn_add_up_and_batched_seeds_have_a_rate_of_their_own():
    assert seconds(RUN, 5, measure([trained(RUN, 10.0)], "here")) == pytest.approx(50.0)
    batched = measure([trained(MLP, 10.0, seeds=5)], "here")
    assert seconds(MLP, 5, batched) == pytest.approx(10.0)
    assert seconds(MLP, 4, batched) is None
    assert batched == {rate_key(MLP, 5): pytest.approx(10.0 / (5 * training_operations(MLP)))}


def test_the_device_with_the_most_seeds_on_record():
    finished = [trained(RUN, 1.0), trained(RUN, 1.0), trained(MLP, 1.0, seeds=5, hardware="elsewhere")]
    assert most_recorded(finished) == "elsewhere"
    assert most_recorded([]) == ""


def publish(store, spec, *times):
    """Store seeds of a run that took some time."""
    for seed, time in enumerate(times):
        history = [{"seed": seed, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 2.0, "test_error": 3.0}]
        store.publish(spec, [seed], history, provenance(seconds=time, hardware="here"))


def test_records_and_the_run_store_say_what_runs_took(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "HOME", tmp_path / "records")
    publish(Store(records.HOME), RUN, 1.0, 3.0)
    assert list(rates.recorded()) == [trained(RUN, 1.0), trained(RUN, 3.0)]
    store = Store(tmp_path)
    publish(store, RUN, 2.0)
    assert list(rates.stored(store, [RUN.key()])) == [trained(RUN, 2.0)]


def test_evidence_takes_as_long_as_records_say(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "HOME", tmp_path)
    publish(Store(tmp_path), LONGER, 10.0)
    monkeypatch.setattr(rates, "this_device", lambda _: "here")
    rates._rates_on_record.cache_clear()
    plan = SimpleNamespace(scale="reduced-cpu")
    assert evidence_queue.Task(Config(), plan, RUN, 3).seconds == pytest.approx(5.0), "a task adds one seed"
    assert evidence_queue.Task(Config(), plan, MLP, 3).seconds is None
    rates._rates_on_record.cache_clear()
