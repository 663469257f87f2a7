"""Sound files, written with the standard library."""

from __future__ import annotations

import io
import wave

import numpy as np


def wav(clip: np.ndarray, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(clip.tobytes())
    return buffer.getvalue()


def noise(seed: int, count: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(-20_000, 20_000, count).astype("<i2")


GOOD = wav(noise(2, 100))
