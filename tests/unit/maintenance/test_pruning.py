"""What `remixup prune` deletes: nothing that some row asks for in any way, and nothing that is on record or frozen."""

import os
import time
from types import SimpleNamespace

import pytest

from remixup.analysis import freezes, records
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.maintenance import pruning
from remixup.store.manifest import JobManifest
from tests.unit.config.sample_experiment import plan

NETWORK = {
    "dataset": {"name": "cifar10"},
    "model": {"name": "preact_resnet"},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "epochs": 2,
    "batch_size": 128,
}
EVALUATE = [{"name": "robustness", "alpha": 1.0}]


@pytest.fixture
def config(tmp_path, monkeypatch):
    """An experiment on CIFAR-10, whose data is nowhere, and an empty store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(records, "HOME", tmp_path / "records")
    monkeypatch.setattr(freezes, "HOME", tmp_path / "protocols")
    scales = {"reduced": {"run": {"epochs": 1}, "surrogate": "one epoch"}}
    found = plan(tmp_path, run=NETWORK, scales=scales)
    monkeypatch.setattr(pruning, "read_experiments", lambda: {"small": (found.path, found.experiment)})
    return Config(results=str(tmp_path / "results"))


def put(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "seeds-0-0.json").write_text("{}")


def test_a_run_stays_at_every_scale_and_precision_and_with_every_version(tmp_path, config):
    keys = set()
    for version in ("binary", "python", "reconstructed"):
        for epochs, precision in ((1, "float32"), (2, "float32"), (1, "bfloat16"), (2, "bfloat16")):
            dataset = {"name": "cifar10", "version": version}
            run = {**NETWORK, "dataset": dataset, "epochs": epochs, "precision": precision}
            keys.add(RunSpec.model_validate(run).key())
    assert len(keys) == 12
    put(tmp_path / "results/runs", *keys, "cifar10-preact-resnet-erm-00000000", ".ipynb_checkpoints")
    put(tmp_path / "checkpoints", *keys, "cifar10-preact-resnet-erm-00000000")
    (tmp_path / "results/runs/.DS_Store").touch()
    expected = [tmp_path / f"results/runs/{name}" for name in ["cifar10-preact-resnet-erm-00000000"]]
    expected += [pruning.Store(tmp_path / "results").checkpoints / "cifar10-preact-resnet-erm-00000000"]
    assert pruning.leftovers(config, delete=False) == expected
    assert pruning.leftovers(config, delete=True) == expected
    assert {path.name for path in (tmp_path / "results/runs").iterdir()} == {*keys, ".ipynb_checkpoints", ".DS_Store"}


def test_evaluations_of_data_that_is_not_here_stay(tmp_path, config, monkeypatch):
    found = plan(tmp_path, run={**NETWORK, "dataset": {"name": "mnist"}}, evaluate=EVALUATE)
    monkeypatch.setattr(pruning, "read_experiments", lambda: {"small": (found.path, found.experiment)})
    assert not found.runnable
    wanted = found.evaluation(found.rows[0], found.rows[0].evaluate[0])
    put(tmp_path / "results/evaluations", wanted.key, "robustness-00000000")
    assert [path.name for path in pruning.leftovers(config, delete=False)] == ["robustness-00000000"]


def test_what_is_on_record_or_frozen_stays(tmp_path, config, monkeypatch):
    put(tmp_path / "records/runs", "recorded")
    put(tmp_path / "records/evaluations", "measured")
    frozen = SimpleNamespace(runs={"erm": "frozen"}, evaluations=["asked"])
    monkeypatch.setattr(freezes, "names", lambda: ["small-1"])
    monkeypatch.setattr(freezes, "read", {"small-1": frozen}.__getitem__)
    put(tmp_path / "results/runs", "recorded", "frozen", "neither")
    put(tmp_path / "results/evaluations", "measured", "asked", "not-asked")
    assert [path.name for path in pruning.leftovers(config, delete=False)] == ["neither", "not-asked"]


def test_a_manifest_stays_while_its_runs_do(tmp_path, config):
    """Also one of a call for a few experiments, which groups them into other jobs."""
    key = RunSpec.model_validate({**NETWORK, "dataset": {"name": "cifar10", "version": "python"}}).key()
    folder = tmp_path / "results/paper/manifests"
    JobManifest(runs={key: {}}).write(folder / "some-group.json")
    JobManifest(runs={key: {}, "gone": {}}).write(folder / "old.json")
    JobManifest(failed={"gone": "log"}).write(folder / "broken.json")
    assert [path.name for path in pruning.leftovers(config, delete=False)] == ["broken.json", "old.json"]


def test_what_a_killed_process_did_not_finish_goes(tmp_path, config):
    """A file of the last hour may still be written, perhaps on another machine."""
    left = [
        tmp_path / place / ".file.json.4711.part"
        for place in (
            "results/evaluations/a",
            "results/paper/manifests",
            "results/paper",
            "records/runs/b",
            "protocols",
        )
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(".file.json.4712.part").touch()
        path.touch()
        os.utime(path, (0, time.time() - 3700))
    put(tmp_path / "results/evaluations", "a/.folder.part")
    os.utime(tmp_path / "results/evaluations/a/.folder.part", (0, 0))
    (tmp_path / "records/evaluations/a").mkdir(parents=True)  # on record: the folders stay
    assert set(pruning.leftovers(config, delete=True)) == set(left)
    assert len(list(tmp_path.rglob("*.4712.part"))) == 5
    assert not list(tmp_path.rglob("*.4711.part"))
