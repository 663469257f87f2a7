"""Synthesised words: who says them, and what is in their sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from remixup.data.builders import speech
from remixup.data.catalog.descriptor import Arrays, RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import formant_words
from tests.unit.data.conftest import fingerprint


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Arrays]:
    raw = tmp_path_factory.mktemp("raw")
    return raw, formant_words.formant_words(RawFiles({}, raw, raw))


def test_the_words_have_not_moved(words: tuple[Path, Arrays]) -> None:
    _, built = words
    assert built.sha256 is not None
    golden = (REGISTRY["formant-words"].numerics, built.sha256[:12], fingerprint(built))
    assert golden == (1, "94a8a8e8f925", "95451bbdc0e9")


def test_every_speaker_says_every_word_once_and_is_in_one_part(words: tuple[Path, Arrays]) -> None:
    raw, built = words
    said = {tuple(path.stem.split("_")[:2]) for path in raw.iterdir()}
    assert len(said) == 600
    assert built.class_names == tuple(sorted({word for word, _ in said}))
    names = sorted({speaker for _, speaker in said})
    for part, speakers in (("train", names[:30]), ("validation", names[30:40]), ("test", names[40:])):
        x, y = built.tensors[f"{part}_x"], built.tensors[f"{part}_y"]
        assert x.shape == (10 * len(speakers), 1, 41, 51)
        assert y.tolist() == np.repeat(np.arange(10), len(speakers)).tolist()
        for place, speaker in ((0, speakers[0]), (-1, speakers[-1])):  # the order is by word, then by speaker
            word = built.class_names[y[place]]
            rate, clip = wavfile.read(raw / f"{word}_{speaker}_0.wav")
            assert (rate, len(clip)) == (4_000, 2_000)
            assert np.array_equal(x[place, 0], speech.spectrogram(clip, 4_000, 51).astype(np.float16))
    assert (
        len({clip.tobytes() for part in ("train", "validation", "test") for clip in built.tensors[f"{part}_x"]}) == 600
    )


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
