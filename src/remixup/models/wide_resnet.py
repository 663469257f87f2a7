"""Wide residual networks: Zagoruyko & Komodakis 2016 (1605.07146)."""

from typing import Annotated

from annotated_types import Ge, Lt
from torch import nn

from remixup.errors import UserError
from remixup.models import blocks_of_depth, he_classifier, image_channels, residual_stages
from remixup.models.preact_resnet import PreActBlock

NUMERICS = 1
VECTORIZED = "optional"


def wide_resnet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Annotated[int, Ge(10)] = 28,
    widen: Annotated[int, Ge(1)] = 10,
    base: Annotated[int, Ge(1)] = 16,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
    norm_groups: Annotated[int, Ge(0)] = 0,
) -> nn.Sequential:
    """Build a wide ResNet, WRN-depth-widen: images (B, C, H, W) to logits (B, classes).

    Three stages of (depth - 4) / 6 pre-activation blocks with `base * widen` channels, doubled at the second and the
    third (table 1 of the paper), then a last batch norm and ReLU. The mixup authors released no code for it: that
    theirs is this one is our reading. Initialization: `remixup.models.he_classifier`, as in the released code; that
    batch norm's scales begin at 1 is our choice (Torch 7 drew them from [0, 1)).

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        depth: the number of layers, 6 n + 4.
        widen: the widening factor.
        base: channels of the stem.
        dropout: the probability of a zero between the two 3x3 convolutions of each block.
        norm_groups: groups of channels in a group norm (Wu and He, 2018, 1803.08494) that takes the place of batch
            norm, as private training asks; 0: batch norm.

    Raises:
        UserError: inputs that are no images, a depth that is not 6 n + 4, or channels that do not fall into the groups.
    """
    blocks = blocks_of_depth(depth, "wide ResNet", "10, 16, 22 or 28")
    if norm_groups and base % norm_groups:
        what = f"{base} channels do not fall into {norm_groups} groups"
        raise UserError(what, where="run.model.norm_groups", hint=f"a divisor of {base}, or 0 for batch norm")

    def norm(width: int) -> nn.Module:
        return nn.GroupNorm(norm_groups, width) if norm_groups else nn.BatchNorm2d(width)

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        return PreActBlock(inputs, outputs, stride=stride, dropout=dropout, norm=norm)

    stem = nn.Conv2d(image_channels(input_shape, "wide_resnet"), base, 3, padding=1, bias=False)
    stages, channels = residual_stages(stem, base, base * widen, [blocks] * 3, block)
    return he_classifier(stages, norm(channels), channels, classes)
