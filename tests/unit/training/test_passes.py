import pytest
import torch

from remixup.config.run import RunSpec
from remixup.training.batches import draw_epoch
from remixup.training.flops import work
from remixup.training.optimizers import adam, adam_of_sums
from remixup.training.trainer import initial_model
from tests.unit.training.samples import MIXUP, TABLE, draw, finished, start, table, table_spec


def test_an_epoch_of_several_passes_shuffles_each_by_itself():
    training = start(table_spec(passes=3), table())
    steps, count = draw_epoch(training), training.inputs.train.shape[1]
    batches = [batch for step in steps for batch in step]
    passes = torch.cat([batch.order for batch in batches], dim=1).view(1, 3, count)
    assert torch.equal(passes.sort().values, torch.arange(count).expand(1, 3, -1))
    assert not torch.equal(passes[0, 0], passes[0, 1])
    # No minibatch takes from two passes: of 31 examples each ends with the 7 that are left.
    assert [batch.size for batch in batches] == 3 * [8, 8, 8, 7]
    assert len(steps) == 12


def test_one_pass_draws_what_an_epoch_always_drew():
    plain, one = start(table_spec(mixing=MIXUP), table()), start(table_spec(mixing=MIXUP, passes=1), table())
    for batch, other in zip(draw(plain), draw(one), strict=True):
        assert torch.equal(batch.order, other.order)
    assert plain.spec.key() == one.spec.key()


def test_every_pass_has_ratios_and_partners_of_its_own():
    batches = draw(start(table_spec(mixing=MIXUP, passes=4), table()))
    assert len(batches) == 16
    assert len({batch.rounds[0].ratio.item() for batch in batches}) == 16


def test_a_second_loader_passes_as_often_as_the_first():
    training = start(table_spec(mixing={**MIXUP, "partner": "second_loader"}, passes=3), table())
    batches, count = draw(training), training.inputs.train.shape[1]
    partners = torch.cat([batch.rounds[0].partner for batch in batches], dim=1).view(1, 3, count)
    assert torch.equal(partners.sort().values, torch.arange(count).expand(1, 3, -1))
    assert not torch.equal(partners[0, 0], partners[0, 1])
    assert [batch.rounds[0].partner.shape[1] for batch in batches] == [batch.size for batch in batches]


def test_the_loss_of_an_epoch_is_the_mean_over_its_passes():
    spec = table_spec(passes=5, optimizer={"name": "sgd", "lr": 1e-30}, epochs=1)
    training = finished(spec, table())
    expected = training.evaluate(training.inputs.train)["loss"]
    assert training.history[0]["train_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_the_original_training_examples_are_measured_as_they_are():
    training = finished(table_spec(mixing=MIXUP, measure_training=True), table())
    found = training.evaluate(training.inputs.train)
    assert training.history[-1]["original_error"] == float(found["error"])
    assert training.history[-1]["original_loss"] == float(found["loss"])
    assert "original_error" not in finished(table_spec(mixing=MIXUP), table()).history[-1]


def test_measuring_changes_nothing_else():
    plain, measured = (finished(table_spec(mixing=MIXUP, **more), table()) for more in ({}, {"measure_training": True}))
    for row, other in zip(plain.history, measured.history, strict=True):
        assert row.items() <= other.items()


def test_weights_are_drawn_anew_and_the_optimizer_remembers():
    spec = table_spec(epochs=2, fresh_weights=1, optimizer={"name": "adam", "lr": 1e-30})
    training = start(spec, table(), seeds=(0, 1))
    first = initial_model(spec, [0, 1], training.inputs)
    second = initial_model(spec, [0, 1], training.inputs, attempt=1)
    steps = []

    def look(now):
        expected = first if now.epoch == 1 else second
        for weight, fresh in zip(now.model.parameters(), expected.parameters(), strict=True):
            assert torch.allclose(weight, fresh, atol=1e-12)
        steps.append(float(next(iter(now.optimizer.state.values()))["step"]))

    training.run(look)
    assert not torch.equal(next(first.parameters()), next(second.parameters()))
    assert steps == [4.0, 8.0]  # four minibatches an epoch; the second does not start counting again


def test_fresh_weights_that_never_come_are_refused():
    with pytest.raises(ValueError, match="fresh_weights after 4 of 4 epochs has no effect"):
        RunSpec.model_validate({**TABLE, "fresh_weights": 4})


def test_sums_of_gradients_are_what_adam_gets_where_nothing_resets_them():
    torch.manual_seed(3)
    targets = torch.randn(6, 4)
    kept, summed = (torch.zeros(4, requires_grad=True) for _ in range(2))
    by_hand, ours = adam([kept], lr=0.1), adam_of_sums([summed], lr=0.1)
    for target in targets:
        ((kept - target) ** 2).sum().backward()  # no zero_grad: `kept.grad` goes on growing
        by_hand.step()
        ours.zero_grad(set_to_none=True)
        ((summed - target) ** 2).sum().backward()
        ours.step()
        assert torch.equal(kept, summed)


def test_work_counts_passes_and_measured_training_examples():
    spec = RunSpec.model_validate({**TABLE, "passes": 10, "measure_training": True})
    assert (work(spec).training, work(spec).evaluation) == (4 * 10 * 75, 4 * (75 + 75))
