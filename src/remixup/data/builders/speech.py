"""Spectrograms of spoken words.

They are those of the public code GCommandsPytorch, on which the mixup article's speech experiment very likely builds:
a short-time Fourier transform with Hamming windows of 20 ms every 10 ms, log(1 + magnitude), and each clip normalized
by itself.
"""

from __future__ import annotations

import hashlib
import io
import re
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Dataset, File, Folder, RawFiles, Size, Version, versions
from remixup.errors import UserError

Clips = Sequence[tuple[Path, int]]
"""Files and their labels."""

_HOPS_PER_SECOND = 100
_ONE_SECOND = 101
"""Frames of a clip of one second."""
_NO_WORD = "_background_noise_"
_FSDD_SPEAKERS = {
    "train": ("george", "jackson", "lucas", "nicolas"),
    "validation": ("theo",),
    "test": ("yweweler",),
}


def speech_commands(raw: RawFiles) -> Arrays:
    """Read thirty words at 16 kHz, (n, 1, 161, 101), in the published parts; clips in no list are the training part.

    Clips of a part are in the order of words, then of file names.
    """
    root = raw.root
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name != _NO_WORD)
    found = {name: _wav_files(root / name) for name in names}
    known = {f"{name}/{path.name}" for name, paths in found.items() for path in paths}
    listed: dict[str, str] = {}
    for part, path in (("validation", root / "validation_list.txt"), ("test", root / "testing_list.txt")):
        for line, clip in enumerate(_lines(path), 1):
            if clip not in known:
                raise UserError(f"line {line} names {clip!r}, and there is no such clip", where=str(path))
            if clip in listed:
                raise UserError(f"line {line} names {clip!r}, which the {listed[clip]} list has too", where=str(path))
            listed[clip] = part
    parts: dict[str, list[tuple[Path, int]]] = {"train": [], "validation": [], "test": []}
    for label, (name, paths) in enumerate(found.items()):
        for path in paths:
            parts[listed.get(f"{name}/{path.name}", "train")].append((path, label))
    return spectrograms(parts, tuple(names), rate=16_000, frames=_ONE_SECOND)


def fsdd(raw: RawFiles) -> Arrays:
    """Read ten digits at 8 kHz, (n, 1, 81, 101): four speakers for training, one for validation, one for testing."""
    root = raw.root
    return by_speaker(root, _FSDD_SPEAKERS, rate=8_000, frames=_ONE_SECOND)


def by_speaker(folder: Path, speakers: Mapping[str, Sequence[str]], *, rate: int, frames: int) -> Arrays:
    """Read the clips `folder/{word}_{speaker}_{number}.wav`, in the order of their names.

    Args:
        folder: Folder of the clips.
        speakers: Speakers of each part.
        rate: Required sampling rate in Hz.
        frames: Number of frames of a spectrogram.

    Raises:
        UserError: A file has another name, its speaker is in no part, a part has no clip, or a clip cannot be read.
    """
    part_of = {speaker: part for part, members in speakers.items() for speaker in members}
    named = []
    for path in _wav_files(folder):
        match = re.fullmatch(r"([^_]+)_([^_]+)_\d+\.wav", path.name)
        if not match or match[2] not in part_of:
            wanted = f"{{word}}_{{speaker}}_{{number}}.wav with one of the speakers {', '.join(part_of)}"
            raise UserError("this clip's name does not state its word and speaker", where=str(path), hint=wanted)
        named.append((path, match[1], part_of[match[2]]))
    names = tuple(sorted({word for _, word, _ in named}))
    parts = {part: [(path, names.index(word)) for path, word, its in named if its == part] for part in speakers}
    if empty := [part for part, clips in parts.items() if not clips]:
        raise UserError(f"no clip is by {' or '.join(speakers[empty[0]])}", where=str(folder))
    return spectrograms(parts, names, rate=rate, frames=frames)


def spectrograms(parts: Mapping[str, Clips], class_names: tuple[str, ...], *, rate: int, frames: int) -> Arrays:
    """Compute the spectrogram of every clip of every part; float16 (n, 1, frequencies, frames)."""
    tensors: dict[str, NDArray[np.generic]] = {}
    total = hashlib.sha256()
    for part, clips in parts.items():
        x = np.empty((len(clips), 1, rate // _HOPS_PER_SECOND + 1, frames), np.float16)
        for place, (path, _) in enumerate(clips):  # 0.2 ms each; threads would make it slower
            content = _content(path)
            total.update(content)
            x[place, 0] = spectrogram(samples(content, rate, path), rate, frames)
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
    except (
        wave.Error,
        EOFError,
        RuntimeError,
    ) as error:  # RuntimeError: a chunk that extends beyond the end of the file
        what = str(error) or "it ends early"
        raise UserError(f"this is not a complete wav file: {what}", where=str(path)) from error
    if found != (1, 16, rate):
        what = "{} channel(s) of {} bits at {:,} Hz, not one of 16 bits at {:,} Hz".format(*found, rate)
        raise UserError(f"it has {what}", where=str(path))
    if len(data) != 2 * count or not count:
        what = f"it holds {len(data) // 2:,} of {count:,} samples" if count else "it holds no samples"
        raise UserError(f"this is not a complete wav file: {what}", where=str(path))
    return np.frombuffer(data, "<i2")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"it cannot be read: {error.strerror}", where=str(path)) from error


def _wav_files(folder: Path) -> list[Path]:
    found = sorted((path for path in folder.iterdir() if path.suffix == ".wav"), key=lambda path: path.name)
    if not found:
        raise UserError("there are no wav files here", where=str(folder))
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        what = "it is missing" if isinstance(error, FileNotFoundError) else f"it cannot be read: {error}"
        raise UserError(f"this list of the clips of a part is required, but {what}", where=str(path)) from error


FEATURES = (
    "Features as in GCommandsPytorch: magnitudes of a short-time Fourier transform (periodic Hamming windows of 20 ms "
    "centered on every 10 ms, with reflection padding), log(1 + x), padded with zeros or cut to {frames} frames, then "
    "each clip standardized."
)

_SPEECH_COMMANDS = Dataset(
    "speech-commands",
    "Google Speech Commands",
    "spectrograms",
    30,
    versions(
        Version(
            "v0.01",
            speech_commands,
            archive=File(
                "speech_commands_v0.01.tar.gz",
                sha256="743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
                url="http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
                mirror_path="speech_commands_v0.01.tar.gz",
            ),
            folder=Folder("speech_commands_v0.01", train=51_088, validation=6_798, test=6_835),
            note="One-second clips of 30 words at 16 kHz, 1 x 161 x 101. Parts as in validation_list.txt and "
            "testing_list.txt; all other clips except the background noise are for training. An archive is verified by "
            "the sha256 that torchaudio states; of an unpacked folder in a mirror the numbers of clips and words are "
            f"verified, and the manifest says `checked: structure`. {FEATURES.format(frames=101)}",
        )
    ),
    license="CC BY 4.0",
    citation="warden2018",
    homepage="https://research.google/blog/launching-the-speech-commands-dataset/",
    size=Size((1, 161, 101), 51_088, 6_835, 6_798),
)

_FSDD = Dataset(
    "fsdd",
    "Free Spoken Digit Dataset",
    "spectrograms",
    10,
    versions(
        Version(
            "recordings",
            fsdd,
            archive=File(
                "v1.0.10.tar.gz",
                url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
            ),
            folder=Folder(
                "fsdd/recordings",
                train=2_000,
                validation=500,
                test=500,
                sha256="ff2900c958400f212923dc4e73af5292b595442f0ef792dd20e5debb72adac07",
                packed_path="free-spoken-digit-dataset-1.0.10/recordings",
            ),
            note="3,000 clips of the ten digits at 8 kHz, 1 x 81 x 101, split by speaker: george, jackson, lucas and "
            "nicolas for training, theo for validation, yweweler for testing. A folder in a mirror is verified by the "
            "sha256 of a known copy. The publisher's archive may have other bytes: it is accepted if each part has the "
            "same number of clips, and the manifest then says `checked: structure`. Measured test "
            "error: logistic regression 43 % (the best of three penalties), a VGG-11 of an eighth of the width after "
            "6 epochs 23.5 +- 1.9 % (3 seeds); chance is 90 %. "
            f"{FEATURES.format(frames=101)}",
        )
    ),
    license="CC BY-SA 4.0",
    citation="jackson2018free",
    homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
    size=Size((1, 81, 101), 2_000, 500, 500),
)

DATASETS = (_FSDD, _SPEECH_COMMANDS)
