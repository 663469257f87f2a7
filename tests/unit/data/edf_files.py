"""EDF and EDF+ by their specification (Kemp et al. 1992; Kemp and Olivan 2003), and small sets in PhysioNet's layout.

Written here and not by the library that reads them, also because that one does not write what the publisher has: a
file of annotations alone whose records have no duration, and filters named on the annotations' channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tests.unit.data.series_files import sums

Note = tuple[float, float | None, str]
"""Onset and duration (which may be left out) in seconds, and text."""


@dataclass(frozen=True)
class Signal:
    """A channel: its digits, and the physical values of the least and the greatest of them."""

    label: str
    digits: np.ndarray
    rate: int
    physical: tuple[float, float] = (-200.0, 200.0)
    digital: tuple[int, int] = (-2048, 2047)
    unit: str = "uV"

    def values(self) -> np.ndarray:
        """In physical units."""
        (low, high), (least, most) = self.physical, self.digital
        return low + (self.digits - least) * (high - low) / (most - least)


def write(
    path: Path,
    signals: Sequence[Signal],
    *,
    record_s: int,
    records: int,
    notes: Sequence[Note] | None = None,
    began: str = "16.13.00",
    kind: str = "EDF+C",
) -> None:
    """A file of this number of records; with notes it has a channel of annotations, all of them in the first record."""
    blocks = [each.digits.astype("<i2").reshape(records, -1) for each in signals]
    headers = [
        (each.label, "electrode", each.unit, *each.physical, *each.digital, "HP:0.5Hz", each.rate * record_s)
        for each in signals
    ]
    if notes is not None:
        first = "+0\x14\x14\x00"
        for onset, duration, text in notes:
            first += f"+{onset:g}" + ("" if duration is None else f"\x15{duration:g}") + f"\x14{text}\x14\x00"
        room = (len(first) + 21) // 2
        texts = [first, *(f"+{k * record_s}\x14\x14\x00" for k in range(1, records))]
        blocks.append(np.array([np.frombuffer(text.encode().ljust(2 * room, b"\0"), "<i2") for text in texts]))
        headers.append(("EDF Annotations", "", "", -1, 1, -32768, 32767, "HP:0.5Hz", room))
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8)
    begin = [("0", 8), ("X F X X", 80), ("Startdate 24-APR-1989 X X X", 80), ("24.04.89", 8), (began, 8)]
    begin += [(256 * (len(headers) + 1), 8), (kind if notes is not None else "", 44), (records, 8), (record_s, 8)]
    begin += [(len(headers), 4)]
    begin += [(header[k], width) for k, width in enumerate(widths) for header in headers]
    head = b"".join(f"{value}".encode().ljust(width) for value, width in begin) + b" " * 32 * len(headers)
    assert len(head) == 256 * (len(headers) + 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + np.concatenate(blocks, axis=1).tobytes())


@dataclass(frozen=True)
class Night:
    """A night of Sleep-EDF, 30 s a record."""

    signals: tuple[Signal, ...]
    notes: tuple[Note, ...]
    began: str = "16.13.00"

    def write(self, root: Path, name: str) -> None:
        """The recording and its hypnogram, `name` such as SC4011E."""
        count = len(self.signals[0].digits) // (30 * self.signals[0].rate)
        write(root / f"sleep-cassette/{name}0-PSG.edf", self.signals, record_s=30, records=count, began=self.began)
        path = root / f"sleep-cassette/{name}C-Hypnogram.edf"
        write(path, (), record_s=0, records=1, notes=self.notes)


def night(
    seed: int, stages: Sequence[tuple[int, str]], rate: int = 100, physical: tuple[float, float] = (-200, 205)
) -> Night:
    """Noise, and stages by the number of epochs that they last; two epochs longer than the recording is."""
    source = np.random.default_rng(seed)
    count = sum(epochs for epochs, _ in stages)
    digits = source.integers(-900, 1_000, (3, count * 30 * rate))
    signals = (
        Signal("EEG Fpz-Cz", digits[0], rate, physical),
        Signal("Event marker", digits[1, : 30 * count], 1, unit=""),
        Signal("EEG Pz-Oz", digits[2], rate, physical),
    )
    ends = 30.0 * np.cumsum([epochs for epochs, _ in stages])
    notes = [(end - 30 * epochs, 30 * epochs, text) for end, (epochs, text) in zip(ends, stages, strict=True)]
    return Night(signals, (*notes, (30.0 * count, 60.0, "Sleep stage ?")))


LONG = [(70, "W"), (1, "1"), (2, "2"), (1, "Movement time"), (1, "3"), (1, "4"), (1, "R"), (1, "?"), (65, "W")]
"""Epochs 0 to 69, 70, 71 and 72, 73, 74, 75, 76, 77, and 78 to 142."""
SHORT = [(2, "W"), (1, "2"), (1, "R")]


def named(stages: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(count, text if len(text) > 1 else f"Sleep stage {text}") for count, text in stages]


def nights() -> dict[str, Night]:
    return {
        "SC4001E": night(1, named(SHORT)),
        "SC4011E": night(2, named(LONG)),
        "SC4012E": night(3, named(SHORT), physical=(-310, 500)),
        "SC4042F": night(4, named(SHORT)),
        "SC4071G": night(5, [(3, "Sleep stage W")]),  # no sleep at all
    }


def sleep_edf(root: Path, **changed: Night) -> dict[str, Night]:
    """A small Sleep-EDF: subjects 0, 1 (twice), 4 and 7."""
    made = nights() | changed
    for name, each in made.items():
        each.write(root, name)
    (root / "sleep-telemetry").mkdir()
    (root / "sleep-telemetry/ST7011J0-PSG.edf").write_text("not read")
    sums(root)
    return made


CHANNELS = tuple(f"X{k:02d}." for k in range(64))
TRIALS = ((0.0, 4.2, "T0"), (4.2, 4.1, "T2"), (8.3, 3.9, "T1"), (12.5, 4.1, "T1"), (16.6, 4.1, "T2"))
"""The third is too short, and the run ends within the last."""
FLAT = 9


def run(seed: int, rate: int = 160, channels: Sequence[str] = CHANNELS, microvolts: float = 8_092.0) -> list[Signal]:
    """Twenty seconds of noise; a channel is flat."""
    digits = np.random.default_rng(seed).integers(-400, 500, (len(channels), 20 * rate))
    digits[FLAT] = 3
    physical, digital = (-microvolts, microvolts), (-8_092, 8_092)
    return [Signal(label, digits[k], rate, physical, digital) for k, label in enumerate(channels)]


def write_run(root: Path, name: str, signals: Sequence[Signal], notes: Sequence[Note] = TRIALS) -> None:
    """A run of the EEG Motor Movement/Imagery Dataset, `name` such as S001R04."""
    write(root / name[:4] / f"{name}.edf", signals, record_s=1, records=20, notes=notes)


def runs() -> dict[str, list[Signal]]:
    return {
        "S001R04": run(1),
        "S001R12": run(2, microvolts=4_000.0),
        "S004R08": run(3),
        "S005R04": run(4),
    }


def mmidb_eeg(root: Path) -> dict[str, list[Signal]]:
    """A small dataset of subjects 1, 4 and 5; other runs of theirs, and subjects who are left out, cannot be read."""
    made = runs()
    for name, signals in made.items():
        write_run(root, name, signals)
    for name in ("S001R03", "S088R04", "S104R08"):
        (root / name[:4]).mkdir(exist_ok=True)
        (root / name[:4] / f"{name}.edf").write_text("not read")
    sums(root)
    return made


def relabeled(signals: Sequence[Signal], label: str) -> list[Signal]:
    return [replace(signals[0], label=label), *signals[1:]]
