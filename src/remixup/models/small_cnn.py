"""A small convolutional network with group norm, for private training."""

from collections import OrderedDict
from typing import Annotated

from annotated_types import Ge
from torch import nn

from remixup.errors import UserError
from remixup.models import image_channels

NUMERICS = 1


def small_cnn(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    widths: tuple[int, ...] = (32, 64, 128),
    groups: Annotated[int, Ge(1)] = 8,
) -> nn.Sequential:
    """Stack 3x3 convolutions, each with group norm, ReLU and a 2x2 mean: images (B, C, H, W) to logits (B, classes).

    Group norm (Wu and He, 2018, 1803.08494) looks at one example alone, as private training asks. The stem is the first
    of the convolutions. Initialization: PyTorch's defaults.

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        widths: channels of the convolutions.
        groups: of channels in each norm.

    Raises:
        UserError: inputs that are no images or too small for the number of convolutions, no widths, or one that is no
            multiple of the groups.
    """
    channels = image_channels(input_shape, "small_cnn")
    side = min(input_shape[1:]) // 2 ** len(widths)
    if not widths or any(width < 1 or width % groups for width in widths):
        hint = f"multiples of {groups}, or other `groups`"
        raise UserError(f"widths {tuple(widths)} in {groups} groups", where="run.model.widths", hint=hint)
    if side < 1:
        what = f"images of {input_shape[1]} x {input_shape[2]} cannot be halved {len(widths)} times"
        raise UserError(what, where="run.model.widths", hint="fewer of them")
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for number, width in enumerate(widths):
        stages[f"stage{number}" if number else "stem"] = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.GroupNorm(groups, width), nn.ReLU(), nn.AvgPool2d(2)
        )
        channels = width
    features = channels * (input_shape[1] // 2 ** len(widths)) * (input_shape[2] // 2 ** len(widths))
    stages["head"] = nn.Sequential(nn.Flatten(), nn.Linear(features, classes))
    return nn.Sequential(stages)
