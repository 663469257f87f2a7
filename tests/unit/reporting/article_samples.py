"""Made-up pairs and results that the article's figures draw, and how what they drew is read back."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import Entry, ExperimentResult, Recorded
from remixup.analysis.statistics import summarize

from .sample_results import entry, recorded, result_with

EFFECT: dict[str, Any] = {"ci95": (0.5, 1.5), "n": 5, "standing": "exploratory", "published_protocol": False}


def pair(digest: str, effect: float, loss: float | None, **changes: Any) -> Pair:
    """A pair on 2,000 images; the digest names the setting."""
    fields: dict[str, Any] = {"experiment": "e", "baseline": "b", "treatment": "t", "scale": "reduced-cpu"}
    fields |= {"domain": "image", "dataset": "CIFAR-10", "training_examples": 2000, "setting": "MLP, 3 passes"}
    fields |= {"alpha": 1.0, "erm_error": 50.0, "mixup_error": 50.0 - effect, "published_effect": None}
    fields |= {"setting_digest": digest, "effects": {}, "effect": effect, "loss": loss, "unmet": ()}
    fields |= {**EFFECT, **changes}
    return Pair(**{"names": (f"{fields['experiment']}/{fields['treatment']}",), **fields})


def on_record(row: str, metric: str, values: list[float], published: float | None = None, **changes: Any) -> Entry:
    """A number without runs here, and a sample of a surrogate at reduced-cpu on record."""
    sample = summarize(values, range(len(values)))
    record: Recorded = recorded(sample, scale="reduced-cpu", surrogate="small")
    return entry(row, metric, published, None, verdict="not run", recorded=[record], **changes)


def result(name: str, **fields: Any) -> dict[str, ExperimentResult]:
    return {name: result_with(experiment=name, **fields)}


def marks(axes: Axes, marker: Any) -> list[tuple[float, float]]:
    """Where single marks of a shape are, in the order of drawing."""
    lines = [line for line in axes.lines if line.get_marker() == marker and len(line.get_xdata()) == 1]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def curve(axes: Axes, color: str) -> tuple[list[float], list[float]]:
    """The first line of a color that has several points."""
    line = next(each for each in axes.lines if each.get_color() == color and len(each.get_xdata()) > 2)
    return [float(x) for x in line.get_xdata()], [float(y) for y in line.get_ydata()]


def written(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def named(figure: Figure) -> list[str]:
    """What the figure's legend names."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]
