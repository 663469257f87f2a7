"""Draw random points in parts."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.RandomState, int], tuple[NDArray[Any], NDArray[Any]]]
"""Function that draws points (n, ...) and their labels (n,)."""


def draw_parts(draw: Draw, counts: Mapping[str, int], seed: int = 0) -> dict[str, NDArray[Any]]:
    """Draw each part from one stream: `<part>_x` float32 and `<part>_y` int64."""
    stream = np.random.RandomState(seed)  # NumPy guarantees that its stream never changes
    tensors: dict[str, NDArray[Any]] = {}
    for part, count in counts.items():
        x, y = draw(stream, count)
        tensors |= {f"{part}_x": x.astype(np.float32), f"{part}_y": y.astype(np.int64)}
    return tensors
