"""Scaling of inputs: offset and divisor from the examples that the caller gives."""

import torch
from torch import Tensor

NUMERICS = 1


def standardize(train: Tensor) -> tuple[Tensor, Tensor]:
    """Scale to zero mean and unit variance on the training part, each column of a table or channel of images.

    Args:
        train: rows (n, features), float, missing values as NaN; or images (n, channels, height, width), uint8.

    Returns:
        offset and divisor, shape (features,) or (channels, 1, 1), float32; the divisor is 1 where a column is constant.
        For images they apply to values in [0, 1].
    """
    if train.ndim == 2:
        seen = ~train.isnan()
        count = seen.sum(0).clamp(min=1)
        values = train.nan_to_num(0.0).double()
        mean = values.sum(0) / count
        variance = (((values - mean) ** 2) * seen).sum(0) / count
    else:
        # Channel by channel, in whole numbers: exact, and without a copy of the images in floating point.
        mean = torch.stack([train[:, c].double().mean() for c in range(train.shape[1])]) / 255
        variance = torch.stack([(train[:, c].double() / 255).var(correction=0) for c in range(train.shape[1])])
        mean, variance = mean.view(-1, 1, 1), variance.view(-1, 1, 1)
    std = variance.sqrt()
    return mean.float(), torch.where(std > 1e-12, std, torch.ones_like(std)).float()


def raw(train: Tensor) -> tuple[Tensor, Tensor]:
    """Do not scale: tables unchanged, images in [0, 1]."""
    shape = train.shape[1:2] if train.ndim == 2 else (train.shape[1], 1, 1)
    return torch.zeros(shape), torch.ones(shape)


def given(train: Tensor, *, mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Scale with fixed constants for each channel or column, as a paper's code has them.

    Args:
        train: the training inputs.
        mean: one value for each channel or column, subtracted.
        std: one value for each channel or column, divided by.
    """
    shape = (-1,) if train.ndim == 2 else (-1, 1, 1)
    return torch.tensor(mean).view(shape), torch.tensor(std).view(shape)
