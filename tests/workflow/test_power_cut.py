"""A power cut at any moment of a write: each file of the store is whole, and what was reported is still there."""

import os
import shutil
from pathlib import Path

import pytest

from remixup.analysis import aggregate
from remixup.config.settings import Config
from remixup.maintenance.integrity import verify
from remixup.planning.workflow import plan_workflow
from remixup.store import provenance
from remixup.store.manifest import JobManifest
from remixup.training import runner
from tests.file_operations import is_temporary
from tests.power_cut import Recording, cuts, flushes, restore
from tests.workflow.forks import kept, results_of
from tests.workflow.store_steps import CLEAN, forget
from tests.workflow.store_writes import finish, make_project


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A finished project and its writes, which take place in the working directory."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("project")
    patch.chdir(folder)
    patch.setattr(provenance, "code", lambda: CLEAN)
    yield folder, make_project()
    patch.undo()


@pytest.fixture
def recording_of(template, tmp_path, monkeypatch):
    """Records a write in a copy of the project where its folders are missing, or were just made by Snakemake."""
    folder, writes = template

    def record(name):
        home = shutil.copytree(folder, tmp_path / "copy")
        monkeypatch.chdir(home)
        if name == "everything":
            for made in ("results", "checkpoints", "records", ".remixup"):
                shutil.rmtree(made)
        else:
            writes.undo(name)
        if name in ("run", "evaluation", "manifests"):
            shutil.rmtree("results")
        if name == "record":
            shutil.rmtree("records")
        forget()
        recording = Recording(home)
        for number, step in enumerate([finish] if name == "everything" else writes.steps[name]):

            def call(number=number, step=step):
                if name in ("run", "evaluation", "manifests") and number == 0:
                    Path("results/embedded/manifests").mkdir(parents=True)
                step()

            recording.record(call)
        return recording

    return record


COUNTS = {
    "run": (5, 25),
    "weights": (5, 44),
    "resume points": (7, 20),
    "evaluation": (5, 25),
    "manifests": (7, 20),
    "record": (9, 22),
    "linear baseline": (6, 19),
    "data": (6, 110),
    "everything": (33, 217),
}
"""Of each write the flushes that bring something to the disk, and the least number of states after a power cut."""
WRITES = [name for name in COUNTS if name != "everything"]


def check_counts(name, recording, states):
    number, least = COUNTS[name]
    assert len(flushes(recording)) == number
    assert len(states) >= least


@pytest.mark.parametrize("name", WRITES)
def test_no_file_is_torn_and_nothing_reported_is_lost(name, recording_of):
    recording = recording_of(name)
    found = [cut.faults() for cut in cuts(recording, recording.events)]
    assert [faults for faults in found if faults] == []
    check_counts(name, recording, found)


@pytest.mark.parametrize("name", WRITES)
def test_without_any_one_of_its_flushes_a_power_cut_does_harm(name, recording_of):
    recording = recording_of(name)
    assert flushes(recording)
    for position in flushes(recording):
        left = [event for index, event in enumerate(recording.events) if index != position]
        assert any(cut.faults() for cut in cuts(recording, left)), recording.events[position]


def stored(folder):
    """What another training must not change, where it is."""
    found = {path: content for path, content in kept(folder).items() if not is_temporary(path)}
    for pattern in ("results/evaluations/*/*.json", "records/runs/*/*.json", "records/evaluations/*/*.json"):
        found |= {str(path): results_of(path) for path in folder.glob(pattern)}
    return found | {str(path): JobManifest.read(path).runs for path in folder.glob("results/*/manifests/*.json")}


def test_after_a_power_cut_the_next_call_goes_on(recording_of, tmp_path, monkeypatch):
    """A job with a resume point after each epoch, and its records: nothing is damaged, nothing false is reported."""
    monkeypatch.setattr(runner, "RESUME_SECONDS", 0)
    monkeypatch.setattr(runner, "RESUME_SHARE", 1e9)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    recording = recording_of("everything")
    (plan,) = plan_workflow(Config()).plans
    truth, values = stored(Path()), reported(plan)
    assert len(truth) == 7
    assert values == {"test_error.last": [50.0]}
    trees = list({frozenset(cut.tree.items()): cut.tree for cut in cuts(recording, recording.events)}.values())
    check_counts("everything", recording, trees)
    for tree in trees:
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        restore(tree, tmp_path / "cut")
        monkeypatch.chdir(tmp_path / "cut")
        assert verify(Config())[1] == []
        assert stored(Path()).items() <= truth.items()
        assert reported(plan) in (values, {"test_error.last": None})
        finish()
        assert stored(Path()) == truth
        assert reported(plan) == values
        assert not list(Path(".remixup/resume").glob("*/*"))


def reported(plan):
    """The numbers that the results say were replicated."""
    entries = aggregate.results_of(Config(), plan).entries
    return {entry.metric: entry.replicated and entry.replicated.values for entry in entries}
