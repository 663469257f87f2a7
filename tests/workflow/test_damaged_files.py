"""Every stored file, damaged in each way: one line or a cure, never a traceback, and nothing false is collected."""

import shutil
from pathlib import Path

import pytest

from remixup.analysis import aggregate
from remixup.config.settings import Config
from remixup.maintenance.integrity import verify
from remixup.planning.workflow import plan_workflow, read_workflow
from remixup.store import provenance
from tests.workflow.store_steps import CLEAN, as_command
from tests.workflow.store_writes import finish, make_project

DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "not UTF-8": lambda content: content[: len(content) // 2] + b"\xff" + content[len(content) // 2 + 1 :],
    "a list": lambda content: b"[]",
    "a mapping": lambda content: b"{}",
    "a number": lambda content: b"1",
    "nested": lambda content: b"[" * 100_000,
}


def collect():
    workflow = plan_workflow(Config())
    for plan in workflow.plans:
        aggregate.collect(workflow.config, plan)
    aggregate.join(workflow.config, [plan.experiment.id for plan in workflow.plans])


def read():
    workflow = read_workflow(Config().plan)
    aggregate.read_all(workflow.config, [plan.experiment.id for plan in workflow.plans])


COMMANDS = {"verify": lambda: verify(Config()), "read": read, "collect": collect, "train": finish}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("project")
    patch.chdir(folder)
    patch.setattr(provenance, "code", lambda: CLEAN)
    make_project()
    plan_workflow(Config()).write()
    collect()
    yield folder
    patch.undo()


FILES = (
    "checkpoints/*/*.json",
    "checkpoints/*/*.safetensors",
    "results/runs/*/*.json",
    "results/evaluations/*/*.json",
    "results/embedded/manifests/*.json",
    "results/embedded/experiments/*.json",
    "results/embedded/replication.json",
    "results/embedded/plan.json",
    "records/runs/*/*.json",
    "records/evaluations/*/*.json",
    "data/prepared/*/manifest.json",
    "data/prepared/*/tensors.safetensors",
)


@pytest.mark.parametrize("pattern", FILES)
def test_one_line_or_a_cure(pattern, project, tmp_path, monkeypatch):
    (file,) = (str(path.relative_to(project)) for path in project.glob(pattern))
    reported = Path("results/embedded/replication.json")
    for kind, damage in DAMAGE.items():
        for name, command in COMMANDS.items():
            home = shutil.copytree(project, tmp_path / f"{kind} {name}")
            monkeypatch.chdir(home)
            before = reported.read_bytes()
            Path(file).write_bytes(damage(Path(file).read_bytes()))
            status, said = as_command(command)
            assert (status, said.count("\n")) in ((0, 0), (2, 1)), f"{name}, {kind}: {said}"
            if name == "collect" and status == 0 and file != str(reported):
                assert reported.read_bytes() == before, f"{name}, {kind}"
