"""The pace of the loader, and the difference of two ways to decode."""

import numpy as np
import pytest
import torch
import typer
from remixup_benchmarks import loader
from typer.testing import CliRunner

CPU = torch.device("cpu")


class Fixed:
    """A stream of given images."""

    def __init__(self, images):
        self.images = torch.from_numpy(np.asarray(images, dtype=np.uint8)).view(-1, 1, 1, 2)

    def batches(self, rows, sizes, seeds):
        assert len(rows) == len(seeds) == sum(sizes)
        return iter(self.images[rows].split(sizes))


def test_the_difference_is_that_of_the_same_images():
    mean, largest = loader.difference(Fixed([0, 10, 20, 250]), Fixed([1, 10, 20, 255]), torch.tensor([1, 0]))
    assert (mean, largest) == ((1 + 0 + 0 + 5) / 4, 5)


def test_the_pace_is_images_by_seconds(monkeypatch):
    clock = iter([2.0, 4.5])
    monkeypatch.setattr(loader, "now", lambda device: next(clock))
    assert loader.pace(Fixed([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), torch.arange(5), 2, CPU) == 2.0


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs the command in a folder with a prepared dataset of image files."""
    from tests.unit.data.test_streaming import jpeg, packed

    path, offsets = packed(tmp_path, [jpeg(seed) for seed in range(20)])
    made = loader.data.Prepared({"train_offsets": offsets}, {"classes": 2}, images=path)
    monkeypatch.setattr(loader.data, "load", lambda *_, **__: made)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("scale: embedded\n")
    command = typer.Typer()
    command.command()(loader.main)
    return lambda *options: CliRunner().invoke(command, ["imagenet", "--size", "8", "--workers", "0", *options])


def test_it_says_what_is_measured_and_what_is_not(call, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = call("--images", "12", "--batch", "5")
    assert done.exit_code == 0, done.output
    first, second = done.output.splitlines()
    assert first.startswith("decoded by the processor, 0 workers: ")
    assert first.endswith(" images/s")
    assert second == "decoded by the GPU: not measured, there is none"
