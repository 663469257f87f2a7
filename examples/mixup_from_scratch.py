"""mixup in one file: ERM and mixup on scikit-learn's digits, in plain PyTorch, on a CPU in half a minute.

    python examples/mixup_from_scratch.py

It needs torch and scikit-learn only. One seed gives the same numbers as remixup's own training, bit for bit
(`tests/unit/training/test_from_scratch.py`), so this file also says exactly what that training does.
"""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 20, 50, 0.05, 0.9, 1e-4
CLASSES, PER_CLASS = 10, 60


def generator(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """Return the source of one kind of random numbers, such as the order of the examples, in one epoch.

    ERM and mixup of one seed therefore have the same initial weights and see the examples in the same order.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def load() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return training and test part, 60 images of each class: images (600, 1, 8, 8) with values in [-1, 1], labels."""
    digits = load_digits()
    images = ((digits.images.astype(np.int64) * 255 + 8) // 16).astype(np.uint8)[:, None]
    order = np.random.RandomState(0).permutation(len(images))
    images, labels = images[order], digits.target[order]
    rank = np.empty(len(labels), np.int64)  # how many images of its class precede an image
    for label in range(CLASSES):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    parts = [rank // PER_CLASS == part for part in range(2)]
    train, test = ((scale(torch.from_numpy(images[rows])), torch.from_numpy(labels[rows])) for rows in parts)
    return train, test


def scale(pixels: Tensor) -> Tensor:
    """Return network inputs from pixels, uint8."""
    return (pixels.float() / 255 - 0.5) / 0.5


def network(seed: int) -> nn.Sequential:
    """Return a small convolutional network with the initial weights of a seed."""
    torch.manual_seed(generator(seed, "initialisation").initial_seed())
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(8, 16), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.GroupNorm(8, 32), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 2 * 2, CLASSES)),
    )


def draw_beta(count: int, alpha: float, source: torch.Generator) -> Tensor:
    """Draw λ ~ Beta(α, α), float64 (count,): the quotient g / (g + h) of two gamma variates.

    A Gamma(α) variate is a Gamma(α + 1) variate times U^(1/α). In logarithms a small α gives no 0 / 0.
    """
    shape = torch.full((2, count), alpha, dtype=torch.float64)
    gamma = torch._standard_gamma(shape + 1, generator=source)
    uniform = torch.rand((2, count), dtype=torch.float64, generator=source)
    log_gamma = gamma.log() + uniform.log() / shape
    return torch.sigmoid(log_gamma[0] - log_gamma[1])


def mix(x: Tensor, y: Tensor, ratio: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Mix a minibatch with a permutation of itself: λ x_i + (1 - λ) x_j, and the same of the class probabilities."""
    ratio = ratio.to(x.dtype)
    return ratio * x + (1 - ratio) * x[partner], ratio * y + (1 - ratio) * y[partner]


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy against class probabilities."""
    return -(target * logits.log_softmax(-1)).sum(-1).mean()


@torch.no_grad()
def error(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the test error in percent."""
    return 100 * (net(x).argmax(-1) != y).double().mean().item()


def train(seed: int, alpha: float) -> list[tuple[float, float]]:
    """Train a network; return training loss and test error after each epoch.

    Args:
        seed: of split, weights, order, ratios and partners.
        alpha: the parameter of mixup; 0 is ERM.
    """
    (x, y), test = load()
    one_hot = torch.eye(CLASSES)[y]
    net, steps, history = network(seed), len(x) // BATCH, []
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x), generator=generator(seed, "order", epoch))
        if alpha > 0:
            ratios = draw_beta(steps, alpha, generator(seed, "ratio", epoch))  # one λ for each minibatch
            keys = torch.rand(steps, BATCH, dtype=torch.float64, generator=generator(seed, "partner", epoch))
            partners = keys.argsort(-1)
        total = 0.0
        for step, rows in enumerate(order.split(BATCH)):
            inputs, target = x[rows], one_hot[rows]
            if alpha > 0:
                inputs, target = mix(inputs, target, ratios[step], partners[step])
            loss = cross_entropy(net(inputs), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += (loss.detach() * len(rows)).item()
        history.append((total / len(x), error(net, *test)))
    return history


if __name__ == "__main__":
    torch.set_num_threads(1)  # more threads would mostly wait for each other: the network is small
    seeds = range(5)
    errors = {}
    for name, alpha in (("ERM", 0.0), ("mixup", 1.0)):
        errors[name] = torch.tensor([train(seed, alpha)[-1][1] for seed in seeds])
        print(f"{name:6} test error {errors[name].mean():.2f} %, standard deviation {errors[name].std():.2f}")
    difference = errors["mixup"] - errors["ERM"]  # of the same seed: same weights, same order
    print(f"mixup - ERM {difference.mean():+.2f} points, standard error {difference.std() / len(seeds) ** 0.5:.2f}")
