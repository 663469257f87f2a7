"""Test error under adversarial attacks: FGSM, iterated FGSM and PGD."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from remixup.data.inputs import evenly_spaced
from remixup.data.streaming import Stream
from remixup.errors import UserError
from remixup.evaluation.examples import labelled_batches
from remixup.randomness import generator
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
CLASSES = 2
SCALARS = {"attack": ("top1", "top5", "clean_top1", "clean_top5")}
ROWS = 100
"""Examples of each seed in a batch. Gradients need all activations, so it is small."""

Method = Literal["fgsm", "ifgsm", "pgd_linf", "pgd_l2"]


def attack(
    training: SupervisedTrainer,
    *,
    method: Method,
    eps: Annotated[float, Ge(0)],
    steps: Annotated[int, Ge(1)] = 10,
    step: Annotated[float, Ge(0)] = 0.0,
    examples: Annotated[int, Ge(0)] = 1000,
    source: str = "",
    others: SupervisedTrainer | None = None,
) -> list[dict[str, Any]]:
    """Measure the test error on adversarial examples (mixup paper, section 3.5 and Table 3).

    An attack increases the cross-entropy at the true label. Its steps follow the sign of the gradient (in the
    l-infinity ball) or the gradient scaled to unit length (in the l2 ball), and stay in the ball of radius `eps` and in
    the range of pixels:

    - `fgsm`: one step to the border of the ball (Goodfellow et al., 2015);
    - `ifgsm`: `steps` steps from the example itself; the last point counts (Kurakin et al., 2017);
    - `pgd_linf`, `pgd_l2`: `steps` steps from a uniformly random point of the ball (Madry et al., 2018). The point with
      the greatest loss counts, among these and the single step to the border.

    Batch norm and dropout are as in evaluation. Gradients are computed in float32, even if a network is tested in
    bfloat16. Their cross-entropy is in float64, since in float32 the gradient of a confident network underflows.

    Args:
        training: the networks under attack, of uint8 images or of image files with classes.
        method: see above.
        eps: radius of the ball, for pixels in [0, 1]; the paper's is 4/255.
        steps: number of steps of the iterated methods.
        step: length of a step, for pixels in [0, 1]; 0: eps / steps for `ifgsm` (the paper's "equal step size") and
            2.5 eps / steps for PGD (Madry et al., section 5).
        examples: number of test examples, evenly spaced (some datasets are sorted by class); 0: all.
        source: in an experiment file, the row whose networks generate the examples (passed as `others`).
        others: the networks that generate the examples, as many as `training` has, on inputs of the same shape (black
            box); None: `training` itself (white box).

    Returns:
        For each seed errors in percent on the same examples: `top1` and `top5` after the attack, `clean_top1` and
        `clean_top5` before it. Those of top 5 are None for five classes or fewer.
    """
    attacked = _Attack(others or training, training.seeds, method, eps, steps, step)
    made, clean = _errors(training, examples, [attacked, lambda x, y: x])
    return [
        {"seed": seed, **after, **{f"clean_{name}": value for name, value in before.items()}}
        for seed, after, before in zip(training.seeds, made, clean, strict=True)
    ]


def attack_curve(
    training: SupervisedTrainer,
    *,
    method: Method,
    eps: tuple[Annotated[float, Ge(0)], ...],
    steps: Annotated[int, Ge(1)] = 10,
    examples: Annotated[int, Ge(0)] = 1000,
    source: str = "",
    others: SupervisedTrainer | None = None,
) -> list[dict[str, Any]]:
    """Measure the test error as a function of attack size (Zhang et al., 2021, 2010.04819, Figure 1a).

    The parameters are those of `attack`, with its default length of a step. `eps` has several radii of the ball; 0
    leaves the examples unchanged. Random starts are in the same directions at all radii.

    Args:
        training: the trained networks.
        method: the attack.
        eps: radii of the ball, for pixels in [0, 1].
        steps: number of steps of an iterated attack.
        examples: number of test examples; 0: all.
        source: in an experiment file, the row whose networks generate the examples; empty: the attacked ones.
        others: the networks that generate the examples; None: `training` itself.

    Returns:
        For each seed `eps`, and `error`: the top-1 error in percent at each radius, on the same examples.
    """
    attacks = [_Attack(others or training, training.seeds, method, radius, steps, 0.0) for radius in eps]
    found = _errors(training, examples, attacks)
    return [
        {"seed": seed, "eps": list(eps), "error": [errors[member]["top1"] for errors in found]}
        for member, seed in enumerate(training.seeds)
    ]


def _errors(
    training: SupervisedTrainer, examples: int, perturbations: Sequence[Callable[[Tensor, Tensor], Tensor]]
) -> list[list[dict[str, float | None]]]:
    """Return each member's errors under each perturbation. The examples are read once: files are slow to decode."""
    inputs, rows = training.inputs, evenly_spaced(training.inputs.test, examples)
    if not isinstance(inputs.x, Stream) and inputs.x.dtype != torch.uint8:
        raise UserError("an attack changes pixels, and this dataset has none", where="evaluate.attack")
    totals: list[dict[str, Tensor]] = [{} for _ in perturbations]
    for x, y in labelled_batches(inputs, rows, inputs.y[rows], ROWS):
        for perturb, total in zip(perturbations, totals, strict=True):
            for name, value in inputs.task.measure(training.logits(perturb(x.float(), y)), y).items():
                total[name] = total[name] + value if name in total else value
    return [_percent(total, rows.shape[1]) for total in totals]


def _percent(totals: dict[str, Tensor], size: int) -> list[dict[str, float | None]]:
    percent = {name: (100 * total / size).tolist() for name, total in totals.items()}
    found: list[dict[str, float | None]] = []
    for member, finite in enumerate(totals["loss"].isfinite().tolist()):
        top5 = percent["top5_error"][member] if finite and "top5_error" in percent else None
        found.append({"top1": percent["error"][member] if finite else None, "top5": top5})
    return found


class _Attack:
    """Generator of adversarial examples of images (members, n, channels, height, width) in [0, 255]."""

    def __init__(
        self, network: SupervisedTrainer, seeds: list[int], method: Method, eps: float, steps: int, step: float
    ) -> None:
        self.network, self.method, self.steps, self.radius = network, method, steps, 255 * eps
        self.step = 255 * (step or (1.0 if method == "ifgsm" else 2.5) * eps / steps)
        self.sources = [generator(seed, "attack") for seed in seeds]
        network.model.eval()

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        if self.method == "ifgsm":
            current = x
            for _ in range(self.steps):
                current = self._move(x, current, self._loss(current, y)[1], self.step)
            return current
        single = self._move(x, x, self._loss(x, y)[1], self.radius)
        if self.method == "fgsm":
            return single
        best, greatest = single, self._loss(single, y)[0]
        current = (x + self._random(x)).clamp(0, 255)
        for taken in range(self.steps + 1):
            loss, gradient = self._loss(current, y)
            better = loss > greatest
            best, greatest = torch.where(_spread(better), current, best), torch.where(better, loss, greatest)
            if taken < self.steps:
                current = self._move(x, current, gradient, self.step)
        return best

    def _move(self, x: Tensor, current: Tensor, gradient: Tensor, length: float) -> Tensor:
        """Take the step that increases a linear loss most, none where the gradient is zero, and stay in the ball."""
        if self.method != "pgd_l2":
            change = (current + length * gradient.sign() - x).clamp(-self.radius, self.radius)
        else:
            norm = _length(gradient)
            change = current + length * (gradient / torch.where(norm > 0, norm, 1.0)).to(gradient.dtype) - x
            norm = _length(change)
            change = torch.where(norm > self.radius, change * (self.radius / norm), change).to(change.dtype)
        # Clipping moves no pixel away from x, so a point in the ball stays in it.
        return (x + change).clamp(0, 255)

    def _loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of each example (members, n), float64, and its gradient with respect to x."""
        x = x.detach().requires_grad_()
        outputs = self.network.forward(self.network.inputs.scale(x)).double()
        loss = F.cross_entropy(outputs.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
        (gradient,) = torch.autograd.grad(loss.sum(), x)
        return loss.detach(), gradient

    def _random(self, x: Tensor) -> Tensor:
        """Draw perturbations of x, uniform in the ball. Each member has its own generator."""
        shape = x.shape[1:]
        if self.method != "pgd_l2":
            uniform = torch.stack([torch.rand(shape, generator=source) for source in self.sources])
            return self.radius * (2 * uniform - 1).to(x.device)
        normal = torch.stack([torch.randn(shape, generator=source) for source in self.sources])
        share = torch.stack([torch.rand(shape[:1], generator=source) for source in self.sources])
        distance = _spread(share ** (1 / shape[1:].numel()))
        return self.radius * (distance * normal / _length(normal)).to(x)


def _length(values: Tensor) -> Tensor:
    """Return l2 norms over all but the first two dimensions, in float64: small squares vanish in float32."""
    return _spread(torch.linalg.vector_norm(values.flatten(2), dim=2, dtype=torch.float64))


def _spread(values: Tensor) -> Tensor:
    """Reshape (members, n) to (members, n, 1, 1, 1)."""
    return values[:, :, None, None, None]
