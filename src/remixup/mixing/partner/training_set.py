"""Partners from the whole training set.

Each function takes the training set, the positions in it of the examples to mix, int64 (n,) (all examples of an epoch
in their order), and a generator on the CPU. It returns the positions of the partners in the training set, int64 (n,).
"""

from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from remixup.mixing.declarations import declare

NUMERICS = 1


class TrainingSet:
    """The examples to choose partners from, with what is computed once for all of them (neighbors, kernels).

    Args:
        x: inputs (n, ...), any dtype; distances are Euclidean in these units.
        labels: class indices (n,), int64; or numbers (n,) or (n, outputs).
    """

    def __init__(self, x: Tensor, labels: Tensor) -> None:
        self.x, self.labels = x.flatten(1), labels
        # Dictionaries, because `functools.cache` on a method would keep every instance, with its data, in memory.
        self._neighbors: dict[tuple[int, bool], tuple[Tensor, Tensor]] = {}
        self._kernels: dict[float, Tensor] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def neighbors(self, k: int, same_class: bool) -> tuple[Tensor, Tensor]:
        """Return the k nearest other examples of each, nearest first, int64 (n, k), and their number, int64 (n,).

        The number is below k where the training set (or the class) is small; the rest of such a row is undefined.
        """
        if same_class and self.labels.is_floating_point():
            raise ValueError("numeric labels have no classes to choose partners from")
        if (k, same_class) not in self._neighbors:
            found, counts = [], []
            for rows in torch.arange(len(self), device=self.x.device).split(1000):
                distance = torch.cdist(self.x[rows].float(), self.x.float())
                distance[torch.arange(len(rows)), rows] = torch.inf
                if same_class:
                    distance[self.labels[rows].unsqueeze(1) != self.labels] = torch.inf
                nearest = distance.topk(min(k, len(self)), largest=False)
                found.append(nearest.indices)
                counts.append(nearest.values.isfinite().sum(1))
            self._neighbors[k, same_class] = torch.cat(found).cpu(), torch.cat(counts).cpu()
        return self._neighbors[k, same_class]

    def label_kernel(self, bandwidth: float) -> Tensor:
        """Return the cumulative probabilities (n, n), float64, of each example's partners under `label_kernel`."""
        if bandwidth not in self._kernels:
            labels = self.labels.cpu().double().reshape(len(self), -1)
            weight = torch.cdist(labels, labels).square_().div_(-2 * bandwidth**2).exp_()
            cumulative = weight.cumsum_(1)
            self._kernels[bandwidth] = cumulative.div_(cumulative[:, -1:].clone())
        return self._kernels[bandwidth]


@declare(scope="dataset")
def nearest(
    examples: TrainingSet,
    positions: Tensor,
    *,
    k: Annotated[int, Ge(1)] = 200,
    same_class: bool = False,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw one of the k nearest neighbors uniformly (mixup paper, Table 5, "KNN"; its `k` is 200).

    With `same_class` only neighbors of the same class count, as in SMOTE (Chawla et al., 2002). An example without
    neighbors is its own partner.

    Args:
        examples: the training set.
        positions: indices of the examples that get a partner.
        k: number of neighbors.
        same_class: draw among neighbors of the same class only.
        generator: the source of randomness.
    """
    neighbors, counts = examples.neighbors(k, same_class)
    uniform = torch.rand(len(positions), dtype=torch.float64, generator=generator)
    available = counts[positions]
    drawn = neighbors[positions, (uniform * available).long()]
    return torch.where(available > 0, drawn, positions)


@declare(scope="dataset")
def uniform(examples: TrainingSet, positions: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """Draw each partner uniformly from the whole training set, with replacement, the example itself included.

    As in the released code of Chidambaram et al. (2022, `utils/manifold_mixup.py`) and of Yao et al. (2022, mixup as
    the baseline of C-Mixup).
    """
    return torch.randint(len(examples), (len(positions),), generator=generator)


@declare(scope="dataset")
def label_kernel(
    examples: TrainingSet, positions: Tensor, *, bandwidth: Annotated[float, Gt(0)], generator: torch.Generator
) -> Tensor:
    """Draw partners with similar labels: C-Mixup (Yao et al., 2022, 2210.05775, section 3).

    The partner of example i is j with a probability proportional to exp(-d(y_i, y_j)^2 / (2 h^2)), over the whole
    training set, the example itself included. The distance d is Euclidean, over all outputs at once.

    Args:
        examples: the training set; its labels may be numbers or class indices.
        positions: int64 (n,), whose partners are drawn.
        bandwidth: h, in the unit of the dataset's labels.
        generator: the source of randomness, on the CPU.
    """
    cumulative = examples.label_kernel(bandwidth)[positions]
    uniform = torch.rand((len(positions), 1), dtype=torch.float64, generator=generator)
    return torch.searchsorted(cumulative, uniform, right=True).squeeze(1).clamp(max=len(examples) - 1)


@declare(scope="dataset")
def second_loader(examples: TrainingSet, positions: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """Take partners from an independent shuffle of the training set: a second data loader (mixup paper, Figure 1a)."""
    return torch.randperm(len(examples), generator=generator)[: len(positions)]
