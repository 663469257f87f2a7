"""CutMix: the pixels of the box, its clipping at the border, and the share that the target goes by."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.training.samples import IMAGES, MIXUP, TABLE, draw, finished, image_spec, images, start

from remixup.config.run import RunSpec
from remixup.mixing import Mixing
from remixup.mixing.blend import cutmix

X = torch.arange(1.0, 33.0).expand(2, 3, 32).reshape(2, 3, 4, 8)  # two images: three channels, 4 rows, 8 columns


@pytest.mark.parametrize(
    ("ratio", "position", "rows", "columns"),
    [
        # half of each side: 2 of 4 rows and 4 of 8 columns, around row 2 and column 4
        (0.75, (0.5, 0.5), (1, 3), (2, 6)),
        # around the first pixel a quarter of the box is left
        (0.75, (0.0, 0.0), (0, 1), (0, 2)),
        # around the last row and column, 3 and 7: the far half is clipped, but for the center itself
        (0.75, (0.999, 0.999), (2, 4), (5, 8)),
        # sqrt(0.5) of 4 and 8 are 2.8 and 5.7: sides of 2 and 5, of which 1 and 2 to each side of the center
        (0.5, (0.5, 0.5), (1, 3), (2, 6)),
        (1.0, (0.3, 0.3), (0, 0), (0, 0)),
        (0.0, (0.5, 0.5), (0, 4), (0, 8)),
    ],
)
def test_the_box_by_hand(ratio, position, rows, columns):
    mixed, kept = cutmix(X, -X, torch.tensor(ratio, dtype=torch.float64), torch.tensor(position))
    expected = X.clone()
    expected[:, :, slice(*rows), slice(*columns)] *= -1
    assert torch.equal(mixed, expected)
    assert mixed.dtype == X.dtype
    area = (rows[1] - rows[0]) * (columns[1] - columns[0])
    assert kept.item() == 1 - area / 32


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    ratio=st.floats(0, 1),
    row=st.floats(0, 1, exclude_max=True, width=32),
    column=st.floats(0, 1, exclude_max=True, width=32),
)
def test_the_target_goes_by_the_exact_area(height, width, ratio, row, column):
    x = torch.zeros(1, 1, height, width)
    mixed, kept = cutmix(x, x + 1, torch.tensor(ratio, dtype=torch.float64), torch.tensor([row, column]))
    assert kept.item() == pytest.approx(1 - mixed.mean().item(), abs=1e-6)
    assert mixed.sum() <= math.floor(height * math.sqrt(1 - ratio)) * math.floor(width * math.sqrt(1 - ratio))


def test_mixed_targets_by_hand():
    mixing = Mixing.compose(blend={"name": "cutmix"})
    x, position = torch.stack([X[0], -X[0]]), torch.tensor([0.0, 0.0])
    mixed, target = mixing.mix(x, torch.eye(2), torch.tensor(0.75), torch.tensor([1, 0]), position)
    assert target.tolist() == [[0.9375, 0.0625], [0.0625, 0.9375]]  # 2 of 32 pixels
    assert mixed[0, 0, :2, :3].tolist() == [[-1, -2, 3], [9, 10, 11]]


def test_networks_side_by_side_and_examples_have_boxes_of_their_own():
    ratio, position = torch.tensor([0.75, 1.0]), torch.tensor([[0.5, 0.5], [0.1, 0.9]])
    together, kept = cutmix(X, -X, ratio, position)
    for k in range(2):
        alone, share = cutmix(X[k], -X[k], ratio[k], position[k])
        assert torch.equal(together[k], alone)
        assert kept[k] == share
    members, _ = cutmix(torch.stack([X, X]), -torch.stack([X, X]), ratio, position)
    assert torch.equal(members[0, 1], together[0])


def test_training_draws_a_position_for_each_batch_apart_from_ratios_and_partners():
    plain = draw(start(image_spec(mixing=MIXUP), images()))
    boxes = draw(start(image_spec(mixing={**MIXUP, "blend": "cutmix"}), images()))
    for batch, other in zip(boxes, plain, strict=True):
        [drawn], [expected] = batch.rounds, other.rounds
        assert drawn.position.shape == (1, 2)
        assert torch.equal(drawn.ratio, expected.ratio)
        assert torch.equal(drawn.partner, expected.partner)
    assert len({tuple(batch.rounds[0].position[0].tolist()) for batch in boxes}) == len(boxes)


def test_a_network_learns_with_cutmix():
    losses = [row["train_loss"] for row in finished(image_spec(mixing={**MIXUP, "blend": "cutmix"}), images()).history]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({**TABLE, "mixing": {**MIXUP, "blend": "cutmix"}}, r"run\.mixing\.blend: cutmix is for images"),
        (
            {**IMAGES, "mixing": {"ratio": {"name": "dirichlet", "alpha": 1.0}, "blend": "cutmix"}},
            r"run\.mixing\.blend: cutmix mixes two examples, and the ratio dirichlet mixes several",
        ),
    ],
)
def test_a_plan_for_other_data_is_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        RunSpec.model_validate(spec)
