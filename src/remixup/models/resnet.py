"""Residual networks: He et al. 2016 (1512.03385), and ResNeXt: Xie et al. 2017 (1611.05431)."""

from typing import Annotated, Any, Literal

from annotated_types import Ge
from torch import nn

from remixup.errors import UserError
from remixup.models import image_channels, initialize_he, residual_stages

NUMERICS = 1


def resnet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    layers: tuple[Annotated[int, Ge(1)], ...] = (3, 4, 6, 3),
    block: Literal["bottleneck", "basic"] = "bottleneck",
    width: Annotated[int, Ge(1)] = 64,
    groups: Annotated[int, Ge(1)] = 1,
    width_per_group: Annotated[int, Ge(1)] = 64,
    zero_init_residual: bool = True,
    stem: Literal["imagenet", "small"] = "imagenet",
    initialization: Literal["he", "pytorch"] = "he",
) -> nn.Sequential:
    """Build a ResNet or ResNeXt: images (B, C, H, W) to logits (B, classes).

    The default is ResNet-50, and `layers` 3, 4, 23, 3 make ResNet-101; with 32 groups of width 4 that is ResNeXt-101
    32x4d, with 64 groups of width 4 ResNeXt-101 64x4d. Four times two basic blocks make ResNet-18. The bottlenecks are
    torchvision's, which halve height and width in their 3x3 convolution, as Goyal et al. 2017 (1706.02677, section 5.1)
    do. The last layer has PyTorch's default initialization, as in torchvision; Goyal et al. draw its weights from a
    normal distribution of standard deviation 0.01.

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        layers: the number of blocks in each stage.
        block: "bottleneck" has convolutions of 1x1, 3x3 and 1x1, "basic" two of 3x3.
        width: channels of the stem; stage k gives 2^(k-1) times as many, bottlenecks four times that, and halves height
            and width from the second on.
        groups: the groups of each 3x3 convolution, ResNeXt's cardinality; basic blocks have one.
        width_per_group: channels in each of these groups in the first stage, where `width` is 64.
        zero_init_residual: start each block's last batch norm at scale 0, so that a block begins as its shortcut, as in
            Goyal et al. (section 5.1). That the mixup paper, which follows their recipe, does so as well is our choice.
        stem: "imagenet" has a 7x7 convolution of stride 2 and a 3x3 max pool of stride 2, "small" (for images of 32 to
            64 pixels) a 3x3 convolution alone; batch norm and ReLU follow the convolution in both.
        initialization: of the convolutions: "he" is that of He et al. 2015 (1502.01852) over the outputs, as in
            torchvision; "pytorch" is PyTorch's default for each layer.

    Raises:
        UserError: inputs that are no images, or groups without channels.
    """
    if width * width_per_group < 64:
        what = f"width {width} and width_per_group {width_per_group} leave the groups without channels"
        raise UserError(what, where="run.model.width", hint="width x width_per_group / 64 is at least 1")
    if block == "basic" and groups > 1:
        raise UserError("basic blocks have no groups", where="run.model.groups", hint="use block: bottleneck")

    def build_block(inputs: int, outputs: int, stride: int) -> Any:
        # Imported only here: that takes seconds, and no other family needs it.
        from torchvision.models.resnet import BasicBlock, Bottleneck

        shortcut = None  # the identity, where the outputs have the shape of the inputs
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))
        if block == "basic":
            return BasicBlock(inputs, outputs, stride, shortcut)
        return Bottleneck(inputs, outputs // 4, stride, shortcut, groups, width_per_group)

    size, stride = (7, 2) if stem == "imagenet" else (3, 1)
    images = image_channels(input_shape, "resnet")
    convolution = nn.Conv2d(images, width, size, stride=stride, padding=size // 2, bias=False)
    before = nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
    if stem == "imagenet":
        before.append(nn.MaxPool2d(3, stride=2, padding=1))
    outputs = width if block == "basic" else 4 * width
    stages, channels = residual_stages(before, width, outputs, layers, build_block)
    stages["head"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
    network = nn.Sequential(stages)
    if initialization == "he":
        initialize_he(network)
    if zero_init_residual:
        for module in network.modules():  # the scale of each block's last batch norm
            if isinstance(last := getattr(module, "bn3", getattr(module, "bn2", None)), nn.BatchNorm2d):
                nn.init.zeros_(last.weight)
    return network
