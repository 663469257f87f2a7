"""Synthesized spoken words: pairs of vowels.

A voice is a sum of harmonics of a gliding pitch, filtered by two resonances whose frequencies move from the formants of
one vowel to those of another (measured in men by Peterson and Barney, Control Methods Used in a Study of the Vowels,
1952, Table II). Samples are computed in float64 and rounded to 16 bits, so they are practically the same on every
machine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders import speech
from remixup.data.catalog.descriptor import Arrays, Origin, RawFiles, Size, describe

_SEED = 0
_RATE = 4_000
_SAMPLES = 2_000
_FRAMES = 51
_HIGHEST_HZ = 1_950.0
"""Highest harmonic, below half of the sampling rate."""

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
    """Factor on all formants; larger for a shorter vocal tract."""
    pace: float
    noise: float
    """Standard deviation of the background, relative to the peak of the voice."""


def formant_words(raw: RawFiles) -> Arrays:
    """Synthesize ten words at 4 kHz, (n, 1, 41, 51): 300 training, 100 validation, 200 test clips, by speaker."""
    stream = np.random.RandomState(_SEED)  # NumPy guarantees that its stream never changes
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, count in _SPEAKERS.items():
        speakers = [_draw_clips(stream) for _ in range(count)]
        x = [[speech.spectrogram(clips[label], _RATE, _FRAMES) for clips in speakers] for label in range(len(_WORDS))]
        tensors[f"{part}_x"] = np.concatenate(x)[:, None].astype(np.float16)
        tensors[f"{part}_y"] = np.repeat(np.arange(len(_WORDS)), count)
    return Arrays(tensors, _WORDS)


def _draw_clips(stream: np.random.RandomState) -> list[NDArray[np.int16]]:
    """Synthesize all words of a new speaker."""
    ranges = {"pitch_hz": (90, 220), "scale": (0.87, 1.13), "pace": (0.85, 1.15), "noise": (0.04, 0.2)}
    speaker = _Speaker(**{name: stream.uniform(*limits) for name, limits in ranges.items()})
    return [_clip(word, speaker, stream) for word in _WORDS]


def _clip(word: str, speaker: _Speaker, stream: np.random.RandomState) -> NDArray[np.int16]:
    """Synthesize half a second of background noise with the word at a random position."""
    voice = _voice(word, speaker, stream)
    start = stream.randint(_SAMPLES - len(voice) + 1)
    clip = speaker.noise * stream.standard_normal(_SAMPLES)
    clip[start : start + len(voice)] += voice
    loudness = stream.uniform(0.1, 0.4)
    return np.rint(np.clip(loudness * clip, -1, 1) * 32_767).astype(np.int16)


def _voice(word: str, speaker: _Speaker, stream: np.random.RandomState) -> NDArray[np.float64]:
    """Synthesize the word without background, 0.14 to 0.35 s, with peak amplitude 1."""
    samples = int(_RATE * stream.uniform(0.16, 0.30) / speaker.pace)
    time = np.arange(samples) / samples
    pitch = speaker.pitch_hz * (stream.uniform(0.9, 1.1) + stream.uniform(-0.2, 0.2) * (time - 0.5))
    middle, width = stream.uniform(0.4, 0.6), stream.uniform(0.04, 0.075)
    second = 1 / (1 + np.exp((middle - time) / width))  # share of the second vowel
    harmonic = np.arange(1, int(_HIGHEST_HZ / pitch.min()) + 1)[:, None]
    frequency = harmonic * pitch
    gain = np.zeros_like(frequency)
    for number, (bandwidth, strength) in enumerate(_RESONANCES):
        first_hz, second_hz = (
            _FORMANTS_HZ[vowel][number] * speaker.scale * stream.uniform(0.95, 1.05) for vowel in word
        )
        formant = first_hz + (second_hz - first_hz) * second
        gain += strength / np.sqrt(1 + ((frequency - formant) / (bandwidth / 2)) ** 2)
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE
    sound = np.where(frequency < _HIGHEST_HZ, gain / np.sqrt(harmonic) * np.sin(harmonic * phase), 0.0).sum(axis=0)
    sound *= np.minimum(1, np.minimum(time, 1 - time) / 0.12)
    voice: NDArray[np.float64] = sound / np.abs(sound).max()
    return voice


DATASETS = (
    describe(
        formant_words,
        "synthesized words of two vowels",
        "spectrograms",
        10,
        Size((1, 41, 51), 300, 200, 100, test_units=20),
        "Ten pairs of vowels in half a second at 4 kHz, 1 x 41 x 51: harmonics of a gliding pitch through two "
        "resonances that move from the formants of one vowel to those of the other, at a random position in noise. "
        "Each of 60 speakers has a pitch, a pace, a vocal tract and a noise level, and says each word once: 30 "
        "speakers for training, 10 for validation, 20 for testing. Seeded; samples and features are rounded from "
        "float64, so they are practically the same on every machine. Measured test error: logistic regression 41 to "
        "47 % with a weak or moderate penalty, a LeNet of two convolutions 27.4 +- 3.6 % after 10 epochs and "
        "15.9 +- 2.3 % after 20, a VGG-11 of an eighth of the width after 10 epochs 7.1 +- 2.6 % (4 seeds each); "
        f"chance is 90 %. {speech.FEATURES.format(frames=51)}",
        origin=Origin("peterson1952control", "https://doi.org/10.1121/1.1906875"),
    ),
)
