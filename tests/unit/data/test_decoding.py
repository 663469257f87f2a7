"""Crops of image files: values against Pillow and torchvision, and how areas, shapes and places are distributed."""

import random

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import ks_2samp, kstest
from torchvision.transforms import v2

from remixup.data import decoding
from remixup.data.decoding import random_resized_crop

SIZES = [(375, 500), (500, 333), (80, 80), (40, 61), (300, 40)]  # height, width


def picture(height, width, seed=0):
    """A smooth picture with some noise, uint8 (3, height, width)."""
    source = np.random.RandomState(seed)
    coarse = Image.fromarray(source.randint(0, 256, (7, 9, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    noisy = np.asarray(coarse).astype(int) + source.randint(-20, 21, (height, width, 3))
    return torch.from_numpy(noisy.clip(0, 255).astype(np.uint8)).permute(2, 0, 1)


def by_pillow(image, box, width, height):
    """The crop (left, top, right, bottom), resized."""
    whole = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    resized = whole.crop(box).resize((width, height), Image.BILINEAR)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


def largest_difference(a, b):
    return (a.int() - b.int()).abs().max().item()


def boxes(height, width, area, count=4000):
    return np.array([decoding._crop(height, width, area, random.Random(seed)) for seed in range(count)])


def by_torchvision(height, width, area, count=4000):
    image = torch.empty(3, height, width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        chosen = v2.RandomResizedCrop(8, scale=(area, 1.0))
        given = [chosen.make_params([image]) for _ in range(count)]
    return np.array([[each[key] for key in ("top", "left", "height", "width")] for each in given])


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("size", [24, 56, 224])
def test_the_crop_of_an_evaluation_is_the_center_of_the_resized_image(height, width, size):
    shown = random_resized_crop(image := picture(height, width), None, size=size)
    assert shown.shape == (3, size, size)
    assert shown.dtype == torch.uint8
    shorter = {24: 27, 56: 64, 224: 256}[size]
    assert torch.equal(shown, v2.CenterCrop(size)(v2.Resize(shorter, antialias=True)(image)))
    tall, wide = (shorter * side // min(height, width) for side in (height, width))
    left, top = round((wide - size) / 2), round((tall - size) / 2)
    whole = by_pillow(image, (0, 0, width, height), wide, tall)
    assert largest_difference(shown, whole[:, top : top + size, left : left + size]) <= 1


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_crop_of_training_has_the_pixels_that_pillow_gives(height, width):
    image = picture(height, width)
    for seed in range(20):
        top, left, tall, wide = decoding._crop(height, width, 0.08, random.Random(seed))
        expected = by_pillow(image, (left, top, left + wide, top + tall), 24, 24)
        assert largest_difference(random_resized_crop(image, seed, size=24), expected) <= 1


@pytest.mark.parametrize(("height", "width", "area"), [(375, 500, 0.08), (500, 333, 0.3), (600, 600, 0.5)])
def test_areas_shapes_and_places_are_distributed_as_torchvision_has_them(height, width, area):
    ours, theirs = boxes(height, width, area), by_torchvision(height, width, area)
    for quantity in (
        lambda box: box[:, 2] * box[:, 3],
        lambda box: np.log(box[:, 3] / box[:, 2]),
        lambda box: box[:, 0] / np.maximum(1, height - box[:, 2]),
        lambda box: box[:, 1] / np.maximum(1, width - box[:, 3]),
    ):
        assert ks_2samp(quantity(ours), quantity(theirs)).pvalue > 0.001


def test_small_crops_are_uniform_in_area_and_in_the_logarithm_of_the_shape():
    # Of crops under a quarter of the area none is too wide or too tall, so none is drawn again.
    box = boxes(4000, 4000, 0.08, count=8000)
    share = box[:, 2] * box[:, 3] / 4000**2
    small = box[share < 0.25]
    assert kstest(share[share < 0.25], "uniform", (0.08, 0.17)).pvalue > 0.01
    shape = np.log(small[:, 3] / small[:, 2]) / np.log(4 / 3)
    assert kstest(shape, "uniform", (-1, 2)).pvalue > 0.01
    assert np.corrcoef(share[share < 0.25], shape)[0, 1] == pytest.approx(0, abs=0.08)


@pytest.mark.parametrize(("height", "width"), SIZES[:4])
def test_crops_lie_inside_and_keep_to_their_limits(height, width):
    top, left, tall, wide = boxes(height, width, 0.2).T
    assert min(top.min(), left.min()) == 0
    assert ((top + tall).max(), (left + wide).max()) == (height, width)
    slack = 0.5 / np.minimum(tall, wide)  # sides are whole pixels
    assert (tall * wide >= 0.2 * height * width * (1 - 2 * slack)).all()
    assert (np.abs(np.log(wide / tall)) <= np.log(4 / 3) + 2.1 * slack).all()


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(30, 300, (0, 130, 30, 40)), (300, 30, (130, 0, 40, 30)), (30, 33, (0, 0, 30, 33))],
)
def test_after_ten_tries_in_vain_the_largest_crop_of_the_center(height, width, expected):
    class Whole(random.Random):
        """Draws the whole area at the widest shape, which never fits."""

        def __init__(self):
            self.draws = 0

        def random(self):
            self.draws += 1
            return 1 - 2**-53

    source = Whole()
    assert decoding._crop(height, width, 0.08, source) == expected
    assert source.draws == 20


def test_the_whole_of_a_square_image_is_left_as_it_is():
    image = picture(24, 24)
    assert torch.equal(random_resized_crop(image, 5, size=24, area=1.0), image)


def test_a_crop_depends_on_its_seed_alone():
    image = picture(60, 80)
    first = [random_resized_crop(image, seed, size=16) for seed in range(50)]
    random.seed(3)
    torch.manual_seed(3)
    again = [random_resized_crop(image, seed, size=16) for seed in reversed(range(50))]
    assert all(torch.equal(a, b) for a, b in zip(first, reversed(again), strict=True))
    assert len({crop.numpy().tobytes() for crop in first}) == 50
    # What Python's generator gives for a seed of 63 bits, of which none may be lost.
    assert not torch.equal(random_resized_crop(image, 2**62, size=16), random_resized_crop(image, 2**62 + 1, size=16))


def test_the_same_crops_as_ever():
    expected = [(1, 17, 372, 432), (151, 72, 177, 216), (67, 238, 214, 241)]
    assert [decoding._crop(375, 500, 0.08, random.Random(seed)) for seed in (0, 1, 2**62)] == expected
    assert decoding.NUMERICS == 1
