"""Simulated electrocardiograms of five rhythms.

A beat is a sum of Gaussians, one for each wave, as in McSharry et al. 2003 (A dynamical model for generating synthetic
electrocardiogram signals, IEEE Transactions on Biomedical Engineering 50, 289-294, Table I). Their positions and widths
are angles of the cardiac cycle; here they are times, and those of P, Q, R and S do not depend on the rate. Values are
computed in float64 and then rounded.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.series import UNITS, Examples, standardized
from remixup.data.catalog.descriptor import Arrays, Origin, RawFiles, Size, describe

_SEED = 0
RATE = 40
"""Sampling rate in Hz."""
SECONDS = 6.0
_PATIENTS = {"train": 40, "validation": 30, "test": 50}
_STRIPS = {"train": 2, "validation": 1, "test": 1}
"""Strips of each rhythm from each patient."""
RHYTHMS = ("sinus rhythm", "sinus tachycardia", "atrial fibrillation", "ventricular ectopy", "AV block")

# Seconds after the R wave, width in seconds, and height in millivolts in each of two leads.
_WAVES = {
    "P": (-0.17, 0.025, (0.15, 0.08)),
    "Q": (-0.035, 0.012, (-0.12, -0.05)),
    "R": (0.0, 0.014, (1.1, 0.35)),
    "S": (0.035, 0.013, (-0.25, -0.9)),
    "T": (0.27, 0.055, (0.30, 0.22)),
}
_ECTOPIC = (("R", 0.02, 0.05, (1.2, -0.8)), ("T", 0.30, 0.08, (-0.45, 0.4)))
"""A ventricular beat: no P wave, a broad R wave, an inverted T wave."""


@dataclass(frozen=True)
class Patient:
    """Parameters that all strips of a patient have in common."""

    interval_s: float
    """Seconds between two beats at rest."""
    variation: float
    """Standard deviation of the interval, relative to it."""
    heights: NDArray[np.float64]
    """Factors on the heights of the waves, (waves, leads)."""
    widths: NDArray[np.float64]
    """Factors on the widths of the waves."""
    pr_s: float
    """Seconds by which the P wave is early."""
    noise_mv: float
    wander_mv: float


@dataclass(frozen=True)
class Beats:
    """Beats of a strip: their times, whether they have a P wave, its delay, and whether they are ectopic.

    `blocked` are the times of P waves without a beat.
    """

    times: NDArray[np.float64]
    atrial: NDArray[np.bool_]
    delay_s: NDArray[np.float64]
    ectopic: NDArray[np.bool_]
    blocked: NDArray[np.float64]


def ecg_rhythms(raw: RawFiles) -> Arrays:
    """Simulate strips of two leads, (n, 2, 240), of five rhythms; no patient is in two parts."""
    stream = np.random.RandomState(_SEED)  # NumPy guarantees that its stream never changes
    parts: dict[str, Examples] = {}
    for part, count in _PATIENTS.items():
        parts[part] = [
            (strip(rhythm, patient, stream), label)
            for patient in (draw_patient(stream) for _ in range(count))
            for label, rhythm in enumerate(RHYTHMS)
            for _ in range(_STRIPS[part])
        ]
    return standardized(parts, RHYTHMS)


def draw_patient(stream: np.random.RandomState) -> Patient:
    """Draw the parameters of a patient."""
    return Patient(
        interval_s=stream.uniform(0.65, 1.0),
        variation=stream.uniform(0.02, 0.09),
        heights=stream.uniform(0.5, 1.5, (len(_WAVES), 2)),
        widths=stream.uniform(0.8, 1.3, len(_WAVES)),
        pr_s=stream.uniform(-0.03, 0.03),
        noise_mv=stream.uniform(0.02, 0.08),
        wander_mv=stream.uniform(0.02, 0.2),
    )


def strip(rhythm: str, patient: Patient, stream: np.random.RandomState) -> NDArray[np.float64]:
    """Simulate six seconds of a rhythm in millivolts, (2, 240): beats, baseline wander and noise."""
    time = np.arange(int(SECONDS * RATE)) / RATE
    clean = signal(draw_beats(rhythm, patient, stream), patient, time)
    frequency, phase = stream.uniform(0.15, 0.5, 2), stream.uniform(0, 2 * np.pi, 2)
    wander = patient.wander_mv * np.sin(2 * np.pi * frequency[:, None] * time + phase[:, None])
    noise: NDArray[np.float64] = patient.noise_mv * stream.standard_normal(clean.shape)
    return stream.uniform(0.7, 1.4) * (clean + wander + noise)


def draw_beats(rhythm: str, patient: Patient, stream: np.random.RandomState) -> Beats:
    """Draw the beats of a strip, from before its start to beyond its end."""
    mean, variation = patient.interval_s, patient.variation
    if rhythm == "sinus tachycardia":
        mean *= stream.uniform(0.55, 0.72)
    if rhythm == "atrial fibrillation":
        mean, variation = mean * stream.uniform(0.75, 1.0), stream.uniform(0.12, 0.3)
    count = int((SECONDS + 3) / (0.5 * mean)) + 2
    intervals = mean * np.clip(1 + variation * stream.standard_normal(count), 0.55, 1.6)
    times = np.cumsum(intervals) - 1 - stream.uniform(0, mean)
    ectopic, dropped = np.zeros(count, bool), np.zeros(count, bool)
    delay = np.zeros(count)
    if rhythm == "ventricular ectopy":  # one beat in three to six comes early, and a pause makes up for it
        ectopic[stream.randint(2) :: stream.randint(3, 7)] = True
        times[ectopic] -= stream.uniform(0.2, 0.4) * mean
    if rhythm == "AV block":
        delay[:] = stream.uniform(0.06, 0.16)
        if stream.uniform() < 0.5:  # of the second degree: now and then no beat follows
            dropped[stream.randint(3) :: stream.randint(3, 6)] = True
    atrial = ~ectopic & (rhythm != "atrial fibrillation")
    return Beats(times[~dropped], atrial[~dropped], delay[~dropped], ectopic[~dropped], times[dropped])


def signal(beats: Beats, patient: Patient, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the noise-free signal in millivolts, (leads, n), at times in seconds."""
    ordinary = beats.times[~beats.ectopic]
    found = np.zeros((2, len(time)))
    for k, (name, (place, width, height)) in enumerate(_WAVES.items()):
        centers = ordinary + place
        if name == "P":
            conducted = beats.times[beats.atrial] + place - beats.delay_s[beats.atrial]
            centers = np.concatenate([conducted, beats.blocked + place]) - patient.pr_s
        if name == "T":  # the faster, the earlier (Bazett, 1920)
            centers = ordinary + place * np.sqrt(patient.interval_s)
        found += _bumps(centers, width * patient.widths[k], height * patient.heights[k], time)
    for _, place, width, height in _ECTOPIC:
        found += _bumps(beats.times[beats.ectopic] + place, width, np.array(height), time)
    return found


def _bumps(
    centers: NDArray[np.float64], width: float, heights: NDArray[np.float64], time: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum of Gaussians at `centers`, with one height in each lead, (leads, n)."""
    bumps: NDArray[np.float64] = np.exp(-0.5 * ((time[:, None] - centers) / width) ** 2).sum(axis=1)
    return heights[:, None] * bumps


DATASETS = (
    describe(
        ecg_rhythms,
        "simulated electrocardiograms of five rhythms",
        "series",
        5,
        Size((2, 240), 400, 250, 150, test_units=50),
        "Six seconds of two leads at 40 Hz, 2 x 240: sinus rhythm, sinus tachycardia, atrial fibrillation, "
        "ventricular ectopy, and AV block. Each wave of a beat is a Gaussian, as in McSharry et al.; shapes, rate, "
        "noise and baseline wander belong to a patient: 40 patients for training with two strips of each rhythm, "
        "30 for validation and 50 for testing with one. Seeded; values are rounded from float64, so they are "
        f"practically the same on every machine. {UNITS}",
        origin=Origin("mcsharry2003dynamical", "https://doi.org/10.1109/TBME.2003.808805"),
    ),
)
