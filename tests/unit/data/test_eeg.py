"""Sleep-EDF and the imagined fists: epochs, trials, labels and parts by hand, and files that are not as they should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import eeg, physionet
from remixup.errors import UserError
from tests.unit.data import edf_files
from tests.unit.data.series_files import sums, tensors_of

KEPT = [*range(10, 73), 74, 75, 76, *range(78, 137)]
"""Of the long night, whose sleep is from epoch 70 to 76: less movement and what is not scored."""


def epochs(night: edf_files.Night, chosen: list[int]) -> np.ndarray:
    """In microvolts, (n, 2, 3000)."""
    x = np.stack([night.signals[k].values() for k in (0, 2)])
    return np.stack([x[:, 3_000 * k : 3_000 * (k + 1)] for k in chosen])


def in_units_of(train: np.ndarray, x: np.ndarray) -> np.ndarray:
    mean, std = train.mean((0, 2)), train.std((0, 2))
    return (x - mean[:, None]) / np.where(std == 0, 1, std)[:, None]  # type: ignore[no-any-return]


def test_sleep_edf_has_scored_epochs_around_sleep_in_the_subjects_parts(tmp_path: Path) -> None:
    nights = edf_files.sleep_edf(tmp_path)
    tensors = tensors_of(eeg.sleep_edf, tmp_path)
    assert tensors["train_y"].tolist() == [0] * 60 + [1, 2, 2, 3, 3, 4] + [0] * 59 + [0, 0, 2, 4]
    assert tensors["validation_y"].tolist() == tensors["test_y"].tolist() == [0, 0, 2, 4]
    train = np.concatenate([epochs(nights["SC4011E"], KEPT), epochs(nights["SC4012E"], [0, 1, 2, 3])])
    parts = {"train": train}
    parts |= {
        part: epochs(nights[name], [0, 1, 2, 3]) for part, name in (("validation", "SC4042F"), ("test", "SC4001E"))
    }
    for part, x in parts.items():
        np.testing.assert_allclose(tensors[f"{part}_x"].astype(float), in_units_of(train, x), atol=4e-3)
        assert tensors[f"{part}_x"].dtype == np.float16
        assert tensors[f"{part}_y"].dtype == np.int64


def test_an_epoch_that_an_annotation_covers_in_part_has_no_label(tmp_path: Path) -> None:
    notes = ((0.0, None, "Sleep stage R"), (0.0, 45.0, "Sleep stage W"), (45.0, 45.0, "Sleep stage 2"))
    edf_files.sleep_edf(tmp_path, SC4001E=replace(edf_files.nights()["SC4001E"], notes=notes))
    assert tensors_of(eeg.sleep_edf, tmp_path)["test_y"].tolist() == [0, 2]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1_000] ^= 1
    path.write_bytes(bytes(content))


def cut(root: Path, name: str) -> None:
    (root / name).write_bytes((root / name).read_bytes()[:-500])
    sums(root)


def gone(root: Path, name: str) -> None:
    (root / name).unlink()
    sums(root)


def other_night(**changes: object) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        replace(edf_files.nights()["SC4012E"], **changes).write(root, "SC4012E")  # type: ignore[arg-type]
        sums(root)

    return spoil


def signals(change: Callable[[edf_files.Signal], edf_files.Signal]) -> tuple[edf_files.Signal, ...]:
    first, marker, second = edf_files.nights()["SC4012E"].signals
    return first, marker, change(second)


PSG, HYPNOGRAM = "sleep-cassette/SC4012E0-PSG.edf", "sleep-cassette/SC4012EC-Hypnogram.edf"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: flip(root / PSG), f"{PSG} is not the published file: its sha256"),
        (lambda root: (root / HYPNOGRAM).unlink(), f"FileNotFoundError: .*{HYPNOGRAM}"),
        (lambda root: cut(root, PSG), f"OSError: .*{PSG}: .*(Filesize|filesize|format)"),
        (lambda root: cut(root, HYPNOGRAM), f"OSError: .*{HYPNOGRAM}"),
        (lambda root: gone(root, HYPNOGRAM), "KeyError: 'sleep-cassette/SC4012E'"),
        (lambda root: gone(root, "sleep-cassette/SC4042F0-PSG.edf"), "no example for the validation part"),
        (other_night(notes=((0.0, 30.0, "Sleep stage 5"),)), f"{HYPNOGRAM} has the unknown annotation 'Sleep stage 5'"),
        (other_night(began="16.14.00"), f"{HYPNOGRAM} does not begin when {PSG} does"),
        (
            other_night(signals=edf_files.night(3, edf_files.named(edf_files.SHORT), rate=128).signals),
            f"EEG Fpz-Cz of {PSG} is sampled at 128 Hz, not 100",
        ),
        (other_night(signals=signals(lambda x: replace(x, unit="mV"))), f"EEG Pz-Oz of {PSG} is in 'mV', not uV"),
        (other_night(signals=signals(lambda x: replace(x, label="EEG A1"))), f"{PSG} has no channel 'EEG Pz-Oz'"),
    ],
)
def test_a_sleep_edf_that_is_not_the_publishers(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    edf_files.sleep_edf(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        tensors_of(eeg.sleep_edf, tmp_path)


def trials(run: list[edf_files.Signal]) -> np.ndarray:
    """The two whole ones, (2, 64, 640): cues at 4.2 and 12.5 s."""
    x = np.stack([signal.values() for signal in run])
    return np.stack([x[:, 672:1312], x[:, 2000:2640]])


def test_mmidb_has_whole_imagined_trials_in_the_subjects_parts(tmp_path: Path) -> None:
    runs = edf_files.mmidb_eeg(tmp_path)
    tensors = tensors_of(eeg.mmidb_eeg, tmp_path)
    assert tensors["train_y"].tolist() == [1, 0, 1, 0]
    assert tensors["validation_y"].tolist() == tensors["test_y"].tolist() == [1, 0]
    train = np.concatenate([trials(runs["S001R04"]), trials(runs["S001R12"])])
    for part, x in (("train", train), ("validation", trials(runs["S004R08"])), ("test", trials(runs["S005R04"]))):
        found = tensors[f"{part}_x"].astype(float)
        np.testing.assert_allclose(found, in_units_of(train, x), atol=4e-3)


def test_a_channel_that_never_changes_becomes_zero(tmp_path: Path) -> None:
    edf_files.mmidb_eeg(tmp_path)
    edf_files.write_run(tmp_path, "S001R12", edf_files.run(2))  # the same calibration: flat in the training part
    sums(tmp_path)
    tensors = tensors_of(eeg.mmidb_eeg, tmp_path)
    assert not tensors["train_x"][:, edf_files.FLAT].any()
    assert tensors["train_x"][:, edf_files.FLAT + 1].std() > 0.9


@pytest.mark.parametrize(("within", "listed"), [("", ""), ("", "files/"), ("files", "")])
def test_recordings_one_folder_further_down(tmp_path: Path, within: str, listed: str) -> None:
    """Where the list of digests is, and as what it lists them."""
    plain, deeper = tmp_path / "plain", tmp_path / "deeper"
    edf_files.mmidb_eeg(plain)
    edf_files.mmidb_eeg(deeper / "files")
    listing = (plain / physionet.SUMS).read_text().replace(" S", f" {listed}S")
    (deeper / "files" / physionet.SUMS).unlink()
    (deeper / within / physionet.SUMS).write_text(listing)
    expected, found = tensors_of(eeg.mmidb_eeg, plain), tensors_of(eeg.mmidb_eeg, deeper)
    assert all(np.array_equal(expected[key], found[key]) for key in expected)


def rewritten(
    signals: list[edf_files.Signal], notes: tuple[edf_files.Note, ...] = edf_files.TRIALS
) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        edf_files.write_run(root, "S004R08", signals, notes)
        sums(root)

    return spoil


def broken_off(root: Path) -> None:
    edf_files.write(root / RUN, edf_files.run(3), record_s=1, records=20, notes=edf_files.TRIALS, kind="EDF+D")
    sums(root)


RUN = "S004/S004R08.edf"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: flip(root / RUN), f"{RUN} is not the published file: its sha256"),
        (lambda root: cut(root, RUN), f"OSError: .*{RUN}"),
        (broken_off, f"OSError: .*{RUN}"),
        (rewritten(edf_files.run(3, rate=128)), rf"X00\. of {RUN} is sampled at 128 Hz, not 160"),
        (
            rewritten(edf_files.run(3, channels=edf_files.CHANNELS[:63])),
            f"{RUN} has other channels than those before it",
        ),
        (rewritten(edf_files.relabeled(edf_files.run(3), "Y00.")), f"{RUN} has other channels than those before it"),
        (rewritten(edf_files.run(3), ((0.0, 4.0, "T3"),)), f"{RUN} has the unknown annotation 'T3'"),
        (rewritten(edf_files.run(3), ((0.0, 4.0, "T0"),)), "no example for the validation part"),
    ],
)
def test_a_mmidb_that_is_not_the_publishers(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    edf_files.mmidb_eeg(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        tensors_of(eeg.mmidb_eeg, tmp_path)
