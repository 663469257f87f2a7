"""Pre-activation ResNets in the versions that the authors of mixup released.

After He et al. 2016, Identity Mappings in Deep Residual Networks (1603.05027). Both released codes (hongyi-zhang/mixup,
facebookresearch/mixup-cifar10) leave out that paper's last batch norm and ReLU.
"""

from collections.abc import Callable
from typing import Annotated

from annotated_types import Ge, Lt
from torch import Tensor, nn

from remixup.models import image_channels, residual_stages

NUMERICS = 1  # wide_resnet has its blocks: raise the number there too
VECTORIZED = "optional"


class PreActBlock(nn.Module):
    """Norm, ReLU, 3x3 convolution, norm, ReLU, dropout, 3x3 convolution; plus the shortcut.

    Where the shape changes the shortcut is a 1x1 convolution, without norm, of the activated input (after the first
    norm and ReLU). Elsewhere it is the input itself or, with `activated_shortcut`, the activated input. Dropout
    is where Zagoruyko & Komodakis 2016 (1605.07146, section 2.4) put it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int = 1,
        dropout: float = 0.0,
        activated_shortcut: bool = False,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.activate = nn.Sequential(norm(inputs), nn.ReLU(inplace=True))
        changes = stride != 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False) if changes else None
        self.activated_shortcut = activated_shortcut
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            norm(outputs),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H / stride, W / stride), sizes rounded up."""
        active = self.activate(x)
        identity = active if self.activated_shortcut else x
        shortcut = identity if self.shortcut is None else self.shortcut(active)
        total: Tensor = self.residual(active) + shortcut
        return total


def preact_resnet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Ge(1)] = 64,
    blocks: tuple[Annotated[int, Ge(1)], ...] = (2, 2, 2, 2),
    stem_norm: bool = False,
    activated_shortcut: bool = False,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
) -> nn.Sequential:
    """Build a pre-activation ResNet: images (B, C, H, W) to logits (B, classes).

    The defaults are PreAct ResNet-18 as hongyi-zhang/mixup has it; facebookresearch/mixup-cifar10's is the one with
    `stem_norm` and `activated_shortcut`. Initialization: PyTorch's defaults, as in both. (In the PyTorch of their day
    batch norm's scales began uniform in [0, 1); that they begin at 1, as in every release since 1.2, is our choice.)

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        width: channels of the stem and of the first stage; each further stage doubles them and halves height and width.
        blocks: the number of blocks in each stage; 2, 2, 2, 2 make 18 layers.
        stem_norm: batch norm and ReLU after the stem's convolution.
        activated_shortcut: identity shortcuts start after the block's first norm and ReLU, not before.
        dropout: the probability of a zero between the two 3x3 convolutions of each block.

    Raises:
        UserError: inputs that are no images.
    """
    stem: list[nn.Module] = [nn.Conv2d(image_channels(input_shape, "preact_resnet"), width, 3, padding=1, bias=False)]
    if stem_norm:
        stem += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        return PreActBlock(inputs, outputs, stride=stride, dropout=dropout, activated_shortcut=activated_shortcut)

    stages, channels = residual_stages(nn.Sequential(*stem), width, width, blocks, block)
    stages["head"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
    return nn.Sequential(stages)
