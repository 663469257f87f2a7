import json
import math
from pathlib import Path

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.catalog.descriptor import RawFiles
from remixup.data.inputs import make_inputs
from remixup.data.synthetic import points
from remixup.evaluation.modes import SCALARS, _found, _modes, modes
from remixup.training import objectives
from tests.unit.training.samples import CPU

CENTRES = torch.tensor([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0], [100.0, 100.0]])
STD = torch.tensor([1.0, 1.0, 2.0, 1.0])


def four_modes():
    """Four examples a mode, at its centre and one standard deviation away in both coordinates."""
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    x = (CENTRES[:, None] + STD[:, None, None] * corners).flatten(0, 1)
    y = torch.arange(4).repeat_interleave(4)
    # The test part must not count.
    tensors = {"train_x": x, "train_y": y, "test_x": x + 50, "test_y": y}
    return Prepared(tensors=tensors, manifest={"classes": 4, "sha256": "0" * 64, "task": "points"})


def gan(data, seeds=(0, 1), iterations=7, epochs=2):
    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "ring-of-gaussians"},
            "normalization": "raw",
            "model": {"name": "gan", "hidden": [4]},
            "optimizer": "adam",
            "epochs": epochs,
            "batch_size": 4,
            "objective": {"name": "gan", "iterations": iterations},
        }
    )
    return objectives.gan(spec, list(seeds), make_inputs(spec, list(seeds), data, CPU), CPU, iterations=iterations)


def placed(count, *groups):
    """Place this number of points at this distance to the right of a mode's center, the rest far from all."""
    points = torch.full((count, 2), 1e6)
    start = 0
    for mode, distance, size in groups:
        points[start : start + size] = CENTRES[mode] + torch.tensor([distance, 0.0])
        start += size
    return points


@pytest.fixture
def playing(monkeypatch):
    """Two generators, of 2,500 samples; the fair share of a mode is 625, a fifth of it 125."""
    training = gan(four_modes())
    made = torch.stack(
        [
            placed(2500, (0, 2.9, 125), (1, 2.9, 124), (1, 3.1, 300), (2, 5.9, 200), (3, 0.0, 51)),
            placed(2500, (0, 3.1, 1000), (2, 6.1, 1000)),
        ]
    )
    monkeypatch.setattr(training, "samples", lambda count: made if count == 2500 else None)
    return training


def test_samples_within_three_deviations_of_their_mode_are_good_and_enough_of_them_cover_it(playing):
    first, second = modes(playing)
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["good"] == pytest.approx(100 * (125 + 124 + 200 + 51) / 2500)
    assert first["covered"] == 2
    assert (second["good"], second["covered"]) == (0.0, 0)
    assert first["centres"] == CENTRES.tolist()


def test_the_radius_counts_in_deviations_of_the_nearest_mode(playing):
    first, second = modes(playing, radius=3.1)
    assert first["covered"] == 3
    assert first["good"] == pytest.approx(100 * 800 / 2500)
    assert second["good"] == pytest.approx(100 * 2000 / 2500)
    assert modes(playing, radius=2.8)[0]["good"] == pytest.approx(100 * 51 / 2500)


def test_snapshots_are_measured_by_their_own_512_points(playing):
    assert playing.snapshot_iterations == [10, 14]
    playing.snapshots[0, 0] = placed(512, (0, 1.23456, 26), (1, 0.0, 25))  # a fifth of the fair share is 25.6
    playing.snapshots[0, 1] = placed(512, *((mode, 0.0, 128) for mode in range(4)))
    playing.snapshots[1, 0] = torch.inf
    first, second = modes(playing)
    early, late = first["snapshots"]
    assert (early["iteration"], early["covered"], early["good"]) == (10, 1, pytest.approx(100 * 51 / 512))
    assert (late["iteration"], late["covered"], late["good"]) == (14, 4, 100.0)
    assert early["points"][0] == [1.235, 0.0]
    assert len(early["points"]) == 512
    assert second["snapshots"] == []  # one blew up, the other was never taken
    assert set(SCALARS["modes"]) <= set(first)
    json.dumps([first, second], allow_nan=False)


def test_a_generator_that_blew_up_has_no_numbers(playing, monkeypatch):
    made = playing.samples(2500).clone()
    made[0, 7, 1] = math.nan
    monkeypatch.setattr(playing, "samples", lambda count: made)
    first, second = modes(playing)
    assert (first["covered"], first["good"]) == (None, None)
    assert second["covered"] == 0
    json.dumps([first, second], allow_nan=False)


def test_the_data_themselves_cover_all_modes_and_are_good_to_99_percent():
    built = points.grid_of_gaussians(RawFiles({}, Path(), Path()))
    tensors = {name: torch.from_numpy(array) for name, array in built.tensors.items()}
    data = Prepared(tensors=tensors, manifest={"classes": 25, "sha256": "0" * 64, "task": "points"})
    centres, spread = _modes(gan(data, seeds=(0,)), 0)
    torch.testing.assert_close(spread, torch.full((25,), 0.01, dtype=torch.float64), rtol=0.08, atol=0)
    found = _found(tensors["test_x"], centres, 3 * spread)
    assert found["covered"] == 25
    # Rayleigh: 1 - exp(-3^2 / 2) = 98.9 %
    assert found["good"] == pytest.approx(98.9, abs=0.7)
    scattered = torch.rand(2500, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert _found(scattered, centres, 3 * spread)["covered"] == 0


def test_it_measures_what_the_trained_generator_makes():
    training = gan(four_modes(), seeds=(2,), iterations=12, epochs=1)
    training.run(lambda _: None)
    snapshots = modes(training)[0]["snapshots"]
    assert [each["iteration"] for each in snapshots] == [10, 12]
    expected = training.samples(512)[0].double()
    torch.testing.assert_close(torch.tensor(snapshots[1]["points"]).double(), expected, atol=6e-4, rtol=0)
