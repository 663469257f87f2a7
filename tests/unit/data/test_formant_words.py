"""Synthesized words: who says them, and what is in their sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import speech
from remixup.data.catalog.descriptor import Arrays, RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import formant_words
from tests.unit.data.conftest import fingerprint


@pytest.fixture(scope="module")
def words() -> Arrays:
    return formant_words.formant_words(RawFiles({}, Path(), Path()))


def test_the_words_have_not_moved(words: Arrays) -> None:
    assert (REGISTRY["formant-words"].numerics, fingerprint(words)) == (1, "95451bbdc0e9")


def test_every_speaker_says_every_word_once_and_is_in_one_part(words: Arrays) -> None:
    stream = np.random.RandomState(0)
    for part, speakers in (("train", 30), ("validation", 10), ("test", 20)):
        x, y = words.tensors[f"{part}_x"], words.tensors[f"{part}_y"]
        assert x.shape == (10 * speakers, 1, 41, 51)
        assert y.tolist() == np.repeat(np.arange(10), speakers).tolist()
        for speaker in range(speakers):
            for label, clip in enumerate(formant_words._draw_clips(stream)):
                assert clip.shape == (2_000,)
                if speaker == speakers - 1:  # the order is by word, then by speaker
                    expected = speech.spectrogram(clip, 4_000, 51).astype(np.float16)
                    assert np.array_equal(x[label * speakers + speaker, 0], expected)
    clips = [clip.tobytes() for part in ("train", "validation", "test") for clip in words.tensors[f"{part}_x"]]
    assert len(set(clips)) == 600


def test_the_resonances_go_from_one_vowel_to_the_other() -> None:
    # of hod (730 and 1,090 Hz) and had (660 and 1,720): the energy moves from about 1,090 to about 1,720 Hz and back
    speaker = formant_words._Speaker(pitch_hz=100, scale=1.0, pace=1.0, noise=0.0)
    for word, rises in (("ae", True), ("ea", False)):
        voice = formant_words._voice(word, speaker, np.random.RandomState(0))
        assert 0.16 * 4_000 - 1 <= len(voice) <= 0.30 * 4_000
        assert np.abs(voice).max() == 1
        balance = []
        for third in (voice[: len(voice) // 3], voice[-len(voice) // 3 :]):
            power = np.abs(np.fft.rfft(third * np.hanning(len(third)))) ** 2
            hertz = np.fft.rfftfreq(len(third), 1 / 4_000)
            low, high = (power[np.abs(hertz - center) < 150].sum() for center in (1_090, 1_720))
            balance.append(high / low)
        assert (balance[1] > 20 * balance[0]) if rises else (balance[0] > 20 * balance[1])


def test_noise_is_as_loud_as_the_speaker_has_it() -> None:
    loudness, place = [], []
    for seed in range(40):
        stream = np.random.RandomState(seed)
        speaker = formant_words._Speaker(pitch_hz=150, scale=1.0, pace=1.0, noise=0.1)
        clip = formant_words._clip("uo", speaker, stream)
        assert (clip.dtype, clip.shape) == (np.int16, (2_000,))
        voiced = np.flatnonzero(np.abs(clip) > 0.7 * np.abs(clip).max())
        outside = np.concatenate([clip[: max(voiced[0] - 800, 0)], clip[voiced[-1] + 800 :]])
        if len(outside) > 200:
            loudness.append(outside.std() / np.abs(clip).max())
        place.append(voiced[0])
    assert np.mean(loudness) == pytest.approx(0.1 / 1.1, rel=0.2)  # the loudest sample is the voice's 1 and some noise
    assert np.ptp(place) > 800


def test_a_speakers_scale_moves_the_resonances() -> None:
    def peak(scale: float) -> float:
        speaker = formant_words._Speaker(pitch_hz=100, scale=scale, pace=1.0, noise=0.0)
        voice = formant_words._voice("ee", speaker, np.random.RandomState(3))
        power = np.abs(np.fft.rfft(voice)) ** 2
        hertz = np.fft.rfftfreq(len(voice), 1 / 4_000)
        upper = hertz > 1_200
        return float((power * hertz)[upper].sum() / power[upper].sum())

    assert peak(1.1) / peak(0.9) == pytest.approx(1.1 / 0.9, rel=0.06)
