"""Residual networks for time series: He et al. 2016 (1512.03385) with convolutions over time alone."""

from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from remixup.models import check_dimensions, initialize_he, residual_stages

NUMERICS = 1
VECTORIZED = "optional"


class BasicBlock1d(nn.Module):
    """Convolution, norm, ReLU, convolution, norm, plus the shortcut, ReLU: torchvision's BasicBlock over time.

    Where the shape changes the shortcut is a convolution of length 1 and a norm.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv1d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv1d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm1d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv1d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm1d(outputs))
        self.activate = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C_in, T) to (B, C_out, T / stride), rounded up."""
        y: Tensor = self.activate(self.residual(x) + self.shortcut(x))
        return y


def resnet1d(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Ge(1)] = 64,
    blocks: tuple[Annotated[int, Ge(1)], ...] = (2, 2, 2, 2),
) -> nn.Sequential:
    """Build a ResNet over time: series (B, C, T) to logits (B, classes).

    The default is the 1-D ResNet-18 of Guo et al. 2023 (2309.09970, released code `models/resnet1d.py`): torchvision's,
    with a convolution of 7 steps and stride 2 and a max pool of 3 and stride 2 before the blocks. Initialization:
    torchvision's too, He et al. 2015 (1502.01852) over the outputs for convolutions.

    Args:
        input_shape: (C, T).
        classes: the number of outputs.
        width: channels of the stem and of the first stage; each further stage doubles them and halves the length.
        blocks: the number of blocks in each stage; 2, 2, 2, 2 make 18 layers.

    Raises:
        UserError: inputs that are no series.
    """
    hint = "use mlp for features, preact_resnet for images"
    check_dimensions(input_shape, 2, "resnet1d", "series of shape (channels, time)", hint)
    stem = nn.Sequential(
        nn.Conv1d(input_shape[0], width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool1d(3, stride=2, padding=1),
    )
    stages, channels = residual_stages(stem, width, width, blocks, BasicBlock1d)
    stages["head"] = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(channels, classes))
    return initialize_he(nn.Sequential(stages))
