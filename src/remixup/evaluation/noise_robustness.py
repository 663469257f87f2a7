"""Robustness of networks to noisy inputs."""

from typing import Annotated, Any

import torch
from annotated_types import Ge

from remixup.errors import UserError
from remixup.evaluation.examples import labelled_batches
from remixup.randomness import generator
from remixup.training.supervised import EVALUATION_ROWS, SupervisedTrainer

NUMERICS = 1
CLASSES = 2
SCALARS = {"noisy": ("mean", "weakest", "strongest")}


@torch.no_grad()
def noisy(
    training: SupervisedTrainer, *, sigma: tuple[Annotated[float, Ge(0)], ...] = (0.25, 0.5, 0.75, 1.0)
) -> list[dict[str, Any]]:
    """Measure the test error with Gaussian noise added to the inputs (k-mixup, 2106.02933: robustness to test noise).

    The noise is added to the scaled inputs: for standardized inputs σ = 1 is as much noise as signal. It is the same
    for all methods of one seed and, up to its size, for all σ. The computation is in float32.

    Args:
        training: networks of classes.
        sigma: standard deviations of the noise.

    Returns:
        For each seed `sigma`, the test `error` in percent at each σ, the `mean` of these errors, and the errors at the
        first σ (`weakest`) and at the last (`strongest`).
    """
    inputs = training.inputs
    if not sigma:
        raise UserError("noisy needs a standard deviation", where="evaluate.noisy.sigma")
    training.model.eval()
    sources = [generator(seed, "test noise") for seed in training.seeds]
    wrong = torch.zeros(len(sigma), len(training.seeds), dtype=torch.float64, device=training.device)
    for x, y in labelled_batches(inputs, inputs.test, inputs.y[inputs.test], EVALUATION_ROWS):
        scaled = inputs.scale(x)
        noise = torch.stack([torch.randn(scaled.shape[1:], generator=source) for source in sources]).to(scaled)
        for k, size in enumerate(sigma):
            outputs = training.forward(scaled + size * noise)
            missed = (outputs.argmax(-1) != y).double()
            wrong[k] += torch.where(outputs.isfinite().all(-1), missed, torch.nan).sum(-1)
    results: list[dict[str, Any]] = []
    for seed, errors in zip(training.seeds, (100 * wrong / inputs.test.shape[1]).T.tolist(), strict=True):
        mean = sum(errors) / len(errors)
        known = errors if mean == mean else [None] * len(errors)
        ends = {"mean": mean if mean == mean else None, "weakest": known[0], "strongest": known[-1]}
        results.append({"seed": seed, "sigma": list(sigma), "error": known, **ends})
    return results
