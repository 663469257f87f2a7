"""What a builder is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Material:
    """What a builder may use.

    Args:
        files: the checked files, by their names in the registry.
        raw: a folder where a builder that draws its own images may leave them.
    """

    files: Mapping[str, Path]
    raw: Path


@dataclass(frozen=True)
class Built:
    """A dataset as arrays.

    Args:
        tensors: of images `train_x` and `test_x` (n, C, H, W) uint8, `train_y` and `test_y` (n,) int64; of spectrograms
            the same as (n, 1, frequencies, frames) float16 (of series (n, channels, time)), and `validation_x` and
            `validation_y`; of tables and points `x` (n, F) float32, missing values NaN, and `y` (n,) int64. Labels are
            0..C-1.
        class_names: in the order of the labels, where they have names.
        pictures: of image files, which have `train_y` and `test_y` only: their paths, those of the training part first.
        sha256: of sound files that were read, one after another: training part, validation part, test part.
    """

    tensors: dict[str, NDArray[Any]]
    class_names: tuple[str, ...] | None = None
    pictures: tuple[str, ...] = ()
    sha256: str | None = None
