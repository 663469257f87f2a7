"""The figures that an experiment file can name under `draw`.

Each public function of a module with `NUMERICS` is such a figure. It takes a result and the rows to draw, and returns a
vector figure that is no wider than the text and printed at its own size. Lines differ in lightness, dashes and markers,
so that they can be told apart in grayscale. A dagger marks surrogates, and the figure names rows without runs.
"""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable

from matplotlib.figure import Figure

from remixup.reporting.figures.drawing import STYLE, WIDTH

__all__ = ["STYLE", "WIDTH", "components"]


@functools.cache
def components() -> dict[str, Callable[..., Figure]]:
    """Return the functions that draw figures, by name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {
        name: function
        for module in modules
        if hasattr(module, "NUMERICS")
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }
