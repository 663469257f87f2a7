"""Convolutional networks for spectrograms of one-second commands, as adiyoss/GCommandsPytorch has them.

The mixup paper (1710.09412, section 3.4) names LeNet and VGG-11 without details. That they are this code's is our
reading; it follows torch's default initialization. (In the PyTorch of its day batch norm's scales began uniform in
[0, 1); that they begin at 1, as in every release since 1.2, is our choice.)
"""

from collections import OrderedDict
from typing import Annotated

from annotated_types import Ge
from torch import nn

from remixup.errors import UserError
from remixup.models import image_channels

NUMERICS = 1

_VGG11 = ((1,), (2,), (4, 4), (8, 8), (8, 8))  # channels over `width`; a pool after each group


def lenet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Ge(1)] = 20,
    hidden: Annotated[int, Ge(1)] = 1000,
) -> nn.Sequential:
    """Build a LeNet of two 5x5 convolutions and two linear layers: spectrograms (B, C, H, W) to logits (B, classes).

    The convolutions have no padding; each is followed by a 2x2 max pool and a ReLU. Dropout of probability 0.5 takes
    whole channels of the second convolution before its pool, and hidden units before the last layer. Spectrograms of
    (1, 161, 101) give the first linear layer 16,280 features. Stage 1 is the second convolution, stage 2 the hidden
    layer.

    Args:
        input_shape: (C, H, W), H and W at least 16.
        classes: the number of outputs.
        width: channels of each convolution.
        hidden: units of the hidden linear layer.

    Raises:
        UserError: inputs that are no images, or images of less than 16 x 16.
    """
    channels = _channels(input_shape, 16, "lenet")
    height, left = (((size - 4) // 2 - 4) // 2 for size in input_shape[1:])
    stem = [nn.Conv2d(channels, width, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True)]
    second = [nn.Conv2d(width, width, 5), nn.Dropout2d(0.5), nn.MaxPool2d(2), nn.ReLU(inplace=True)]
    flat = [nn.Flatten(), nn.Linear(width * height * left, hidden), nn.ReLU(inplace=True)]
    return nn.Sequential(
        OrderedDict(
            stem=nn.Sequential(*stem),
            stage1=nn.Sequential(*second),
            stage2=nn.Sequential(*flat),
            head=nn.Sequential(nn.Dropout(0.5), nn.Linear(hidden, classes)),
        )
    )


def vgg11(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Ge(1)] = 64,
    hidden: Annotated[int, Ge(1)] = 512,
) -> nn.Sequential:
    """Build VGG-11 with batch norm: spectrograms (B, C, H, W) to logits (B, classes).

    Simonyan & Zisserman 2015 (1409.1556, configuration A) up to the last pool, then two linear layers with neither a
    non-linearity nor dropout between them. Spectrograms of (1, 161, 101) give the first of these 7,680 features. The
    stem and each stage end with a pool.

    Args:
        input_shape: (C, H, W), H and W at least 32.
        classes: the number of outputs.
        width: channels of the first convolution; the last has eight times as many.
        hidden: outputs of the first linear layer.

    Raises:
        UserError: inputs that are no images, or images of less than 32 x 32.
    """
    channels = _channels(input_shape, 32, "vgg11")
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for number, multiples in enumerate(_VGG11):
        stage = nn.Sequential()
        for multiple in multiples:
            outputs = multiple * width
            stage.extend([nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)])
            channels = outputs
        stages[f"stage{number}" if number else "stem"] = stage.append(nn.MaxPool2d(2))
    features = channels * (input_shape[1] // 32) * (input_shape[2] // 32)
    stages["head"] = nn.Sequential(nn.Flatten(), nn.Linear(features, hidden), nn.Linear(hidden, classes))
    return nn.Sequential(stages)


def _channels(input_shape: tuple[int, ...], smallest: int, name: str) -> int:
    channels, height, width = image_channels(input_shape, name), *input_shape[1:]
    if min(height, width) < smallest:
        what = f"{name} needs images of at least {smallest} x {smallest}, not {height} x {width}"
        raise UserError(what, where="run.model.name", hint="its pools would leave nothing of them")
    return channels
