"""What one step of the optimizer is made of: its parts, and its learning rate."""

import copy

import pytest
import torch
from torch.nn import functional as F

from remixup.training.schedules import constant, steps, warmup_steps
from tests.unit.training.samples import MIXUP, draw, finished, image_spec, images, rounds, start, table, table_spec

CALM = {"augmentation": [], "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1]}}
RISE = {"name": "warmup_steps", "milestones": [3], "warmup": 2}


@pytest.mark.parametrize(("micro", "sizes"), [(6, [6, 6, 4] * 3 + [2]), (16, [16, 16, 16, 2]), (8, [8] * 6 + [2])])
@pytest.mark.parametrize("mixing", [{}, MIXUP])
def test_a_step_averages_the_gradients_of_its_parts(micro, sizes, mixing):
    """Each part with statistics, ratio and partners of its own; 50 examples make minibatches of 16, 16, 16 and 2."""
    optimizer = {"name": "sgd", "lr": 0.05, "momentum": 0.9}
    spec = image_spec(
        **CALM, optimizer=optimizer, schedule="constant", mixing=mixing, micro_batch=micro if micro < 16 else None
    )
    training = start(spec, images())
    network = copy.deepcopy(training.model).train()
    plain = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    batches = draw(training)
    assert [batch.size for batch in batches] == sizes
    losses, remaining = 0.0, iter(batches)
    for size in (16, 16, 16, 2):
        gradients = [torch.zeros_like(parameter) for parameter in network.parameters()]
        done = 0
        while done < size:
            batch = next(remaining)
            rows = batch.order[0]
            x, y = training.inputs.scale(training.inputs.x[rows]), training.inputs.y[rows]
            if mixing:
                [(lam, partner)] = rounds(batch)
                lam, other = lam.item(), partner[0]
                out = network(lam * x + (1 - lam) * x[other])
                loss = lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, y[other])
            else:
                loss = F.cross_entropy(network(x), y)
            found = torch.autograd.grad(loss, list(network.parameters()))
            for total, each in zip(gradients, found, strict=True):
                total += each * len(rows) / size
            losses += loss.item() * len(rows)
            done += len(rows)
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter.grad = gradient
        plain.step()
    training._train_epoch()
    for ours, theirs in zip(training.model.state_dict().values(), network.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert training.history[-1]["train_loss"] == pytest.approx(losses / 50, rel=1e-4)


def test_without_batch_statistics_and_mixing_parts_change_nothing():
    whole, parts = finished(table_spec(), table()), finished(table_spec(micro_batch=3), table())
    for row, other in zip(whole.history, parts.history, strict=True):
        assert row == pytest.approx(other, rel=1e-3)


def test_parts_have_ratios_of_their_own():
    batches = draw(start(image_spec(**CALM, mixing=MIXUP, micro_batch=5), images()))
    assert [batch.size for batch in batches] == [5, 5, 5, 1] * 3 + [2]
    ratios = [ratio.item() for batch in batches for ratio, _ in rounds(batch)]
    assert len(set(ratios)) == len(batches) == 13
    for batch in batches:
        [(_, partner)] = rounds(batch)
        assert partner.sort(-1).values.tolist() == [list(range(batch.size))]


def test_the_rate_rises_linearly_then_drops():
    """The paper's ImageNet schedule: 0.1 to 0.4 in five epochs, a tenth of it at epochs 30 and 60."""
    rates = [
        0.4 * warmup_steps(epoch, 90, milestones=(30, 60)) for epoch in (0, 1, 2.5, 4.99, 5, 29.999, 30, 59, 60, 89)
    ]
    assert rates == pytest.approx([0.1, 0.16, 0.25, 0.3994, 0.4, 0.4, 0.04, 0.04, 0.004, 0.004])
    assert warmup_steps(1, 10, milestones=(), warmup=2, start=0.5) == 0.75
    assert warmup_steps(1, 10, milestones=(1,), factor=0.5, warmup=2, start=0.5) == 0.375


@pytest.mark.parametrize("epoch", [0, 0.5, 1, 1.999, 2, 7.3])
def test_steps_and_constant_at_parts_of_an_epoch(epoch):
    assert constant(epoch, 9) == 1.0
    assert steps(epoch, 9, milestones=(1, 2), factor=0.5) == (1 if epoch < 1 else 0.5 if epoch < 2 else 0.25)


def test_the_rate_is_set_step_by_step():
    """Four steps an epoch; of parts there are more, but they share their step's rate."""
    training = start(image_spec(**CALM, optimizer={"name": "sgd", "lr": 0.8}, schedule=RISE, micro_batch=8), images())
    rates, step = [], training.optimizer.step
    training.optimizer.step = lambda: (rates.append(training.optimizer.param_groups[0]["lr"]), step())
    training.run(lambda _: None)
    expected = [0.8 * (0.25 + 0.75 * k / 8) for k in range(8)] + [0.8] * 4 + [0.08] * 4
    assert rates == pytest.approx(expected)
    assert [row["rate"] for row in training.history] == pytest.approx(expected[3::4])
