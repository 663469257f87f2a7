"""Distance of data points to segments between other classes, where mixup can teach contradictory labels."""

from typing import Annotated, Any, Literal

from annotated_types import Ge

from remixup.data.inputs import evenly_spaced
from remixup.evaluation.examples import flat_points, smallest_and_mean
from remixup.theory.segments import nearest_segments
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
CLASSES = 2
WEIGHTS = False
SCALARS = {"collinearity": ("smallest", "mean", "share")}


def collinearity(
    training: SupervisedTrainer,
    *,
    eps: Annotated[float, Ge(0)],
    endpoints: Literal["neither", "not both"] = "neither",
    examples: Annotated[int, Ge(0)] = 0,
) -> list[dict[str, Any]]:
    """Measure the distance of training points from segments between other classes.

    If no point is on such a segment, the Mixup-optimal classifier makes no error on the points (Chidambaram et al.,
    2022, Theorem 2.10).

    Args:
        training: provides the scaled training examples, which have classes.
        eps: distance up to which a point counts as on a segment.
        endpoints: which segments count: "neither" end has the point's class, as in the theorem, or "not both", as on
            the authors' poster.
        examples: number of training examples, evenly spaced; 0: all.

    Returns:
        For each seed: `smallest` and `mean` distance of a point to the nearest such segment (None if there is none),
        and `share`, the percentage of the points within `eps`.
    """
    results = []
    for seed, rows in zip(training.seeds, evenly_spaced(training.inputs.train, examples), strict=True):
        x, y = flat_points(training, rows)
        distance = nearest_segments(x, y, endpoints=endpoints).distance
        smallest, mean = smallest_and_mean(distance)
        share = 100 * float((distance <= eps).double().mean())
        results.append({"seed": seed, "smallest": smallest, "mean": mean, "share": share})
    return results
