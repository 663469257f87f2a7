"""Spectrograms of spoken words.

They are those of the public code GCommandsPytorch, on which the mixup article's speech experiment very likely builds:
a short-time Fourier transform with Hamming windows of 20 ms every 10 ms, log(1 + magnitude), and each clip normalized
by itself.
"""

import hashlib
import io
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, File, Folder, Origin, RawFiles, Size, describe
from remixup.errors import UserError
from remixup.files import visible

_HOPS_PER_SECOND = 100
_ONE_SECOND = 101
"""Frames of a clip of one second."""
_NO_WORD = "_background_noise_"
_FSDD_PART = dict.fromkeys(("george", "jackson", "lucas", "nicolas"), "train")
_FSDD_PART |= {"theo": "validation", "yweweler": "test"}
"""Part of each speaker."""


def speech_commands(raw: RawFiles) -> Arrays:
    """Read thirty words at 16 kHz, (n, 1, 161, 101), in the published parts; clips in no list are the training part.

    Clips of a part are in the order of words, then of file names.
    """
    root = raw.root
    names = [path.name for path in visible(root, "*") if path.is_dir() and path.name != _NO_WORD]
    found = {name: _wav_files(root / name) for name in names}
    lists = {"validation": "validation_list.txt", "test": "testing_list.txt"}
    listed = {clip: part for part, name in lists.items() for clip in (root / name).read_text("utf-8").splitlines()}
    parts: dict[str, list[tuple[Path, int]]] = {"train": [], "validation": [], "test": []}
    for label, (name, paths) in enumerate(found.items()):
        for path in paths:
            parts[listed.get(f"{name}/{path.name}", "train")].append((path, label))
    return _spectrograms(parts, tuple(names), rate=16_000)


def fsdd(raw: RawFiles) -> Arrays:
    """Read ten digits at 8 kHz, (n, 1, 81, 101): four speakers for training, one for validation, one for testing."""
    paths = _wav_files(raw.root)
    names = tuple(sorted({path.name.partition("_")[0] for path in paths}))
    parts: dict[str, list[tuple[Path, int]]] = {"train": [], "validation": [], "test": []}
    for path in paths:
        word, speaker, _ = path.name.split("_")
        parts[_FSDD_PART[speaker]].append((path, names.index(word)))
    return _spectrograms(parts, names, rate=8_000)


def _spectrograms(parts: dict[str, list[tuple[Path, int]]], class_names: tuple[str, ...], *, rate: int) -> Arrays:
    """Compute the spectrogram of the first second of every clip of every part; float16 (n, 1, frequencies, frames)."""
    tensors: dict[str, NDArray[np.generic]] = {}
    total = hashlib.sha256()
    for part, clips in parts.items():
        x = np.empty((len(clips), 1, rate // _HOPS_PER_SECOND + 1, _ONE_SECOND), np.float16)
        for place, (path, _) in enumerate(clips):  # 0.2 ms each; threads would make it slower
            content = path.read_bytes()
            total.update(content)
            x[place, 0] = spectrogram(samples(content, rate, path), rate, _ONE_SECOND)
        tensors[f"{part}_x"], tensors[f"{part}_y"] = x, np.array([label for _, label in clips], np.int64)
    return Arrays(tensors, class_names, sha256=total.hexdigest())


def spectrogram(clip: NDArray[np.int16], rate: int, frames: int) -> NDArray[np.float64]:
    """Return the normalized log-magnitudes of one clip, (rate / 100 + 1, frames).

    The windows (periodic Hamming, 20 ms, unscaled) are centered on every 10 ms of the clip, with reflection padding at
    both ends. A shorter clip is padded with zeros, a longer one is cut. The result is standardized; silence stays zero.
    It is computed in float64, so that after rounding to float16 it is the same on every machine.

    Args:
        clip: Samples (n,), at least one.
        rate: Sampling rate in Hz, a multiple of 100.
        frames: Number of frames.
    """
    hop = rate // _HOPS_PER_SECOND
    size = 2 * hop
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(size) / size)
    mirrored = np.pad(clip / 32_768, hop, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, size)[::hop][:frames] * window
    magnitudes = np.zeros((hop + 1, frames))
    magnitudes[:, : len(windows)] = np.abs(np.fft.rfft(windows)).T
    logarithms = np.log1p(magnitudes)
    centered = logarithms - logarithms.mean()
    std = centered.std()
    normalized: NDArray[np.float64] = centered / std if std > 0 else centered
    return normalized


def samples(content: bytes, rate: int, path: Path) -> NDArray[np.int16]:
    """Return the samples of a wav file with one channel of 16 bits.

    Args:
        content: Content of the file.
        rate: Required sampling rate in Hz.
        path: Path for error messages.

    Raises:
        UserError: The file is incomplete, empty, or has another number of channels, depth or rate.
    """
    try:
        with wave.open(io.BytesIO(content)) as clip:
            found = (clip.getnchannels(), 8 * clip.getsampwidth(), clip.getframerate())
            count, data = clip.getnframes(), clip.readframes(clip.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk extends beyond the end of the file
        what = str(error) or "it ends early"
        raise UserError(f"this is not a complete wav file: {what}", where=str(path)) from error
    if found != (1, 16, rate):
        what = "{} channel(s) of {} bits at {:,} Hz, not one of 16 bits at {:,} Hz".format(*found, rate)
        raise UserError(f"it has {what}", where=str(path))
    if len(data) != 2 * count or not count:
        what = f"it holds {len(data) // 2:,} of {count:,} samples" if count else "it holds no samples"
        raise UserError(f"this is not a complete wav file: {what}", where=str(path))
    return np.frombuffer(data, "<i2")


def _wav_files(folder: Path) -> list[Path]:
    found = visible(folder, "*.wav")
    if not found:
        raise UserError("there are no wav files here", where=str(folder))
    return found


FEATURES = (
    "Features as in GCommandsPytorch: magnitudes of a short-time Fourier transform (periodic Hamming windows of 20 ms "
    "centered on every 10 ms, with reflection padding), log(1 + x), padded with zeros or cut to {frames} frames, then "
    "each clip standardized."
)

_SPEECH_COMMANDS = describe(
    speech_commands,
    "Google Speech Commands",
    "spectrograms",
    30,
    Size((1, 161, 101), 51_088, 6_835, 6_798),
    "One-second clips of 30 words at 16 kHz, 1 x 161 x 101. Parts as in validation_list.txt and "
    "testing_list.txt; all other clips except the background noise are for training. An archive is verified by "
    "the sha256 that torchaudio states; of an unpacked folder in a mirror the numbers of clips and words are "
    f"verified, and the manifest says `checked: structure`. {FEATURES.format(frames=101)}",
    version="v0.01",
    archive=File(
        "speech_commands_v0.01.tar.gz",
        sha256="743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
        url="http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
        mirror_path="speech_commands_v0.01.tar.gz",
    ),
    folder=Folder("speech_commands_v0.01"),
    origin=Origin("warden2018", "https://research.google/blog/launching-the-speech-commands-dataset/", "CC BY 4.0"),
)

_FSDD = describe(
    fsdd,
    "Free Spoken Digit Dataset",
    "spectrograms",
    10,
    Size((1, 81, 101), 2_000, 500, 500, test_units=1),
    "3,000 clips of the ten digits at 8 kHz, 1 x 81 x 101, split by speaker: george, jackson, lucas and "
    "nicolas for training, theo for validation, yweweler for testing. A folder in a mirror is verified by the "
    "sha256 of a known copy. The publisher's archive may have other bytes: it is accepted if each part has the "
    "same number of clips, and the manifest then says `checked: structure`. Measured test "
    "error: logistic regression 43 % (the best of three penalties), a VGG-11 of an eighth of the width after "
    "6 epochs 23.5 +- 1.9 % (3 seeds); chance is 90 %. "
    f"{FEATURES.format(frames=101)}",
    version="recordings",
    archive=File(
        "v1.0.10.tar.gz",
        url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
    ),
    folder=Folder(
        "fsdd/recordings",
        sha256="ff2900c958400f212923dc4e73af5292b595442f0ef792dd20e5debb72adac07",
        packed_path="free-spoken-digit-dataset-1.0.10/recordings",
    ),
    origin=Origin("jackson2018free", "https://github.com/Jakobovski/free-spoken-digit-dataset", "CC BY-SA 4.0"),
)

DATASETS = (_FSDD, _SPEECH_COMMANDS)
