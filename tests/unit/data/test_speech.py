"""Features of sound, sound files, and clips named by word and speaker."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from scipy.io import wavfile

from remixup.data.builders import speech
from remixup.data.catalog.descriptor import RawFiles
from remixup.errors import UserError
from tests.unit.data.wav_files import GOOD, noise, wav

# Features


def test_a_tone_lies_in_its_band_and_is_as_loud_as_the_window_makes_it() -> None:
    # 1,000 Hz is 20 periods in a window of 20 ms. A sum over a Hamming window of 320 samples leaves of a cosine of
    # amplitude A in its band A/2 x 320 x 0.54, in both neighbors A/2 x 320 x 0.23, elsewhere nothing.
    amplitude = 0.5
    tone = np.rint(amplitude * 32_768 * np.cos(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)).astype(np.int16)
    bands = speech.spectrogram(tone, 16_000, 101)[:, 50]
    assert bands.argmax() == 20
    silent = np.median(bands)
    expected = np.log1p(np.array([0.23, 0.54, 0.23]) * 160 * amplitude)
    assert (bands[19:22] - silent) / (bands[20] - silent) == pytest.approx(expected / expected[1], abs=1e-3)
    assert np.abs(np.delete(bands, [19, 20, 21]) - silent).max() < 0.01 * (bands[20] - silent)


@pytest.mark.parametrize("rate", [4_000, 8_000, 16_000])
@pytest.mark.parametrize("seconds", [0.137, 0.5, 1.0, 1.37])
def test_spectrograms_are_scipys(rate: int, seconds: float) -> None:
    clip = noise(rate, round(rate * seconds) + 3)
    window = signal.get_window("hamming", rate // 50)
    *_, transform = signal.stft(
        clip / 32_768, window=window, nperseg=rate // 50, noverlap=rate // 100, boundary="even", padded=False
    )
    logarithms = np.log1p(np.abs(transform) * window.sum())[:, :101]  # SciPy divides by the sum of the window
    assert logarithms.shape[1] == min(101, 1 + len(clip) // (rate // 100))
    filled = np.concatenate([logarithms, np.zeros((rate // 100 + 1, 101 - logarithms.shape[1]))], axis=1)
    expected = (filled - filled.mean()) / filled.std()
    assert np.allclose(speech.spectrogram(clip, rate, 101), expected, rtol=0, atol=1e-9)


def test_the_filling_takes_part_in_the_normalisation() -> None:
    features = speech.spectrogram(noise(0, 8_000), 16_000, 101)
    assert features.shape == (161, 101)
    assert features.mean() == pytest.approx(0, abs=1e-12)
    assert features.std() == pytest.approx(1)
    assert np.ptp(features[:, 51:]) == 0  # half a second has 51 frames
    assert features[0, 100] < features[:, :51].min()


def test_silence_and_the_shortest_clip_stay_finite() -> None:
    assert not speech.spectrogram(np.zeros(16_000, np.int16), 16_000, 101).any()
    assert np.isfinite(speech.spectrogram(np.array([5], np.int16), 16_000, 101)).all()


# Sound files


def test_samples_are_read_as_scipy_reads_them() -> None:
    content = wav(noise(1, 500))
    found = speech.samples(content, 16_000, Path("x.wav"))
    assert np.array_equal(found, wavfile.read(io.BytesIO(content))[1])
    assert np.array_equal(found, noise(1, 500))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a complete wav file: it ends early"),
        (GOOD[:30], "not a complete wav file: (it ends early|fmt chunk)"),
        (GOOD[:-1], "it holds 99 of 100 samples"),
        (GOOD[:44], "it holds 0 of 100 samples"),
        (wav(noise(2, 0)), "it holds no samples"),
        (b"<html>sorry</html>" * 9, "does not start with RIFF"),
        (GOOD[:16] + b"\xff\xff" + GOOD[18:], "not a complete wav file"),
        (wav(noise(2, 100), channels=2), "2 channel.* of 16 bits at 16,000 Hz, not one of 16 bits at 16,000 Hz"),
        (wav(noise(2, 100), width=1), "1 channel.* of 8 bits"),
        (wav(noise(2, 100), rate=8_000), "at 8,000 Hz, not"),
    ],
)
def test_what_is_no_such_wav_file_is_named(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        speech.samples(content, 16_000, Path("a/x.wav"))
    assert raised.value.where == "a/x.wav"


def test_no_damaged_header_is_taken_for_a_bug() -> None:
    stream = np.random.RandomState(0)
    refused = 0
    for _ in range(3_000):
        damaged = bytearray(GOOD)
        damaged[stream.randint(44)] = stream.randint(256)
        try:
            speech.samples(bytes(damaged), 16_000, Path("x.wav"))
        except UserError:
            refused += 1
    assert refused > 1_000


# Clips named by word and speaker


def test_spoken_digits_are_split_by_speaker(tmp_path: Path) -> None:
    speakers = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
    for number, speaker in enumerate(speakers):
        for digit in range(number + 1):
            (tmp_path / f"{digit}_{speaker}_0.wav").write_bytes(wav(noise(number, 100), rate=8_000))
    built = speech.fsdd(RawFiles({"recordings": tmp_path}, tmp_path, tmp_path))
    assert {name: len(array) for name, array in built.tensors.items() if name.endswith("y")} == {
        "train_y": 1 + 2 + 3 + 4,
        "validation_y": 5,
        "test_y": 6,
    }
    assert built.class_names == tuple("012345")
    order = [
        (digit, number) for part in (range(4), [4], [5]) for digit in range(6) for number in part if digit <= number
    ]
    expected = [speech.spectrogram(noise(number, 100), 8_000, 101).astype(np.float16) for _, number in order]
    found = np.concatenate([built.tensors[f"{part}_x"][:, 0] for part in ("train", "validation", "test")])
    assert np.array_equal(found, expected)
    content = b"".join((tmp_path / f"{digit}_{speakers[number]}_0.wav").read_bytes() for digit, number in order)
    assert built.sha256 == hashlib.sha256(content).hexdigest()
    assert built.tensors["test_x"].shape == (6, 1, 81, 101)
