"""Series from their publishers' formats: small copies, written by wfdb or by hand, from a mirror and from a server."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from safetensors.numpy import load_file

from remixup.data import movement, physionet, prepare
from remixup.data.built import Material
from remixup.data.entry import File, Folder, Size, Version
from remixup.data.registry import lookup
from remixup.data.series import standardised
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, Publisher


def test_channels_are_standardised_over_the_training_part() -> None:
    source = np.random.default_rng(0)
    train = source.normal([[3.0], [-1.0], [5.0]], [[2.0], [0.1], [0.0]], (50, 3, 40))
    built = standardised({"train": (train, np.zeros(50, int)), "test": (train[:5] + 2, np.ones(5, int))}, ("a", "b"))
    x, test = built.tensors["train_x"].astype(float), built.tensors["test_x"].astype(float)
    np.testing.assert_allclose(x[:, :2].mean((0, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(x[:, :2].std((0, 2)), 1, atol=1e-3)
    assert not x[:, 2].any()  # a channel that never changes
    np.testing.assert_allclose(test[:, 0] - x[:5, 0], 2 / train[:, 0].std(), atol=2e-3)
    assert built.tensors["test_x"].dtype == np.float16
    assert built.tensors["test_y"].tolist() == [1] * 5


def built(builder: str, root: Path) -> dict[str, np.ndarray]:
    module, _, function = builder.partition(".")
    made = getattr({"physionet": physionet, "movement": movement}[module], function)(Material({"x": root}, root))
    return made.tensors  # type: ignore[no-any-return]


def sums(root: Path) -> None:
    """The publisher's list of digests of all files below a folder."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path.name != physionet.SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(root)}" for path in paths]
    (root / physionet.SUMS).write_text("\n".join(lines) + "\n")


def packed(root: Path, within: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, f"{within}/{path.relative_to(root)}" if within else str(path.relative_to(root)))
    return buffer.getvalue()


# PTB-XL: records of ten seconds, and two tables.

LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal ECG,1.0,,,NORM,NORM
IMI,inferior myocardial infarction,1.0,,,MI,IMI
ASMI,anteroseptal myocardial infarction,1.0,,,MI,AMI
NDT,non-diagnostic T abnormalities,1.0,1.0,,STTC,STTC
LAFB,left anterior fascicular block,1.0,,,CD,LAFB/LPFB
LVH,left ventricular hypertrophy,1.0,,,HYP,LVH
SR,sinus rhythm,,,1.0,,
ABQRS,abnormal QRS,,1.0,,,
"""
# Statements and fold of each record; those with statements of none or of two superclasses are left out.
RECORDS = [
    ("{'NORM': 100.0, 'SR': 0.0}", 3),
    ("{'IMI': 35.0, 'ASMI': 15.0, 'ABQRS': 0.0}", 1),  # twice the same superclass
    ("{'IMI': 35.0, 'LAFB': 100.0, 'SR': 0.0}", 2),
    ("{'SR': 0.0}", 4),
    ("{'NDT': 0.0}", 9),
    ("{'LVH': 50.0}", 10),
    ("{'LAFB': 50.0}", 8),
]


def ptb_xl(root: Path) -> np.ndarray:
    """A small PTB-XL, and its signals in millivolts (record, time, lead)."""
    source = np.random.default_rng(0)
    signals = np.round(source.normal(0, 0.5, (len(RECORDS), 1_000, 12)), 3)
    table = ["ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr"]
    folder = root / "records100" / "00000"
    folder.mkdir(parents=True)
    for k, (codes, fold) in enumerate(RECORDS, 1):
        name = f"{k:05d}_lr"
        wfdb.wrsamp(
            name,
            fs=100,
            units=["mV"] * 12,
            sig_name=LEADS,
            p_signal=signals[k - 1],
            fmt=["16"] * 12,
            adc_gain=[1000.0] * 12,
            baseline=[0] * 12,
            write_dir=str(folder),
        )
        table.append(f'{k},{k}.0,"{codes}",{fold},records100/00000/{name},records500/00000/{k:05d}_hr')
    (root / "ptbxl_database.csv").write_text("\n".join(table) + "\n")
    (root / "scp_statements.csv").write_text(STATEMENTS)
    sums(root)
    return signals


def test_ptb_xl_keeps_records_of_one_superclass_in_their_folds(tmp_path: Path) -> None:
    signals = ptb_xl(tmp_path)
    tensors = built("physionet.ptb_xl", tmp_path)
    assert tensors["train_y"].tolist() == [0, 1, 3]
    assert tensors["validation_y"].tolist() == [2]
    assert tensors["test_y"].tolist() == [4]
    train = signals[[0, 1, 6]]
    mean, std = train.mean((0, 1)), train.std((0, 1))
    for part, records in (("train", [0, 1, 6]), ("validation", [4]), ("test", [5])):
        expected = ((signals[records] - mean) / std).transpose(0, 2, 1)
        np.testing.assert_allclose(tensors[f"{part}_x"].astype(float), expected, atol=4e-3)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def without(path: Path, word: str) -> None:
    path.write_text("\n".join(line for line in path.read_text().splitlines() if word not in line) + "\n")


def shorter(root: Path) -> None:
    wfdb.wrsamp(
        "00001_lr",
        fs=100,
        units=["mV"] * 12,
        sig_name=LEADS,
        p_signal=np.zeros((900, 12)),
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(root / "records100/00000"),
    )
    sums(root)


def rewritten(root: Path, old: str, new: str) -> None:
    path = root / "ptbxl_database.csv"
    path.write_text(path.read_text().replace(old, new))
    sums(root)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: flip(root / "records100/00000/00001_lr.dat"), "00001_lr.dat is not the published file: its sha"),
        (lambda root: flip(root / "scp_statements.csv"), "scp_statements.csv is not the published file"),
        (lambda root: without(root / "SHA256SUMS.txt", "00002_lr.hea"), r"SHA256SUMS.txt does not list it"),
        (lambda root: (root / "SHA256SUMS.txt").unlink(), "SHA256SUMS.txt cannot be read: No such file"),
        (lambda root: (root / "records100/00000/00005_lr.dat").unlink(), "00005_lr.dat cannot be read: No such file"),
        (shorter, "records100/00000/00001_lr has 900 samples, not 1,000"),
        (lambda root: rewritten(root, ",9,", ",8,"), "no example for the validation part"),
        (lambda root: rewritten(root, "{'SR': 0.0}", "__import__('os')"), "record 4 has no dictionary of statements"),
    ],
)
def test_a_ptb_xl_that_is_not_the_publishers(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    ptb_xl(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        built("physionet.ptb_xl", tmp_path)


# Apnea-ECG: 35 recordings and a label for each minute.


def apnea_ecg(root: Path) -> dict[str, np.ndarray]:
    root.mkdir(parents=True, exist_ok=True)
    source = np.random.default_rng(1)
    signals = {}
    for record in physionet._APNEA_RECORDS:
        signals[record] = np.round(source.normal(0, 0.4, (2 * 6_000 + 100, 1)), 2)
        wfdb.wrsamp(
            record,
            fs=100,
            units=["mV"],
            sig_name=["ECG"],
            p_signal=signals[record],
            fmt=["16"],
            adc_gain=[200.0],
            baseline=[0],
            write_dir=str(root),
        )
        # the third minute is not there to its end
        symbols = ["N", "A", "N"] if record[0] == "a" else ["N", "N", "N"]
        wfdb.wrann(record, "apn", np.array([0, 6_000, 12_000]), symbol=symbols, write_dir=str(root))
    sums(root)
    return signals


def test_apnea_ecg_has_a_label_for_each_whole_minute(tmp_path: Path) -> None:
    signals = apnea_ecg(tmp_path)
    tensors = built("physionet.apnea_ecg", tmp_path)
    names = physionet._APNEA_RECORDS
    parts = {
        "test": [name for name in names if name[1:] in ("05", "10", "15", "20")],
        "validation": [name for name in names if name[1:] in ("04", "09", "14", "19")],
    }
    parts["train"] = [name for name in names if name not in parts["test"] + parts["validation"]]
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [21, 7, 7]
    train = np.concatenate([signals[name][:12_000] for name in parts["train"]])
    for part, records in parts.items():
        expected = np.stack([signals[name][k : k + 6_000, 0] for name in records for k in (0, 6_000)])
        labels = [label for name in records for label in ([0, 1] if name[0] == "a" else [0, 0])]
        assert tensors[f"{part}_y"].tolist() == labels
        found = tensors[f"{part}_x"][:, 0].astype(float)
        np.testing.assert_allclose(found, (expected - train.mean()) / train.std(), atol=4e-3)


def test_a_label_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    apnea_ecg(tmp_path)
    flip(tmp_path / "b03.apn")
    with pytest.raises(UserError, match=r"b03\.apn is not the published file"):
        built("physionet.apnea_ecg", tmp_path)


# UCI HAR: a text file for each signal.


def text(values: np.ndarray) -> str:
    return "\n".join("  " + "  ".join(f"{value:.7e}" for value in np.atleast_1d(row)) for row in values) + "\n"


def har(root: Path) -> dict[str, np.ndarray]:
    source = np.random.default_rng(2)
    made = {}
    for part, subjects in (("train", [1, 7, 3, 16, 23, 29, 1, 3]), ("test", [2, 4])):
        (root / part / "Inertial Signals").mkdir(parents=True)
        x = source.normal(size=(len(subjects), 9, 128))
        names = [f"{signal}_{axis}" for signal in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]
        for k, name in enumerate(names):
            (root / part / "Inertial Signals" / f"{name}_{part}.txt").write_text(text(x[:, k]))
        labels = [1 + k % 6 for k in range(len(subjects))]
        (root / part / f"y_{part}.txt").write_text("".join(f"{label}\n" for label in labels))
        (root / part / f"subject_{part}.txt").write_text("".join(f"{subject}\n" for subject in subjects))
        made[part] = x
    return made


def test_har_keeps_four_subjects_for_validation(tmp_path: Path) -> None:
    x = har(tmp_path)
    tensors = built("movement.uci_har", tmp_path)
    held = [1, 3, 4, 5]
    kept = [0, 2, 6, 7]
    assert tensors["train_y"].tolist() == [*kept[:2], 0, 1]
    assert tensors["validation_y"].tolist() == held
    assert tensors["test_y"].tolist() == [0, 1]
    mean, std = (getattr(x["train"][kept], each)((0, 2))[:, None] for each in ("mean", "std"))
    for part, values in (("train", x["train"][kept]), ("validation", x["train"][held]), ("test", x["test"])):
        np.testing.assert_allclose(tensors[f"{part}_x"].astype(float), (values - mean) / std, atol=4e-3)


SIGNAL = "train/Inertial Signals/body_acc_y_train.txt"


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (SIGNAL, "1 2 3\n", "not of 128 steps for each of its 8 labels"),
        (SIGNAL, "<html>sorry</html>", "is not a table of numbers"),
        (SIGNAL, None, "body_acc_y_train.txt cannot be read"),
        ("train/y_train.txt", "7\n" * 8, "not all from 1 to 6"),
        ("train/subject_train.txt", "1\n", "for each of its 8 labels and subjects"),
    ],
)
def test_a_spoilt_har(tmp_path: Path, path: str, content: str | None, message: str) -> None:
    har(tmp_path)
    (tmp_path / path).unlink() if content is None else (tmp_path / path).write_text(content)
    with pytest.raises(UserError, match=message):
        built("movement.uci_har", tmp_path)


# PAMAP2: a table of 54 columns for each subject.


def pamap2(root: Path, columns: int = 54) -> dict[int, np.ndarray]:
    (root / "Protocol").mkdir(parents=True)
    source = np.random.default_rng(3)
    tables = {}
    for subject in range(101, 110):
        table = source.normal(size=(1_500, columns))
        table[:, 0] = np.arange(1_500) / 100
        table[:800, 1], table[800:1_400, 1], table[1_400:, 1] = 4, 0, 24  # walking, nothing, too short a jump
        if subject == 102:
            table[800:, 1] = 17
            table[100:103, 4] = np.nan  # the radio lost the hand's acceleration for a moment
        tables[subject] = table
        lines = [" ".join("NaN" if np.isnan(v) else f"{v:.6g}" for v in row) for row in table]
        (root / "Protocol" / f"subject{subject}.dat").write_text("\n".join(lines) + "\n")
    return tables


def test_pamap2_has_windows_of_one_activity(tmp_path: Path) -> None:
    tables = pamap2(tmp_path)
    tensors = built("movement.pamap2", tmp_path)
    # of 800 samples walking two windows of 512, 256 apart; of 700 ironing one
    assert tensors["validation_y"].tolist() == tensors["test_y"].tolist() == [3, 3]
    assert tensors["train_y"].tolist() == [3, 3] + [3, 3, 10] + [3, 3] * 5
    columns = [each + k for each in (4, 21, 38) for k in (0, 1, 2, 6, 7, 8, 9, 10, 11)]  # of the table, from nought

    def window(subject: int, start: int) -> np.ndarray:
        table = tables[subject].copy()
        if subject == 102:
            before, after = table[99, 4], table[103, 4]
            table[100:103, 4] = before + (after - before) * np.array([0.25, 0.5, 0.75])
        means = table[start : start + 512, columns].reshape(128, 4, 27).mean(axis=1)
        return np.asarray(means.T)

    places = [(101, 0), (101, 256), (102, 0), (102, 256), (102, 800)]
    places += [(subject, start) for subject in (103, 104, 107, 108, 109) for start in (0, 256)]
    train = np.stack([window(*place) for place in places])
    mean, std = train.mean((0, 2))[:, None], train.std((0, 2))[:, None]
    np.testing.assert_allclose(tensors["train_x"].astype(float), (train - mean) / std, atol=4e-3)
    test = np.stack([window(106, 0), window(106, 256)])
    np.testing.assert_allclose(tensors["test_x"].astype(float), (test - mean) / std, atol=4e-3)


def test_a_pamap2_with_other_columns(tmp_path: Path) -> None:
    pamap2(tmp_path, columns=50)
    with pytest.raises(UserError, match=r"subject101\.dat has 50 columns, not 54"):
        built("movement.pamap2", tmp_path)


# All of them through `prepare`, from a mirror and from a server.

SMALL = {
    "ptb-xl": (ptb_xl, Size((12, 1_000), 3, 1, 1)),
    "apnea-ecg": (apnea_ecg, Size((1, 6_000), 42, 14, 14)),
    "uci-har": (har, Size((9, 128), 4, 2, 4)),
    "pamap2": (pamap2, Size((27, 128), 15, 2, 2)),
}
NESTED = {"uci-har": "UCI HAR Dataset", "pamap2": "PAMAP2_Dataset"}
"""UCI packs an archive into its archive."""


@pytest.mark.parametrize("name", SMALL)
def test_from_the_publisher_and_from_a_mirror_alike(
    name: str, enter: Enter, publisher: Publisher, tmp_path: Path
) -> None:
    write, size = SMALL[name]
    dataset, published = lookup(name)
    assert published.archive is not None
    assert published.folder is not None
    assert published.archive.url is not None
    root = tmp_path / "mirror" / published.folder.mirror_path
    write(root)
    within = published.folder.packed_path
    if name in NESTED:
        inner = tmp_path / "outer" / f"{NESTED[name]}.zip"
        inner.parent.mkdir()
        inner.write_bytes(packed(root, NESTED[name]))
        content = packed(inner.parent, "")
    else:
        content = packed(root, within)
    served = published.archive.url.rpartition("/")[2]
    publisher.files = {served: content}
    folder = Folder(published.folder.mirror_path, size.train, size.test, None, size.validation, within)
    archive = File(served, url=f"{publisher.url}/{served}")
    enter(
        Version("one", published.builder, archive=archive, folder=folder),
        task="series",
        classes=dataset.classes,
        size=size,
    )
    mirrored = prepare("toy", folder=tmp_path / "a", mirror=tmp_path / "mirror")
    fetched = prepare("toy", folder=tmp_path / "b", download=True)
    ours, theirs = (load_file(each.parent / "tensors.safetensors") for each in (mirrored, fetched))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert ours["train_x"].shape == (size.train, *size.shape)
    for manifest in (mirrored, fetched):
        (source,) = json.loads(manifest.read_text())["sources"]
        assert len(source["sha256"]) == 64
    shutil.rmtree(root)
    with pytest.raises(UserError, match="has no"):
        prepare("toy", folder=tmp_path / "c", mirror=tmp_path / "mirror")


def test_other_numbers_of_series_than_stated_are_refused(enter: Enter, tmp_path: Path) -> None:
    har(tmp_path / "har")
    published = lookup("uci-har")[1]
    folder = Folder("har", 4, 2, None, 3)
    enter(Version("one", published.builder, folder=folder), task="series", classes=6, size=Size((9, 128), 4, 2, 3))
    with pytest.raises(UserError, match=r"there are 4 \+ 4 \+ 2 series of 6 classes, not 4 \+ 3 \+ 2 of 6"):
        prepare("toy", folder=tmp_path / "a", mirror=tmp_path)


def test_another_har_in_a_mirror_is_refused(enter: Enter, tmp_path: Path) -> None:
    har(tmp_path / "har")
    published = lookup("uci-har")[1]
    assert published.folder is not None
    folder = Folder("har", 4, 2, published.folder.sha256, 4)
    enter(Version("one", published.builder, folder=folder), task="series", classes=6, size=Size((9, 128), 4, 2, 4))
    with pytest.raises(UserError, match="these are not the files on record"):
        prepare("toy", folder=tmp_path / "a", mirror=tmp_path)
