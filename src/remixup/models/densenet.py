"""Densely connected networks with bottlenecks and compression: Huang et al. 2017 (1608.06993)."""

import math
from collections import OrderedDict
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from remixup.models import blocks_of_depth, he_classifier, image_channels

NUMERICS = 1
VECTORIZED = "optional"


class DenseLayer(nn.Module):
    """Append `growth` channels to the input: norm, ReLU, 1x1 conv to 4 growth channels, norm, ReLU, 3x3 conv."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.grow = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(inplace=True),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C + growth, H, W); the first C channels are the input."""
        return torch.cat([x, self.grow(x)], dim=1)


def densenet_bc(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Annotated[int, Ge(10)] = 190,
    growth: Annotated[int, Ge(1)] = 40,
    compression: Annotated[float, Gt(0), Le(1)] = 0.5,
) -> nn.Sequential:
    """Build a DenseNet-BC for small images: images (B, C, H, W), H and W at least 4, to logits (B, classes).

    A stem of 2 growth filters, three dense blocks of (depth - 4) / 6 bottleneck layers, after the first two of them a
    transition (norm, ReLU, 1x1 convolution to `compression` times the channels, rounded down, 2x2 average pool), a last
    norm and ReLU. The defaults are the mixup paper's network as facebookresearch/mixup-cifar10 builds it
    (`models/densenet3.py`), with its initialization: `remixup.models.he_classifier` and batch norm's scales at 1. A cut
    point after stage 1 or 2 comes after the transition, which is our reading.

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        depth: the number of layers, 6 n + 4.
        growth: the growth rate: the channels that each layer adds.
        compression: the share of channels that a transition keeps.

    Raises:
        UserError: inputs that are no images, or a depth that is not 6 n + 4.
    """
    layers = blocks_of_depth(depth, "DenseNet-BC", "22, 40, 100 or 190")
    channels = 2 * growth
    stem = nn.Conv2d(image_channels(input_shape, "densenet_bc"), channels, 3, padding=1, bias=False)
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=stem)
    for number in (1, 2, 3):
        stage = nn.Sequential()
        for _ in range(layers):
            stage.append(DenseLayer(channels, growth))
            channels += growth
        if number < 3:
            reduced = math.floor(channels * compression)
            convolution = nn.Conv2d(channels, reduced, 1, bias=False)
            stage.extend([nn.BatchNorm2d(channels), nn.ReLU(inplace=True), convolution, nn.AvgPool2d(2)])
            channels = reduced
        stages[f"stage{number}"] = stage
    return he_classifier(stages, nn.BatchNorm2d(channels), channels, classes)
