import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import functional as torchvision_functional

from remixup.data.augmentation import horizontal_flip, random_crop, random_shift

JUST_BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))


def pictures(count: int, channels: int = 3, height: int = 8, width: int = 8) -> Tensor:
    source = torch.Generator().manual_seed(5)
    # No zeros: a pixel of the padding is told from one of the picture.
    return torch.randint(1, 256, (count, channels, height, width), generator=source, dtype=torch.uint8)


def cropped_one_by_one(images: Tensor, offsets: list[tuple[int, int]], padding: int) -> Tensor:
    height, width = images.shape[2:]
    sheet = np.pad(images.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    cuts = [sheet[i, :, top : top + height, left : left + width] for i, (top, left) in enumerate(offsets)]
    return torch.from_numpy(np.stack(cuts))


@pytest.mark.parametrize(("padding", "height", "width"), [(4, 32, 32), (2, 8, 8), (1, 5, 7), (0, 3, 4)])
def test_every_window_equals_the_crop_made_image_by_image(padding: int, height: int, width: int) -> None:
    side = 2 * padding + 1
    offsets = list(itertools.product(range(side), repeat=2))
    images = pictures(len(offsets), 3, height, width)
    uniforms = (torch.tensor(offsets) + 0.5) / side  # the middle of each window's share of [0, 1)
    assert torch.equal(random_crop(images, uniforms, padding=padding), cropped_one_by_one(images, offsets, padding))


def test_the_middle_window_is_the_image_itself_and_the_corners_show_the_padding() -> None:
    images = pictures(3)
    uniforms = torch.tensor([[0.5, 0.5], [0.0, 0.0], [JUST_BELOW_ONE, JUST_BELOW_ONE]])
    middle, first, last = random_crop(images, uniforms, padding=2)
    assert torch.equal(middle, images[0])
    assert torch.equal(first[:, 2:, 2:], images[1, :, :-2, :-2])
    assert not first[:, :2].any()
    assert not first[:, :, :2].any()
    assert torch.equal(last[:, :-2, :-2], images[2, :, 2:, 2:])
    assert not last[:, -2:].any()


@pytest.mark.parametrize("padding", [0, 1, 2, 3, 4, 7, 8, 12, 16, 31, 32, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_end_of_the_range_never_leaves_the_sheet(padding: int, dtype: torch.dtype) -> None:
    below = torch.nextafter(torch.ones(1, 2, dtype=dtype), torch.zeros(1, 2, dtype=dtype))
    images = pictures(1)
    last = cropped_one_by_one(images, [(2 * padding, 2 * padding)], padding)
    assert torch.equal(random_crop(images, below, padding=padding), last)


def test_windows_are_equally_likely() -> None:
    draws, side = 81 * 400, 9
    uniforms = torch.rand(draws, 2, generator=torch.Generator().manual_seed(0))
    # One lit pixel in the middle of a 9 x 9 image: where it lands tells the window.
    image = torch.zeros(1, 1, side, side)
    image[0, 0, 4, 4] = 1
    landed = random_crop(image.expand(draws, -1, -1, -1), uniforms, padding=4)
    assert torch.equal(landed.sum((1, 2, 3)), torch.ones(draws))
    counts = landed.sum((0, 1)).flatten().double()
    chi_square = ((counts - 400) ** 2 / 400).sum().item()
    assert 35 < chi_square < 140  # 80 degrees of freedom, mean 80, standard deviation 12.6


def test_rows_and_columns_are_chosen_by_their_own_numbers() -> None:
    images = pictures(2)
    moved = random_crop(images, torch.tensor([[0.0, 0.5], [0.5, 0.0]]), padding=1)
    assert torch.equal(moved[0, :, 1:], images[0, :, :-1])
    assert torch.equal(moved[1, :, :, 1:], images[1, :, :, :-1])


def test_flip_mirrors_exactly_the_images_below_one_half() -> None:
    images = pictures(5, height=3, width=4)
    below_half = float(np.nextafter(np.float32(0.5), np.float32(0)))
    first = torch.tensor([0.0, below_half, 0.5, 0.75, JUST_BELOW_ONE])
    flipped = horizontal_flip(images, torch.stack([first, 1 - first], dim=1))
    assert torch.equal(flipped[:2], torchvision_functional.hflip(images[:2]))
    assert torch.equal(flipped[2:], images[2:])


@pytest.mark.parametrize("part", [random_crop, horizontal_flip])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_dtype_and_memory_format_are_kept_and_change_no_value(part, dtype, memory_format) -> None:
    images = pictures(16).to(dtype).contiguous(memory_format=memory_format)
    uniforms = torch.rand(16, 2, generator=torch.Generator().manual_seed(1))
    result = part(images, uniforms)
    assert result.dtype == dtype
    assert result.is_contiguous(memory_format=memory_format)
    assert torch.equal(result, part(images.contiguous(), uniforms))
    assert not torch.equal(result, images)


@pytest.mark.parametrize("part", [random_crop, horizontal_flip])
def test_the_arguments_are_left_alone_and_the_result_is_new(part) -> None:
    images, uniforms = pictures(4), torch.tensor([[0.5, 0.5]]).repeat(4, 1)
    before = images.clone()
    part(images, uniforms).zero_()
    assert torch.equal(images, before)
    assert torch.equal(uniforms, torch.full((4, 2), 0.5))


@pytest.mark.parametrize("part", [random_crop, horizontal_flip])
def test_nothing_waits_for_the_device(part) -> None:
    # Meta tensors have no values: whatever asks for one (item, nonzero, a Python branch) fails.
    result = part(torch.empty(128, 3, 32, 32, dtype=torch.uint8, device="meta"), torch.empty(128, 2, device="meta"))
    assert result.shape == (128, 3, 32, 32)
    assert result.dtype == torch.uint8


def test_crop_and_flip_compile_to_one_graph() -> None:
    def both(images: Tensor, uniforms: Tensor) -> Tensor:
        return horizontal_flip(random_crop(images, uniforms), uniforms)

    images, uniforms = pictures(6), torch.rand(6, 2, generator=torch.Generator().manual_seed(2))
    compiled = torch.compile(both, fullgraph=True, backend="eager")
    assert torch.equal(compiled(images, uniforms), both(images, uniforms))


def test_a_shift_by_parts_of_a_pixel_by_hand():
    image = torch.tensor([[0.0, 8.0, 0.0], [0.0, 0.0, 4.0]]).view(1, 1, 2, 3)
    # 0.75 of the way from -0.5 to 0.5 is 0.25 down, 0.25 of it a quarter of a pixel to the left.
    moved = random_shift(image, torch.tensor([[0.75, 0.25]]), reach=0.5)
    down = torch.tensor([[0.0, 6.0, 0.0], [0.0, 2.0, 3.0]])
    left = torch.tensor([[1.5, 4.5, 0.0], [0.5, 2.25, 2.25]])
    assert torch.allclose(random_shift(image, torch.tensor([[0.75, 0.5]]), reach=0.5)[0, 0], down)
    assert torch.allclose(moved[0, 0], left)
    assert torch.equal(random_shift(image, torch.full((1, 2), 0.5), reach=1.0), image)


def test_a_shift_of_a_whole_pixel_is_a_crop():
    images = torch.randint(256, (4, 2, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    far = torch.tensor([[0.0, 0.0], [0.0, 0.999], [0.999, 0.0], [0.999, 0.999]])
    near_one = torch.where(far > 0, 1.0, 0.0)
    # A crop whose window starts low shows what was low: the picture moves up.
    assert torch.equal(random_shift(images, near_one, reach=1.0), random_crop(images, 0.999 - far, padding=1).float())
