"""Partners from the whole training set.

Each function takes the training set, the positions (n,) in it of the examples to be mixed, int64 (all examples of an
epoch in their order), and a generator on the CPU. It returns an int64 tensor (n,): positions of the partners in the
training set.
"""

from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

NUMERICS = 1


class TrainingSet:
    """The examples that partners are looked for among; what is computed for all of them is kept.

    Args:
        x: inputs (n, ...), any dtype; distances are Euclidean in these units.
        labels: class indices (n,), int64; or numbers (n,) or (n, outputs), where no class is asked for.
    """

    def __init__(self, x: Tensor, labels: Tensor) -> None:
        self.x, self.labels = x.flatten(1), labels
        # Plain dictionaries: a cached method would refer to the object that holds it, and keep its data in memory.
        self._neighbours: dict[tuple[int, bool], tuple[Tensor, Tensor]] = {}
        self._kernels: dict[float, Tensor] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def neighbours(self, k: int, same_class: bool) -> tuple[Tensor, Tensor]:
        """Return the k nearest others of each example, nearest first, int64 (n, k), and their number, int64 (n,).

        Fewer than k where the training set (or the class) has fewer others; the rest of such a row means nothing.
        """
        if same_class and self.labels.is_floating_point():
            raise ValueError("labels that are numbers have no classes to find partners in")
        if (k, same_class) not in self._neighbours:
            self._neighbours[k, same_class] = self._find_neighbours(min(k, len(self)), same_class)
        return self._neighbours[k, same_class]

    def _find_neighbours(self, k: int, same_class: bool) -> tuple[Tensor, Tensor]:
        found, counts = [], []
        for rows in torch.arange(len(self), device=self.x.device).split(1000):
            distance = torch.cdist(self.x[rows].float(), self.x.float())
            distance[torch.arange(len(rows)), rows] = torch.inf
            if same_class:
                distance[self.labels[rows].unsqueeze(1) != self.labels] = torch.inf
            nearest = distance.topk(k, largest=False)
            found.append(nearest.indices)
            counts.append(nearest.values.isfinite().sum(1))
        return torch.cat(found).cpu(), torch.cat(counts).cpu()

    def label_kernel(self, bandwidth: float) -> Tensor:
        """Return the cumulative probabilities (n, n), float64, of each example's partners under `label_kernel`."""
        if bandwidth not in self._kernels:
            labels = self.labels.cpu().double().reshape(len(self), -1)
            weight = torch.cdist(labels, labels).square_().div_(-2 * bandwidth**2).exp_()
            cumulative = weight.cumsum_(1)
            self._kernels[bandwidth] = cumulative.div_(cumulative[:, -1:].clone())
        return self._kernels[bandwidth]


def nearest(
    examples: TrainingSet,
    positions: Tensor,
    *,
    k: Annotated[int, Ge(1)] = 200,
    same_class: bool = False,
    generator: torch.Generator,
) -> Tensor:
    """One of the k nearest neighbours, uniformly drawn (mixup paper, Table 5, "KNN"; its `k` is 200).

    With `same_class` the neighbours are those of the same class, as SMOTE has them (Chawla et al., 2002). An example
    without neighbours is its own partner.
    """
    neighbours, counts = examples.neighbours(k, same_class)
    uniform = torch.rand(len(positions), dtype=torch.float64, generator=generator)
    available = counts[positions]
    drawn = neighbours[positions, (uniform * available).long()]
    return torch.where(available > 0, drawn, positions)


def uniform(examples: TrainingSet, positions: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw each partner uniformly from the whole training set, with replacement, the example itself included.

    The released code of Chidambaram et al. (2022, `utils/manifold_mixup.py`) and that of Yao et al. (2022, mixup as the
    baseline of C-Mixup) do so.
    """
    return torch.randint(len(examples), (len(positions),), generator=generator)


def label_kernel(
    examples: TrainingSet, positions: Tensor, *, bandwidth: Annotated[float, Gt(0)], generator: torch.Generator
) -> Tensor:
    """Draw partners with similar labels: C-Mixup (Yao et al., 2022, 2210.05775, section 3).

    The partner of example i is j with a probability proportional to exp(-d(y_i, y_j)^2 / (2 h^2)), over the whole
    training set, the example itself included. The distance d is Euclidean, over all outputs at once.

    Args:
        examples: the training set; its labels may be numbers or class indices.
        positions: int64 (n,), whose partners are drawn.
        bandwidth: h, in the unit of the labels as the dataset has them.
        generator: the source of randomness, on the CPU.
    """
    cumulative = examples.label_kernel(bandwidth)[positions]
    uniform = torch.rand((len(positions), 1), dtype=torch.float64, generator=generator)
    return torch.searchsorted(cumulative, uniform, right=True).squeeze(1).clamp(max=len(examples) - 1)


def second_loader(examples: TrainingSet, positions: Tensor, *, generator: torch.Generator) -> Tensor:
    """An independent pass over the training set in another order: a second data loader (mixup paper, Figure 1a)."""
    return torch.randperm(len(examples), generator=generator)[: len(positions)]
