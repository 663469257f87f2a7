"""Simulated rhythms: rates, beats and waves as an independent peak finder and textbooks have them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import find_peaks

from remixup.data.catalog.descriptor import Arrays, RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import ecg_rhythms
from remixup.data.synthetic.ecg_rhythms import RATE, RHYTHMS, SECONDS, Beats, Patient, draw_beats, draw_patient, signal

TIME = np.arange(int(SECONDS * 500)) / 500  # finer than the strips, so that a peak is found where it is


@pytest.fixture(scope="module")
def made() -> Arrays:
    return ecg_rhythms.ecg_rhythms(RawFiles({}, Path(), Path()))


def patient(**changes: object) -> Patient:
    values = {
        "interval_s": 0.8,
        "variation": 0.03,
        "heights": np.ones((5, 2)),
        "widths": np.ones(5),
        "pr_s": 0.0,
        "noise_mv": 0.0,
        "wander_mv": 0.0,
    }
    return Patient(**{**values, **changes})  # type: ignore[arg-type]


def peaks(rhythm: str, seed: int, who: Patient) -> tuple[Beats, np.ndarray, np.ndarray]:
    """Beats as drawn, times at which scipy sees an R wave, and the signal of the first lead."""
    beats = draw_beats(rhythm, who, np.random.RandomState(seed))
    clean = signal(beats, who, TIME)[0]
    return beats, find_peaks(clean, height=0.7)[0] / 500, clean


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("seed", range(5))
def test_every_beat_is_seen_where_it_is(rhythm: str, seed: int) -> None:
    beats, seen, _ = peaks(rhythm, seed, patient())
    due = np.sort(beats.times)
    due = due[(due > 0.05) & (due < SECONDS - 0.05)]
    seen = seen[(seen > 0.05) & (seen < SECONDS - 0.05)]
    assert len(seen) == len(due)
    assert np.abs(seen - due).max() < 0.03  # a broad beat peaks a little later


def rates(rhythm: str, who: Patient) -> np.ndarray:
    """Beats a minute of many strips, by the peaks that are seen."""
    found = [np.diff(peaks(rhythm, seed, who)[1]) for seed in range(40)]
    return np.array([60 / each.mean() for each in found])


def test_rates_are_those_of_the_rhythms() -> None:
    resting, fast = rates("sinus rhythm", patient()), rates("sinus tachycardia", patient())
    assert abs(resting.mean() - 75) < 2
    assert 75 / 0.74 < fast.min() < fast.max() < 75 / 0.53
    assert rates("AV block", patient()).mean() < resting.mean()


def variation(rhythm: str) -> float:
    """Median over strips of the intervals' standard deviation over their mean."""
    found = [np.diff(peaks(rhythm, seed, patient())[1]) for seed in range(40)]
    return float(np.median([each.std() / each.mean() for each in found]))


def test_only_fibrillation_is_irregular_all_over() -> None:
    assert variation("sinus rhythm") < 0.05
    assert variation("sinus tachycardia") < 0.05
    assert variation("atrial fibrillation") > 0.1


def p_wave(rhythm: str, seed: int) -> tuple[float, float]:
    """Height and place (seconds before the R wave) of the highest point between T and Q, on average over beats."""
    beats, _, clean = peaks(rhythm, seed, patient())
    inside = [time for time in beats.times[~beats.ectopic] if 0.5 < time < SECONDS - 0.5]
    windows = np.stack([np.interp(np.arange(-0.3, -0.06, 0.002) + time, TIME, clean) for time in inside])
    mean = np.median(windows, axis=0)
    return float(mean.max() - mean.min()), 0.3 - 0.002 * int(mean.argmax())


def test_p_waves_are_missing_in_fibrillation_and_early_in_block() -> None:
    height, place = p_wave("sinus rhythm", 1)
    assert height == pytest.approx(0.15, abs=0.04)
    assert place == pytest.approx(0.17, abs=0.01)
    assert p_wave("AV block", 1)[1] > 0.17 + 0.05
    fibrillating = draw_beats("atrial fibrillation", patient(), np.random.RandomState(0))
    assert not fibrillating.atrial.any()


def test_ectopic_beats_come_early_are_broad_and_are_made_up_for() -> None:
    beats, _, clean = peaks("ventricular ectopy", 3, patient(variation=0.0))
    (where,) = np.nonzero(beats.ectopic[1:-1])
    assert len(where) >= 2
    for k in where + 1:
        before, after = np.diff(beats.times[k - 1 : k + 2])
        assert before < 0.8 * 0.85 < 0.8 * 1.15 < after
        assert before + after == pytest.approx(1.6)

    def width(time: float) -> float:
        near = clean[np.abs(TIME - time) < 0.1]
        return float((near > near.max() / 2).sum() / 500)

    ordinary = [width(t) for t, e in zip(beats.times, beats.ectopic, strict=True) if not e and 0.2 < t < 5.8]
    ectopic = [width(t) for t, e in zip(beats.times, beats.ectopic, strict=True) if e and 0.2 < t < 5.8]
    assert min(ectopic) > 2 * max(ordinary)


def test_a_blocked_beat_leaves_its_p_wave() -> None:
    for seed in range(20):
        beats, seen, clean = peaks("AV block", seed, patient(variation=0.0))
        lonely = beats.blocked[(beats.blocked > 0.5) & (beats.blocked < SECONDS - 0.5)]
        for time in lonely:
            assert np.abs(seen - time).min() > 0.4
            assert clean[np.abs(TIME - (time - 0.17)) < 0.05].max() > 0.13
        if len(lonely):
            return
    pytest.fail("in twenty strips no beat was blocked")


def test_parts_are_as_promised(made: Arrays) -> None:
    size = REGISTRY["ecg-rhythms"].size
    for part, count in (("train", size.train), ("validation", size.validation), ("test", size.test)):
        x, y = made.tensors[f"{part}_x"], made.tensors[f"{part}_y"]
        assert (x.shape, x.dtype, y.dtype) == ((count, *size.shape), np.float16, np.int64)
        assert np.bincount(y).tolist() == [count // 5] * 5
    train = made.tensors["train_x"].astype(np.float64)
    assert np.abs(train.mean(axis=(0, 2))).max() < 1e-3
    assert np.abs(train.std(axis=(0, 2)) - 1).max() < 1e-3
    assert size.shape[1] == RATE * SECONDS


def test_patients_differ_from_part_to_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each patient is drawn once and all strips of a part come from its own."""
    drawn: list[Patient] = []
    used: list[int] = []

    def remember(stream: np.random.RandomState) -> Patient:
        drawn.append(draw_patient(stream))
        return drawn[-1]

    def note(rhythm: str, who: Patient, stream: np.random.RandomState) -> np.ndarray:
        used.append(next(k for k, each in enumerate(drawn) if each is who))
        return stream.standard_normal((2, 240))

    monkeypatch.setattr(ecg_rhythms, "draw_patient", remember)
    monkeypatch.setattr(ecg_rhythms, "strip", note)
    built = ecg_rhythms.ecg_rhythms(RawFiles({}, Path(), Path()))
    counts = np.bincount(used)
    assert used == sorted(used)
    assert sum(counts) == sum(len(built.tensors[f"{part}_y"]) for part in ("train", "validation", "test"))
    assert set(counts[:40]) == {10}
    assert set(counts[40:]) == {5}


def test_the_numbers_have_not_moved(made: Arrays) -> None:
    digest = hashlib.sha256(made.tensors["train_x"].tobytes() + made.tensors["test_x"].tobytes()).hexdigest()[:12]
    assert (REGISTRY["ecg-rhythms"].numerics, digest) == (1, "722fa342dcc2")
