"""What docs/comparison.md says of the behavior of other libraries, and of the versions that are installed."""

from importlib import metadata
from pathlib import Path

import pytest
import torch
from timm.data.mixup import Mixup
from torchvision.transforms import v2

PAGE = (Path(__file__).parents[2] / "docs/comparison.md").read_text()
X, Y = torch.rand(8, 3, 4, 4), torch.arange(8)
LIBRARIES = {"timm": Mixup(mixup_alpha=1.0, num_classes=8), "torchvision": v2.MixUp(alpha=1.0, num_classes=8)}


def shape(library, x, y):
    return tuple(LIBRARIES[library](x.clone(), y)[1].shape)


def test_the_page_names_the_installed_versions():
    assert f"timm {metadata.version('timm')} " in PAGE
    assert f"torchvision {metadata.version('torchvision').rpartition('.')[0]} " in PAGE
    assert (Path(v2.__file__).parents[2] / "py.typed").exists() is False


def test_integer_one_hot_labels():
    assert shape("timm", X, torch.eye(8).long()) == (64, 8)
    assert shape("torchvision", X, torch.eye(8).long()) == (8, 8)


@pytest.mark.parametrize("library", LIBRARIES)
def test_uint8_images_are_an_error_of_torch(library):
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type Byte"):
        shape(library, (255 * X).to(torch.uint8), Y)


def test_shapes_and_odd_minibatches():
    assert shape("timm", X[:, :, :, 0], Y) == (8, 8)
    with pytest.raises(ValueError, match="Expected a batched input with 4 dims"):
        shape("torchvision", X[:, :, :, 0], Y)
    assert shape("torchvision", X[:7], Y[:7]) == (7, 8)
    with pytest.raises(AssertionError, match="even"):
        shape("timm", X[:7], Y[:7])


def test_who_overwrites_the_input():
    for library, mixing in LIBRARIES.items():
        x = X.clone()
        mixed, _ = mixing(x, Y)
        assert (mixed is x, torch.equal(x, X)) == ((True, False) if library == "timm" else (False, True))


def test_partners_are_the_mirrored_position_and_the_neighbor():
    for library, partner in {"timm": Y.flip(0), "torchvision": Y.roll(1)}.items():
        _, target = LIBRARIES[library](X.clone(), Y)
        target[Y, Y] = 0
        assert torch.equal(target.argmax(1), partner)


def test_where_the_randomness_comes_from():
    import numpy as np

    for library, seed in {"timm": np.random.seed, "torchvision": torch.manual_seed}.items():
        seed(3)
        first = LIBRARIES[library](X.clone(), Y)[0]
        seed(3)
        assert torch.equal(LIBRARIES[library](X.clone(), Y)[0], first)


@pytest.mark.slow
def test_which_compile_as_one_graph():
    compiled = {name: torch.compile(mixing, fullgraph=True, backend="eager") for name, mixing in LIBRARIES.items()}
    assert compiled["torchvision"](X, Y)[1].shape == (8, 8)
    with pytest.raises(Exception, match="data-dependent"):
        compiled["timm"](X.clone(), Y)
