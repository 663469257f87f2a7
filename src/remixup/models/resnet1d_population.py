"""Residual networks over time for a population: seeds of one small network train as one program.

The members' layers are those of `preact_resnet_population`, on series as images of height 1; what is said there of the
bits that a member computes alone and in company holds here.
"""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from remixup.models.convolutional_population import _members_kind, _refuse_parts_of_vectors
from remixup.models.resnet1d import resnet1d

NUMERICS = 1  # raise it when resnet1d's numbers change: the layers are made from that network's
POPULATION = True


def resnet1d_population(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Ge(8)] = 8,
    blocks: tuple[int, ...] = (1, 1, 1),
) -> nn.Sequential:
    """A ResNet over time for one member: series (1, B, C, T) to logits (1, B, classes).

    `remixup.models.stack` makes a population of S such networks: series (S, B, C, T), logits (S, B, classes), and
    (S, B, C', T') after every stage. Member by member it is `resnet1d` of the same parameters: the same layers with the
    same initial weights, drawn in the same order.

    Args:
        input_shape: (C, T).
        classes: the number of outputs.
        width: channels of the stem and of the first stage, a multiple of 8; each further stage doubles them.
        blocks: the number of blocks in each stage.

    Raises:
        UserError: inputs that are no series, a stage without blocks, or a width that is no multiple of 8.
    """
    _refuse_parts_of_vectors("width", width, "resnet1d")
    single = resnet1d(input_shape, classes, width=width, blocks=blocks)
    _of_height_1(single)
    return _members_kind(single)


def _of_height_1(module: nn.Module) -> nn.Module:
    """The module with every layer over time as one of images of height 1, with its weights; changed in place."""
    if isinstance(module, nn.Conv1d):
        return _convolution(module)
    if isinstance(module, nn.BatchNorm1d):
        return nn.BatchNorm2d(module.num_features)
    if isinstance(module, nn.MaxPool1d):
        size, stride, padding = (_first(each) for each in (module.kernel_size, module.stride, module.padding))
        return nn.MaxPool2d((1, size), (1, stride), (0, padding))
    for name, child in module.named_children():
        setattr(module, name, _of_height_1(child))
    return module


def _first(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]


def _convolution(single: nn.Conv1d) -> nn.Conv2d:
    size, stride, padding = single.kernel_size[0], single.stride[0], int(single.padding[0])
    made = nn.Conv2d(
        single.in_channels,
        single.out_channels,
        (1, size),
        stride=(1, stride),
        padding=(0, padding),
        bias=False,
        device="meta",
    )
    made.weight = nn.Parameter(single.weight.detach().unsqueeze(2))
    return made
