"""A small class-conditional diffusion model (Ho et al., 2020, 2006.11239) that trains on a CPU in seconds."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = 50
"""Diffusion steps from an image to noise."""
_HIDDEN = 128
_TIME_FEATURES = 16
_UPDATES = 800
_BATCH = 100
_RATE = 2e-3
_OFFSET = 0.008


class Diffusion:
    """Denoising diffusion model of images and their classes, trained by the constructor.

    A network with two hidden layers predicts the noise from pixels in [-1, 1], class and step. The noise follows
    the cosine schedule (Nichol and Dhariwal, 2021, 2102.09672, equation 17). Computation is in float64 on one thread,
    so that pixels rounded to bytes are the same on different processors.

    Args:
        images: Training images, (n, C, H, W) uint8.
        labels: Their classes, (n,) int64, 0 to classes - 1.
        classes: Number of classes.
        seed: Determines initial weights, minibatches and noise.
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], classes: int, seed: int) -> None:
        self.shape, self.classes = images.shape[1:], classes
        pixels = math.prod(self.shape)
        # The signal's fraction of the variance after each step, and the variance of the noise that the step adds.
        angle = (torch.arange(STEPS + 1, dtype=torch.float64) / STEPS + _OFFSET) / (1 + _OFFSET) * math.pi / 2
        signal = angle.cos() ** 2
        self.signal = signal / signal[0]
        self.beta = (1 - self.signal[1:] / self.signal[:-1]).clamp(max=0.999)
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.network = nn.Sequential(
                *(nn.Linear(pixels + classes + 2 * _TIME_FEATURES, _HIDDEN), nn.SiLU()),
                *(nn.Linear(_HIDDEN, _HIDDEN), nn.SiLU()),
                nn.Linear(_HIDDEN, pixels),
            ).double()
        with _one_thread():
            self._train(torch.from_numpy(images).flatten(1).double() / 127.5 - 1, torch.from_numpy(labels))

    def _predict_noise(self, x: Tensor, labels: Tensor, step: Tensor) -> Tensor:
        """Predict the noise in x (n, pixels) after `step` (n,) steps, 1 to STEPS."""
        frequency = torch.exp(-math.log(1_000) * torch.arange(_TIME_FEATURES, dtype=torch.float64) / _TIME_FEATURES)
        phase = step.unsqueeze(1) * frequency
        known = F.one_hot(labels, self.classes).double()
        noise: Tensor = self.network(torch.cat([x, known, phase.sin(), phase.cos()], dim=1))
        return noise

    def _train(self, x: Tensor, labels: Tensor) -> None:
        adam = torch.optim.Adam(self.network.parameters(), fused=True)
        for update in range(1, _UPDATES + 1):
            rows = torch.randint(len(x), (_BATCH,), generator=self.generator)
            step = torch.randint(1, STEPS + 1, (_BATCH,), generator=self.generator)
            noise = torch.randn(_BATCH, x.shape[1], dtype=torch.float64, generator=self.generator)
            signal = self.signal[step].unsqueeze(1)
            noisy = signal.sqrt() * x[rows] + (1 - signal).sqrt() * noise
            loss = ((self._predict_noise(noisy, labels[rows], step) - noise) ** 2).mean()
            adam.zero_grad()
            loss.backward()
            adam.param_groups[0]["lr"] = _RATE * (1 + math.cos(math.pi * update / _UPDATES)) / 2
            adam.step()

    @torch.no_grad()
    def draw(self, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Draw an image of each class in `labels`, (n, C, H, W) uint8; further calls draw further images.

        Noise becomes images step by step (algorithm 2), with the predicted image clamped to [-1, 1].
        """
        shape, classes = (len(labels), math.prod(self.shape)), torch.from_numpy(labels)
        with _one_thread():
            x = torch.randn(shape, dtype=torch.float64, generator=self.generator)
            for step in range(STEPS, 0, -1):
                signal, before, beta = self.signal[step], self.signal[step - 1], self.beta[step - 1]
                noise = self._predict_noise(x, classes, torch.full((len(labels),), step))
                image = ((x - (1 - signal).sqrt() * noise) / signal.clamp(min=1e-8).sqrt()).clamp(-1, 1)
                mean = before.sqrt() * beta / (1 - signal) * image + (1 - beta).sqrt() * (1 - before) / (1 - signal) * x
                spread = (beta * (1 - before) / (1 - signal)).sqrt()
                x = mean + spread * torch.randn(shape, dtype=torch.float64, generator=self.generator)
        pixels = ((x.clamp(-1, 1) + 1) * 127.5).round()
        return pixels.to(torch.uint8).view(-1, *self.shape).numpy()


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
