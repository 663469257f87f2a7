"""Electroencephalograms in EDF from PhysioNet: Sleep-EDF and the EEG Motor Movement/Imagery Dataset.

Windows stay in memory as digitized integers of two bytes until the statistics of the training part are known, because
as floating-point numbers the nights of Sleep-EDF would need four times the memory of the tensors.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.physionet import Published, physionet_dataset
from remixup.data.builders.series import part_of_subject, refuse_empty
from remixup.data.catalog.descriptor import Arrays, RawFiles, Size
from remixup.errors import UserError

_UNIT = "uV"

_UNSCORED = -1
_STAGES = {f"Sleep stage {name}": label for name, label in zip("W1234R", (0, 1, 2, 3, 3, 4), strict=True)}
_STAGES |= {"Sleep stage ?": _UNSCORED, "Movement time": _UNSCORED}
_SLEEP_CLASSES = ("wake", "N1", "N2", "N3", "REM")
_SLEEP_CHANNELS = ("EEG Fpz-Cz", "EEG Pz-Oz")
_SLEEP_RATE, _EPOCH_S, _WAKE_EPOCHS = 100, 30, 60
_NIGHT = re.compile(r"(?P<night>sleep-cassette/SC4(?P<subject>\d\d)\d[A-Z])0-PSG\.edf")
_HYPNOGRAM = re.compile(r"(?P<night>sleep-cassette/SC4\d{3}[A-Z])[A-Z]-Hypnogram\.edf")

MMIDB_EXCLUDED = {88: "128 Hz", 92: "128 Hz", 100: "128 Hz", 89: "labels", 104: "labels", 106: "labels"}
"""Excluded subjects with the reason: another sampling rate, or labels that do not match the signals."""
_IMAGERY = {"T1": 0, "T2": 1}
_REST = "T0"
_MMIDB_RATE, _MMIDB_SAMPLES = 160, 640
_RUN = re.compile(r"(?:files/)?S(?P<subject>\d{3})/S(?P=subject)R(?:04|08|12)\.edf")
"""Runs 4, 8 and 12: imagined opening and closing of the left or right fist."""


@dataclass(frozen=True)
class _Windows:
    """Windows of one recording.

    Args:
        x: Digitized signals, (n, channels, time).
        y: Labels, (n,).
        gain: Microvolts per digital step, (channels,).
        offset: Microvolts of the digital value 0, (channels,).
        channels: Names of the channels.
    """

    x: NDArray[np.int16]
    y: NDArray[np.int64]
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    channels: tuple[str, ...]


def sleep_edf(raw: RawFiles) -> Arrays:
    """Read five sleep stages, (n, 2, 3000): epochs of 30 s of two channels at 100 Hz from 78 healthy sleepers.

    Subjects whose number is a multiple of five are the test part, those before them the validation part. Stages 3
    and 4 are merged, as in the rules of 2007. Wake is included from half an hour before the first to half an hour after
    the last epoch of sleep.
    """
    published = Published(raw.root)
    hypnograms = {found["night"]: name for name in published.names if (found := _HYPNOGRAM.fullmatch(name))}

    def night(name: str, found: re.Match[str]) -> _Windows:
        return _night(published, name, hypnograms[found["night"]])

    return _arrays(published, _NIGHT, night, _SLEEP_CLASSES)


def mmidb_eeg(raw: RawFiles) -> Arrays:
    """Read imagined movements of the left or right fist, (n, 64, 640): four seconds from the cue at 160 Hz.

    Subjects whose number is a multiple of five are the test part, those before them the validation part; those of
    `MMIDB_EXCLUDED` are not read.
    """
    published = Published(raw.root)

    def run(name: str, found: re.Match[str]) -> _Windows | None:
        return None if int(found["subject"]) in MMIDB_EXCLUDED else _run(published, name)

    return _arrays(published, _RUN, run, ("left fist", "right fist"))


def _arrays(
    published: Published,
    pattern: re.Pattern[str],
    read: Callable[[str, re.Match[str]], _Windows | None],
    class_names: tuple[str, ...],
) -> Arrays:
    """Read all recordings whose names match the pattern, split by subject."""
    parts: dict[str, list[_Windows]] = {"train": [], "validation": [], "test": []}
    channels = None
    for name in published.names:
        if (found := pattern.fullmatch(name)) and (windows := read(name, found)) is not None and len(windows.y):
            channels = channels or windows.channels
            if windows.channels != channels:
                raise UserError(f"{name} has other channels than those before it", where=str(published.root))
            parts[part_of_subject(int(found["subject"]))].append(windows)
    refuse_empty(parts)
    return Arrays(_standardized(parts), class_names, sha256=published.total.hexdigest())


def _night(published: Published, name: str, hypnogram: str) -> _Windows:
    """Return the scored epochs of a night, from half an hour before sleep to half an hour after it."""
    with _opened(published, hypnogram) as scored:
        began, notes = scored.getStartdatetime(), _annotations(scored)
    with _opened(published, name) as file:
        if file.getStartdatetime() != began:
            raise UserError(f"{hypnogram} does not begin when {name} does", where=str(published.root))
        signals, gain, offset = _signals(published, name, file, _SLEEP_CHANNELS, _SLEEP_RATE)
    size = _SLEEP_RATE * _EPOCH_S
    count = signals.shape[1] // size
    stages = np.full(count, _UNSCORED)
    for onset, duration, text in notes:
        if text not in _STAGES:
            raise UserError(f"{hypnogram} has the unknown annotation {text!r}", where=str(published.root))
        # only whole epochs within the annotation
        first, end = math.ceil(onset / _EPOCH_S), math.floor((onset + duration) / _EPOCH_S)
        stages[first : max(first, end)] = _STAGES[text]
    asleep = np.flatnonzero(stages > 0)
    included = np.zeros(count, bool)
    if len(asleep):
        included[max(asleep[0] - _WAKE_EPOCHS, 0) : asleep[-1] + _WAKE_EPOCHS + 1] = True
    chosen = np.flatnonzero(included & (stages != _UNSCORED))
    epochs = signals[:, : count * size].reshape(len(signals), count, size)
    return _Windows(epochs[:, chosen].swapaxes(0, 1), stages[chosen], gain, offset, _SLEEP_CHANNELS)


def _run(published: Published, name: str) -> _Windows:
    """Return the trials of a run that last at least four seconds."""
    with _opened(published, name) as file:
        channels, notes = tuple(file.getSignalLabels()), _annotations(file)
        signals, gain, offset = _signals(published, name, file, channels, _MMIDB_RATE)
    x, y = [], []
    for onset, duration, text in notes:
        if text != _REST and text not in _IMAGERY:
            raise UserError(f"{name} has the unknown annotation {text!r}", where=str(published.root))
        first, samples = round(onset * _MMIDB_RATE), round(duration * _MMIDB_RATE)
        whole = samples >= _MMIDB_SAMPLES and first + _MMIDB_SAMPLES <= signals.shape[1]
        if text in _IMAGERY and whole:
            x.append(signals[:, first : first + _MMIDB_SAMPLES])
            y.append(_IMAGERY[text])
    windows = np.array(x, np.int16).reshape(len(x), len(signals), _MMIDB_SAMPLES)
    return _Windows(windows, np.array(y, np.int64), gain, offset, channels)


def _opened(published: Published, name: str) -> Any:
    """Open a verified file with `pyedflib.EdfReader`."""
    import pyedflib

    published.read(name)
    return pyedflib.EdfReader(str(published.path(name)))


def _annotations(file: Any) -> list[tuple[float, float, str]]:
    """Return onset and duration in seconds, and text, of each annotation."""
    found = zip(*file.readAnnotations(), strict=True)
    return [(float(onset), float(duration), str(text)) for onset, duration, text in found]


def _signals(
    published: Published, name: str, file: Any, channels: Sequence[str], rate: int
) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.float64]]:
    """Return digitized channels (channels, time), microvolts per digital step, and microvolts of digital 0."""
    labels = file.getSignalLabels()
    signals, gain, offset = [], [], []
    for channel in channels:
        if channel not in labels:
            raise UserError(f"{name} has no channel {channel!r}", where=str(published.root))
        k = labels.index(channel)
        if (found := file.getSampleFrequency(k)) != rate:
            raise UserError(f"{channel} of {name} is sampled at {found:g} Hz, not {rate}", where=str(published.root))
        if (unit := file.getPhysicalDimension(k).strip()) != _UNIT:
            raise UserError(f"{channel} of {name} is in {unit!r}, not {_UNIT}", where=str(published.root))
        low, high = file.getPhysicalMinimum(k), file.getPhysicalMaximum(k)
        least, most = file.getDigitalMinimum(k), file.getDigitalMaximum(k)
        gain.append((high - low) / (most - least))
        offset.append(low - gain[-1] * least)
        signals.append(file.readSignal(k, digital=True).astype(np.int16))
    return np.stack(signals), np.array(gain), np.array(offset)


def _standardized(parts: Mapping[str, list[_Windows]]) -> dict[str, NDArray[np.generic]]:
    """Return float16 tensors, standardized with mean and standard deviation of the training part.

    A constant channel becomes zero.
    """
    mean, std = _statistics(parts["train"])
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, recordings in parts.items():
        y = np.concatenate([each.y for each in recordings])
        x = np.empty((len(y), *recordings[0].x.shape[1:]), np.float16)
        first = 0
        for each in recordings:
            factor, term = each.gain / std, (each.offset - mean) / std
            for k in range(len(std)):
                x[first : first + len(each.y), k] = each.x[:, k] * factor[k] + term[k]
            first += len(each.y)
        tensors |= {f"{part}_x": x, f"{part}_y": y.astype(np.int64)}
    return tensors


def _statistics(recordings: list[_Windows]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and population standard deviation of each channel in microvolts."""
    mean, std = [], []
    for k in range(recordings[0].x.shape[1]):
        counts = [each.x[:, k].size for each in recordings]
        means = [each.gain[k] * each.x[:, k].mean(dtype=np.float64) + each.offset[k] for each in recordings]
        within = [each.gain[k] ** 2 * each.x[:, k].var(dtype=np.float64) for each in recordings]
        # relative to the first mean, so that a constant channel has a deviation of exactly zero
        beyond = math.fsum(n * (m - means[0]) for n, m in zip(counts, means, strict=True))
        mean.append(means[0] + beyond / sum(counts))
        squares = [v + (m - mean[-1]) ** 2 for v, m in zip(within, means, strict=True)]
        variance = math.fsum(n * v for n, v in zip(counts, squares, strict=True)) / sum(counts)
        std.append(math.sqrt(variance) or 1.0)
    return np.array(mean), np.array(std)


DATASETS = (
    physionet_dataset(
        mmidb_eeg,
        "MMIDB-EEG",
        2,
        "eeg-motor-movementimagery-dataset-1.0.0",
        Size((64, 640), 2_835, 900, 900, test_units=20),
        "The left or the right fist, opened and closed in imagination (runs 4, 8 and 12 of the EEG Motor "
        "Movement/Imagery Dataset): four seconds from the cue of 64 channels at 160 Hz, 64 x 640, not filtered; "
        "trials that end sooner are left out. So are six of the 109 subjects: 88, 92 and 100 (128 Hz, and trials "
        "of another length) and 89, 104 and 106 (others report labels that do not fit). Subjects whose number is a "
        "multiple of five are for the test, those before them for validation: 63 + 20 + 20 subjects of about 45 "
        "trials, whose number is not checked.",
        slug="eegmmidb",
        citation="schalk2004bci2000",
    ),
    physionet_dataset(
        sleep_edf,
        "Sleep-EDF",
        5,
        "sleep-edf-database-expanded-1.0.0",
        Size((2, 3_000), 119_000, 43_000, 33_000, test_units=17),
        "Epochs of 30 s of the electroencephalogram of 78 healthy sleepers, one or two nights each (the "
        "cassette study of Sleep-EDF Expanded): Fpz-Cz and Pz-Oz at 100 Hz, 2 x 3000, not filtered. Wake, N1, N2, "
        "N3 (stages 3 and 4) and REM; epochs of movement and those that are not scored are left out, and of the "
        "wake all but half an hour before and after sleep. Subjects whose number is a multiple of five are for the "
        "test, those before them for validation. Others count about 195,000 epochs; their number is not checked.",
        slug="sleep-edfx",
        citation="kemp2000analysis",
    ),
)
