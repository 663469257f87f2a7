"""`remixup verify --retrain`: stored runs are trained again and compared byte by byte."""

import shutil
import sys
from pathlib import Path

import pytest

from remixup import cli
from remixup.config.settings import Config
from remixup.data import prepare
from remixup.maintenance import reproduction
from remixup.store.blocks import summarize
from remixup.store.run_store import Store
from tests.workflow.conftest import CONVOLUTIONAL, SMALL
from tests.workflow.forks import train

CONV = {**CONVOLUTIONAL["run"], "dataset": {"name": "digits", "version": "scikit-learn", "subset": 40}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two seeds of a population, which are one block, and two of a convolutional network, which are two."""
    folder = tmp_path_factory.mktemp("trained")
    prepare("iris", "scikit-learn", folder=folder / "data")
    prepare("digits", folder=folder / "data")
    train(folder, folder / "data", SMALL["run"])
    train(folder, folder / "data", CONV)
    return folder


@pytest.fixture
def stored(trained, tmp_path, monkeypatch):
    """Its blocks; the convolutional ones first."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("{}")
    store = Store(Path("results"))
    return [block for run in sorted(store.runs.iterdir()) for block in store.blocks(run.name)]


def change(block, **changes):
    """Somebody edits a block, and its digest too."""
    changed = block.model_copy(update=changes)
    changed.write(Store(Path("results")).path(block))
    return changed


def made_up_history(block, quantity, value):
    """Its history with another first value, and the values that follow from it."""
    history = {**block.history, quantity: [value, *block.history[quantity][1:]]}
    return {"history": history, "values": summarize(block.seeds, history)[1]}


def verify(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["remixup", "verify", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code, said.out.splitlines(), said.err


def test_what_was_trained_here_gives_the_same_bits(stored, monkeypatch, capsys):
    assert len(stored) == 3
    status, said, _ = verify(monkeypatch, capsys, "--retrain", "3")
    assert status == 0
    assert said[1].startswith("training again 3 of the 3 stored seed blocks")
    assert sorted(said[2:]) == [f"{block.run}/{block.name}: the same bits" for block in stored]
    status, said, _ = verify(monkeypatch, capsys, "--retrain", "1")
    assert (status, len(said)) == (0, 3)


def test_vectorized_seeds_are_trained_again_together(tmp_path, monkeypatch):
    """How a run was executed is in its provenance, and not in the specification that is hashed."""
    monkeypatch.chdir(tmp_path)
    prepare("digits", folder=Path("data"))
    model = {"name": "preact_resnet", "width": 8, "blocks": [1]}
    train(tmp_path, tmp_path / "data", {**CONV, "model": model, "execution": {"vectorize_seeds": True}})
    store = Store(Path("results"))
    (block,) = [block for run in store.runs.iterdir() for block in store.blocks(run.name)]
    assert block.seeds == [0, 1]
    assert block.specification.execution.vectorize_seeds
    assert reproduction.difference(Config(), block) is None


def test_a_result_that_was_made_up_with_its_digests_is_found(stored, monkeypatch, capsys):
    """`verify` alone cannot see it. Fails, tried out: where the comparison leaves out either file."""
    first = stored[0].history["test_error"][0]
    change(stored[0], **made_up_history(stored[0], "test_error", 0.5))
    assert verify(monkeypatch, capsys)[0] == 0
    status, said, _ = verify(monkeypatch, capsys, "--retrain", "9")
    assert status == 1
    found = {line.partition(": ")[0]: line.partition(": ")[2] for line in said[2:]}
    said = found.pop(f"{stored[0].run}/{stored[0].name}")
    assert "history differ" in said
    assert f", first in seed 0, epoch 1: test_error {first}, stored 0.5" in said
    assert list(found.values()) == ["the same bits", "the same bits"]


def test_another_machine_is_named_as_the_likely_reason(stored):
    config = Config()
    provenance = stored[1].provenance
    versions = {**provenance.environment.versions, "torch": "0.1"}
    environment = provenance.environment.model_copy(update={"versions": versions})
    other = change(stored[1], provenance=provenance.model_copy(update={"environment": environment}))
    assert reproduction.difference(config, other) is None
    said = reproduction.difference(config, change(other, **made_up_history(other, "train_loss", 0.25)))
    assert "stored 0.25; likely because it was trained with torch 0." in said
    assert "hardware" not in said


def test_a_run_of_another_version_of_the_program_is_called_so(stored):
    other = change(stored[2], spec={**stored[2].spec, "batch_size": 17})
    assert "it was trained by another version" in reproduction.difference(Config(), other)
    other = change(stored[2], spec={**stored[2].spec, "size_of_batch": 17})
    assert "this program has no such specification" in reproduction.difference(Config(), other)


def test_what_a_cpu_cannot_repeat_is_not_drawn(stored):
    change(stored[0], provenance=stored[0].provenance.model_copy(update={"device": "cuda"}))
    shutil.rmtree("data/prepared/iris-scikit-learn")
    for _ in range(5):
        chosen, count = reproduction.choose(Config(), 3)
        assert (chosen, count) == ([stored[1]], 1)
