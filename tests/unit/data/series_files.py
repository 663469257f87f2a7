"""Small copies of series as their publishers have them, written by wfdb or by hand."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import wfdb

from remixup.data.builders import physionet
from remixup.data.catalog.descriptor import Builder, Folder, RawFiles, Version
from remixup.data.prepared import run_builder


def tensors_of(builder: Builder, root: Path) -> dict[str, np.ndarray]:
    """Return what a builder reads from a folder."""
    return run_builder(Version("x", builder, folder=Folder("x")), RawFiles({"x": root}, root, root)).tensors


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
