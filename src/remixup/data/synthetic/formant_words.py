"""Small spoken words for machines without a dataset: pairs of vowels, synthesised.

A voice is a sum of harmonics of a gliding pitch, each as loud as two resonances leave it, whose frequencies go over
from those of one vowel to those of another (measured in men by Peterson and Barney, Control Methods Used in a Study of
the Vowels, 1952, Table II). The clips are written as wav files and then read like any others, so that the whole path
from sound files to tensors runs everywhere. All that happens before a sample is rounded to 16 bits is in float64: from
one machine to the next the last bit of a sine may differ, a sample practically never does.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders import speech
from remixup.data.builders.builder import Built, Material
from remixup.data.storage import replacing

_SEED = 0
_RATE = 4_000
_SAMPLES = 2_000
_FRAMES = 51
_HIGHEST_HZ = 1_950.0
"""Harmonics beyond it are left out: half of the rate is 2,000."""

_FORMANTS_HZ = {"a": (730, 1090), "e": (660, 1720), "o": (570, 840), "r": (490, 1350), "u": (300, 870)}
"""First two formants of the vowels in hod, had, hawed, heard and who'd."""
_RESONANCES = ((90.0, 1.0), (120.0, 0.6))
"""Bandwidth in Hz and strength of each."""
_WORDS = ("ae", "ao", "au", "ea", "er", "oa", "ou", "re", "ua", "uo")
_SPEAKERS = {"train": 30, "validation": 10, "test": 20}


@dataclass(frozen=True)
class _Speaker:
    pitch_hz: float
    scale: float
    """Of all formants: the shorter the vocal tract, the larger."""
    pace: float
    noise: float
    """Standard deviation of the background, where the voice reaches 1."""


def formant_words(material: Material) -> Built:
    """Ten words at 4 kHz, (n, 1, 41, 51): 300 clips for training, 100 for validation, 200 for the test, by speaker."""
    names = [f"{number:02d}" for number in range(sum(_SPEAKERS.values()))]
    remaining = iter(names)
    speakers = {part: [next(remaining) for _ in range(count)] for part, count in _SPEAKERS.items()}
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    folder = material.raw / "formant-words"
    with replacing(folder, len(names) * len(_WORDS) * 2 * 4096) as made:  # a small file takes whole blocks of the disk
        for name in names:
            speaker = _drawn(stream)
            for word in _WORDS:
                _write(made / f"{word}_{name}_0.wav", _clip(word, speaker, stream))
    return speech.by_speaker(folder, speakers, rate=_RATE, frames=_FRAMES)


def _drawn(stream: np.random.RandomState) -> _Speaker:
    return _Speaker(
        pitch_hz=stream.uniform(90, 220),
        scale=stream.uniform(0.87, 1.13),
        pace=stream.uniform(0.85, 1.15),
        noise=stream.uniform(0.04, 0.2),
    )


def _clip(word: str, speaker: _Speaker, stream: np.random.RandomState) -> NDArray[np.int16]:
    """Half a second of background, with the word somewhere in it."""
    voice = _voice(word, speaker, stream)
    start = stream.randint(_SAMPLES - len(voice) + 1)
    clip = speaker.noise * stream.standard_normal(_SAMPLES)
    clip[start : start + len(voice)] += voice
    loudness = stream.uniform(0.1, 0.4)
    return np.rint(np.clip(loudness * clip, -1, 1) * 32_767).astype(np.int16)


def _voice(word: str, speaker: _Speaker, stream: np.random.RandomState) -> NDArray[np.float64]:
    """The word without background, 0.14 to 0.35 s, its largest sample 1 or -1."""
    samples = int(_RATE * stream.uniform(0.16, 0.30) / speaker.pace)
    time = np.arange(samples) / samples
    pitch = speaker.pitch_hz * (stream.uniform(0.9, 1.1) + stream.uniform(-0.2, 0.2) * (time - 0.5))
    middle, width = stream.uniform(0.4, 0.6), stream.uniform(0.04, 0.075)
    second = 1 / (1 + np.exp((middle - time) / width))  # how much of the second vowel
    harmonic = np.arange(1, int(_HIGHEST_HZ / pitch.min()) + 1)[:, None]
    frequency = harmonic * pitch
    gain = np.zeros_like(frequency)
    for place, (bandwidth, strength) in enumerate(_RESONANCES):
        first_hz, second_hz = (
            _FORMANTS_HZ[vowel][place] * speaker.scale * stream.uniform(0.95, 1.05) for vowel in word
        )
        formant = first_hz + (second_hz - first_hz) * second
        gain += strength / np.sqrt(1 + ((frequency - formant) / (bandwidth / 2)) ** 2)
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE
    sound = np.where(frequency < _HIGHEST_HZ, gain / np.sqrt(harmonic) * np.sin(harmonic * phase), 0.0).sum(axis=0)
    sound *= np.minimum(1, np.minimum(time, 1 - time) / 0.12)
    voice: NDArray[np.float64] = sound / np.abs(sound).max()
    return voice


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(_RATE)
        clip.writeframes(samples.astype("<i2").tobytes())
