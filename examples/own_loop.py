"""Plug `remixup.mixing` into a training loop of your own: digits, a small network, any mixing method.

    python examples/own_loop.py            # mixup
    python examples/own_loop.py cutmix     # or another method of METHODS

The package `remixup` with its dependencies is enough (`pip install .`), and scikit-learn for the data.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from remixup.mixing import Mixing, MixingModule, soft_cross_entropy

BETA = {"name": "beta", "alpha": 1.0}
METHODS = {
    "erm": Mixing.compose(classes=10),
    "smoothing": Mixing.compose(smoothing=0.1, classes=10),
    "mixup": Mixing.compose(ratio=BETA, classes=10),
    "cutmix": Mixing.compose(ratio=BETA, blend="cutmix", classes=10),
    "k-mixup": Mixing.compose(ratio=BETA, partner={"name": "transport", "k": 16}, classes=10),
    "three-examples": Mixing.compose(ratio={"name": "dirichlet", "alpha": 1.0}, classes=10),
}


class Classifier(nn.Module):
    """A network with its mixing, in the layout of a Lightning module: `training_step` and `validation_step`."""

    def __init__(self, mixing: Mixing) -> None:
        super().__init__()
        self.mixing = MixingModule(mixing)
        self.network = nn.Sequential(
            *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 4 * 4, 10)),
        )

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the loss on a mixed minibatch; `self.train()` switches the mixing on, `self.eval()` off."""
        x, target = self.mixing(*batch)
        return soft_cross_entropy(self.network(x), target)

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the number of wrong predictions."""
        x, y = batch
        return (self.network(x).argmax(1) != y).sum()


def main(method: str = "mixup", epochs: int = 15) -> float:
    """Train by a method of METHODS and return the test error in percent."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # more threads would mostly wait for each other: the network is small
    digits = load_digits()
    x, y = torch.from_numpy(digits.images).float().unsqueeze(1) / 8 - 1, torch.from_numpy(digits.target)
    train, test = TensorDataset(x[:1200], y[:1200]), TensorDataset(x[1200:], y[1200:])
    model = Classifier(METHODS[method])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        model.train()
        for batch in DataLoader(train, batch_size=64, shuffle=True):
            loss = model.training_step(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        wrong = sum(int(model.validation_step(batch)) for batch in DataLoader(test, batch_size=300))
    return 100 * wrong / len(test)


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "mixup"
    if name not in METHODS:
        sys.exit(f"unknown method {name!r}; valid: {', '.join(METHODS)}")
    print(f"{name}: test error {main(name):.1f} %")
