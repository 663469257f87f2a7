"""Distance of data points to segments between other classes, where mixup can teach contradictory labels."""

from typing import Annotated, Any, Literal

from annotated_types import Ge

from remixup.data.inputs import evenly_spaced
from remixup.evaluation.distances import flat_points, smallest_and_mean
from remixup.theory.segments import nearest_segments
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
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

    Chidambaram et al. (2022), Theorem 2.10: if no point is on one, the Mixup-optimal classifier makes no error on them.

    Args:
        training: the training whose scaled training examples are measured.
        eps: points within this distance count.
        endpoints: which of a segment's ends may have the point's class: "neither", as the theorem has it, or "not
            both", as the authors' poster puts it.
        examples: number of training examples, evenly spaced; 0: all.

    Returns:
        for each seed `smallest` and `mean` distance of a point to the nearest such segment (None where there is none),
        and `share`, the points within `eps`, in percent.

    Raises:
        UserError: a dataset of numbers.
    """
    results = []
    for member, seed in enumerate(training.seeds):
        x, y = flat_points(training, member, evenly_spaced(training.inputs.train, examples)[member])
        distance = nearest_segments(x, y, endpoints=endpoints).distance
        smallest, mean = smallest_and_mean(distance)
        share = 100 * float((distance <= eps).double().mean())
        results.append({"seed": seed, "smallest": smallest, "mean": mean, "share": share})
    return results
