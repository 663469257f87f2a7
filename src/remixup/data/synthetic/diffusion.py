"""A small diffusion model that draws images of given classes (Ho et al., 2020, 2006.11239), for a CPU and seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = 50
"""Steps from an image to noise."""
_HIDDEN = 128
_TIME_FEATURES = 16
_UPDATES = 800
_BATCH = 100
_RATE = 2e-3
_OFFSET = 0.008


class Diffusion:
    """A denoising diffusion model of images and their classes, trained when it is made.

    The network, two hidden layers, sees pixels in [-1, 1], the class and the step, and says what noise was added; the
    noise grows by the cosine schedule (Nichol and Dhariwal, 2021, 2102.09672, equation 17). All in float64 on one
    thread, so that pixels rounded to bytes come out alike on different processors.

    Args:
        images: (n, C, H, W) uint8; it learns from these and nothing else.
        labels: (n,) int64, 0 to classes - 1.
        classes: how many there are.
        seed: decides initial weights, minibatches and noise.
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], classes: int, seed: int) -> None:
        self.shape, self.classes = images.shape[1:], classes
        pixels = math.prod(self.shape)
        # The signal's share of the variance after each step, and the noise that the step adds.
        angle = (torch.arange(STEPS + 1, dtype=torch.float64) / STEPS + _OFFSET) / (1 + _OFFSET) * math.pi / 2
        share = angle.cos() ** 2
        self.share = share / share[0]
        self.beta = (1 - self.share[1:] / self.share[:-1]).clamp(max=0.999)
        self.source = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.network = nn.Sequential(
                *(nn.Linear(pixels + classes + 2 * _TIME_FEATURES, _HIDDEN), nn.SiLU()),
                *(nn.Linear(_HIDDEN, _HIDDEN), nn.SiLU()),
                nn.Linear(_HIDDEN, pixels),
            ).double()
        with _one_thread():
            self._learn(torch.from_numpy(images).flatten(1).double() / 127.5 - 1, torch.from_numpy(labels))

    def _noise(self, x: Tensor, labels: Tensor, step: Tensor) -> Tensor:
        """The network's guess at the noise in x (n, pixels) after `step` (n,) steps, 1 to STEPS."""
        frequency = torch.exp(-math.log(1_000) * torch.arange(_TIME_FEATURES, dtype=torch.float64) / _TIME_FEATURES)
        phase = step.unsqueeze(1) * frequency
        known = F.one_hot(labels, self.classes).double()
        guess: Tensor = self.network(torch.cat([x, known, phase.sin(), phase.cos()], dim=1))
        return guess

    def _learn(self, x: Tensor, labels: Tensor) -> None:
        moments = [torch.zeros_like(weight) for weight in self.network.parameters() for _ in range(2)]
        for update in range(1, _UPDATES + 1):
            rows = torch.randint(len(x), (_BATCH,), generator=self.source)
            step = torch.randint(1, STEPS + 1, (_BATCH,), generator=self.source)
            noise = torch.randn(_BATCH, x.shape[1], dtype=torch.float64, generator=self.source)
            kept = self.share[step].unsqueeze(1)
            noisy = kept.sqrt() * x[rows] + (1 - kept).sqrt() * noise
            loss = ((self._noise(noisy, labels[rows], step) - noise) ** 2).mean()
            gradients = torch.autograd.grad(loss, list(self.network.parameters()))
            rate = _RATE * (1 + math.cos(math.pi * update / _UPDATES)) / 2
            _adam(list(self.network.parameters()), gradients, moments, rate, update)

    @torch.no_grad()
    def draw(self, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """An image of each of these classes, (n, C, H, W) uint8; further calls draw further ones."""
        with _one_thread():
            x = self._walk_back(torch.from_numpy(labels))
        pixels = ((x.clamp(-1, 1) + 1) * 127.5).round()
        made: NDArray[np.uint8] = pixels.to(torch.uint8).view(-1, *self.shape).numpy()
        return made

    def _walk_back(self, labels: Tensor) -> Tensor:
        """From noise to images, step by step (algorithm 2), the image that is guessed kept within [-1, 1]."""
        shape = (len(labels), math.prod(self.shape))
        x = torch.randn(shape, dtype=torch.float64, generator=self.source)
        for step in range(STEPS, 0, -1):
            share, before, beta = self.share[step], self.share[step - 1], self.beta[step - 1]
            guess = self._noise(x, labels, torch.full((len(labels),), step))
            image = ((x - (1 - share).sqrt() * guess) / share.clamp(min=1e-8).sqrt()).clamp(-1, 1)
            mean = before.sqrt() * beta / (1 - share) * image + (1 - beta).sqrt() * (1 - before) / (1 - share) * x
            spread = (beta * (1 - before) / (1 - share)).sqrt()
            x = mean + spread * torch.randn(shape, dtype=torch.float64, generator=self.source)
        return x


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def _adam(
    weights: list[nn.Parameter], gradients: tuple[Tensor, ...], moments: list[Tensor], rate: float, update: int
) -> None:
    """A step of Adam (Kingma and Ba, 2015); torch's own imports its compiler, which takes longer than all of this."""
    for k, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
        first, second = moments[2 * k], moments[2 * k + 1]
        first.lerp_(gradient, 0.1)
        second.lerp_(gradient**2, 0.001)
        weight.sub_(rate * (first / (1 - 0.9**update)) / ((second / (1 - 0.999**update)).sqrt() + 1e-8))
