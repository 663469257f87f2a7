"""Robustness of networks to noisy inputs."""

from typing import Annotated, Any

import torch
from annotated_types import Ge

from remixup.data.inputs import portions
from remixup.data.tasks import Classification
from remixup.errors import UserError
from remixup.randomness import generator
from remixup.training.supervised import EVALUATION_ROWS, SupervisedTrainer

NUMERICS = 1
SCALARS = {"noisy": ("mean", "weakest", "strongest")}


@torch.no_grad()
def noisy(
    training: SupervisedTrainer, *, sigma: tuple[Annotated[float, Ge(0)], ...] = (0.25, 0.5, 0.75, 1.0)
) -> list[dict[str, Any]]:
    """Measure the test error with Gaussian noise added to the inputs (k-mixup, 2106.02933: robustness to test noise).

    The noise is added to what the network is shown, after scaling: of standardised inputs σ = 1 is as much noise as
    there is signal. It is the same for all methods of one seed, and for all σ but for its size. In float32.

    Args:
        training: the networks.
        sigma: standard deviations of the noise.

    Returns:
        for each seed `sigma` and the test `error` in percent at each of them, and of these errors the `mean`, that of
        the first σ (`weakest`) and of the last (`strongest`); None where the network's outputs are not finite.

    Raises:
        UserError: labels that are no classes, or no σ.
    """
    inputs = training.inputs
    if not isinstance(inputs.task, Classification):
        raise UserError("noisy needs classes, and this dataset has numbers", where="evaluate.noisy")
    if not sigma:
        raise UserError("noisy needs a standard deviation", where="evaluate.noisy.sigma")
    training.model.eval()
    count = inputs.test.shape[1]
    sizes = portions(count, EVALUATION_ROWS)
    sources = [generator(seed, "test noise") for seed in training.seeds]
    wrong = torch.zeros(len(sigma), len(training.seeds), dtype=torch.float64, device=training.device)
    for x, y in zip(inputs.batches(inputs.test, sizes), inputs.y[inputs.test].split(sizes, dim=1), strict=True):
        scaled = inputs.scale(x)
        noise = torch.stack([torch.randn(scaled.shape[1:], generator=source) for source in sources]).to(scaled)
        for k, size in enumerate(sigma):
            outputs = training.forward(scaled + size * noise)
            missed = (outputs.argmax(-1) != y).double()
            wrong[k] += torch.where(outputs.isfinite().all(-1), missed, torch.nan).sum(-1)
    results: list[dict[str, Any]] = []
    for seed, errors in zip(training.seeds, (100 * wrong / count).T.tolist(), strict=True):
        finite = all(error == error for error in errors)
        error = errors if finite else [None] * len(errors)
        mean = sum(errors) / len(errors) if finite else None
        ends = {"mean": mean, "weakest": error[0], "strongest": error[-1]}
        results.append({"seed": seed, "sigma": list(sigma), "error": error, **ends})
    return results
