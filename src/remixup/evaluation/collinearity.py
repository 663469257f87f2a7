"""How near a dataset's points come to the lines between others: whether mixup can teach one label for two classes."""

from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.segments import collision_distances, nearest_segments
from remixup.training.inputs import evenly_spaced, portions
from remixup.training.loop import Training
from remixup.training.randomness import generator
from remixup.vicinity.partner.minibatch import with_replacement
from remixup.vicinity.ratio import beta

NUMERICS = 1
WEIGHTS = False
SCALARS = {
    "collinearity": ("smallest", "mean", "share"),
    "collisions": ("train_smallest", "train_mean", "test_smallest", "test_mean"),
}


def collinearity(
    training: Training,
    *,
    eps: Annotated[float, ">= 0"],
    endpoints: Literal["neither", "not both"] = "neither",
    examples: Annotated[int, ">= 0"] = 0,
) -> list[dict[str, Any]]:
    """How far training points lie from segments between other classes (Chidambaram et al., 2022, Theorem 2.10).

    Where none lies on one, the Mixup-optimal classifier has no error on the training points.

    Args:
        training: whose training examples are looked at, as they are scaled for the network.
        eps: points within this distance count.
        endpoints: which of a segment's ends may have the point's class: "neither", as the theorem has it, or "not
            both", as the authors' poster puts it.
        examples: so many of the training examples, evenly spaced; 0: all.

    Returns:
        for each seed `smallest` and `mean` distance of a point to the nearest such segment (None where there is none),
        and `share`, the points within `eps`, in percent.

    Raises:
        UserError: a dataset of numbers.
    """
    results = []
    for member, seed in enumerate(training.seeds):
        x, y = _points(training, member, training.inputs.train, examples)
        distance = nearest_segments(x, y, endpoints=endpoints).distance
        smallest, mean = _summary(distance)
        share = 100 * float((distance <= eps).double().mean())
        results.append({"seed": seed, "smallest": smallest, "mean": mean, "share": share})
    return results


def collisions(
    training: Training, *, alpha: Annotated[float, "> 0"], share: Annotated[float, "> 0 and <= 1"] = 0.2
) -> list[dict[str, Any]]:
    """How far mixed points stay from points of third classes (Chidambaram et al., 2022, section 2.4).

    One epoch of mixup over a part of the training examples: minibatches of the run's size, one ratio from Beta(alpha,
    alpha) for each, partners drawn with replacement within it.

    Args:
        training: whose examples are looked at, as they are scaled for the network, without augmentation.
        alpha: see above.
        share: of the training and of the test examples, evenly spaced.

    Returns:
        for each seed the Euclidean distance of a mixed point to the nearest example whose class is neither of the two
        mixed, smallest and mean over the mixed points: `train_smallest` and `train_mean` among the training examples of
        that part, `test_smallest` and `test_mean` among the test examples of theirs. Mixed points for which there is no
        third class among them are left out; None where that is so for all.

    Raises:
        UserError: fewer than three classes, or a dataset of numbers.
    """
    if training.inputs.classes < 3:
        raise UserError("collisions need a third class", where="evaluate.collisions")
    inputs, results = training.inputs, []
    for member, seed in enumerate(training.seeds):
        parts = [
            _points(training, member, rows, max(1, round(share * rows.shape[1])))
            for rows in (inputs.train, inputs.test)
        ]
        (x, y), _ = parts
        order = torch.randperm(len(x), generator=generator(seed, "order"))
        ratio, partner = _mixing(training, len(x), seed, alpha)
        x, y = x[order], y[order]
        found: dict[str, Any] = {"seed": seed}
        for name, others in zip(("train", "test"), parts, strict=True):
            distance = collision_distances(x, y, ratio, partner, others=others)
            found[f"{name}_smallest"], found[f"{name}_mean"] = _summary(distance)
        results.append(found)
    return results


def _summary(distance: Tensor) -> tuple[float | None, float | None]:
    """Smallest and mean of the distances that are finite; None where none is."""
    known = distance[distance.isfinite()]
    return (float(known.min()), float(known.mean())) if len(known) else (None, None)


def _points(training: Training, member: int, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Some of a member's examples, evenly spaced, flat as the network sees them, float32 (n, d), and their classes."""
    inputs = training.inputs
    if inputs.y.is_floating_point():
        raise UserError("segments between classes need classes, and this dataset has numbers", where="evaluate")
    chosen = evenly_spaced(rows, count)
    x = inputs.scale(inputs.examples(chosen))[member].flatten(1)
    return x.cpu(), inputs.y[chosen[member]].cpu()


def _mixing(training: Training, count: int, seed: int, alpha: float) -> tuple[Tensor, Tensor]:
    """The ratio and the partner's position of each of an epoch's examples, (n,)."""
    sizes = portions(count, training.spec.batch_size)
    drawn = beta((len(sizes),), alpha=alpha, generator=generator(seed, "ratio"))
    source = generator(seed, "partner")
    partners = [part[with_replacement(part, generator=source)] for part in torch.arange(count).split(sizes)]
    return drawn.repeat_interleave(torch.tensor(sizes)), torch.cat(partners)
