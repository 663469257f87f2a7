"""Partners assigned in the loop: in what the network sees where it is mixed, each member by itself."""

import pytest
import torch
from torch.nn import functional as F

from remixup.mixing.partner.transport import transport
from remixup.randomness import generator
from tests.unit.training.samples import MIXUP, finished, image_spec, images, start, table, table_spec
from tests.unit.training.test_mixing_in_the_loop import CALM, check, examples

K = 4


@pytest.mark.parametrize("cut", [0, 1])
def test_partners_are_assigned_where_they_are_mixed(cut):
    """By hand from the permutation that mixup draws: scaled inputs, or the features at the cut; 50 = 25 + 25 images."""
    mixing = {**MIXUP, "cut": cut, "partner": {"name": "transport", "k": K}}
    training = start(image_spec(**CALM, mixing=mixing, batch_size=25), images())
    keys = torch.rand((2, 25), dtype=torch.float64, generator=generator(0, "partner", 0))
    drawn = keys.argsort(dim=-1)
    moved = []

    def step(network, batch, number, rows):
        (x,), (y,) = examples(training, batch)
        before = network[:cut](x)
        other = transport(before, drawn[number], k=K)
        moved.append(not other.equal(drawn[number]))
        lam = batch.rounds[0].ratio.float().item()
        out = network[cut:](lam * before + (1 - lam) * before[other])
        return (lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, y[other])).unsqueeze(0)

    check(training, step)
    assert any(moved)


@pytest.mark.parametrize("spec", [table_spec, image_spec])
def test_blocks_of_one_are_mixup_to_the_bit(spec):
    """Whole trainings, with augmentation, dropout and an incomplete last minibatch."""
    data = images() if spec is image_spec else table()
    mixup, one, four = (
        finished(spec(mixing={**MIXUP, **({"partner": {"name": "transport", "k": k}} if k else {})}), data)
        for k in (None, 1, K)
    )
    assert one.history == mixup.history
    for ours, theirs in zip(one.model.parameters(), mixup.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert four.history != mixup.history


def test_a_member_is_assigned_the_same_partners_alone_and_with_other_seeds():
    spec = table_spec(mixing={**MIXUP, "partner": {"name": "transport", "k": K}})
    together, alone = finished(spec, table(), seeds=(0, 3)), finished(spec, table(), seeds=(3,))
    assert [row for row in together.history if row["seed"] == 3] == alone.history
