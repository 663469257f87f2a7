"""The figures of the article, by name: each takes the results by experiment and the pairs of ERM and mixup.

They are as wide as the text, printed at their own size, with type of at least 7 points. Shape and fill say what color
says, so that they can be read in gray. Where runs are missing, a panel says so.
"""

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.alpha import alpha
from remixup.reporting.figures.article.between import between
from remixup.reporting.figures.article.corruption import corruption
from remixup.reporting.figures.article.fit import fit
from remixup.reporting.figures.article.gan import gan
from remixup.reporting.figures.article.numbers import numbers
from remixup.reporting.figures.article.outcomes import outcomes
from remixup.reporting.figures.article.settings import settings
from remixup.reporting.figures.article.theory import theory
from remixup.reporting.figures.article.trend import trend

ARTICLE_FIGURES: dict[str, Callable[[Mapping[str, ExperimentResult], Sequence[Pair]], Figure]] = {
    "fit": fit,
    "outcomes": outcomes,
    "numbers": numbers,
    "settings": settings,
    "trend": trend,
    "corruption": corruption,
    "alpha": alpha,
    "between": between,
    "gan": gan,
    "theory": theory,
}
