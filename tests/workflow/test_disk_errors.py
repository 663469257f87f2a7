"""The k-th operation on a file fails, for every k: one line, nothing half-written, and the next call goes on."""

import errno
import itertools
import shutil
from pathlib import Path

import pytest

from remixup.analysis import aggregate
from remixup.cli.pipeline import train_job
from remixup.config.settings import Config
from remixup.maintenance.integrity import verify
from remixup.planning.workflow import plan_workflow
from remixup.store import provenance
from tests.file_operations import Fails, comparable, files_below, is_temporary, watched
from tests.workflow.forks import kept
from tests.workflow.store_steps import CLEAN, as_command, forget
from tests.workflow.store_writes import NAMES, make_project

CODES = (errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOSPC)


@pytest.fixture(scope="module")
def writes(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("project"))
    patch.setattr(provenance, "code", lambda: CLEAN)
    yield make_project()
    patch.undo()


def stored(found):
    return {name: content for name, content in found.items() if not is_temporary(name)}


@pytest.mark.parametrize("name", NAMES)
def test_each_write_of_the_store(name, writes):
    fails = Fails(0, 0)

    def call():
        writes.make(name)

    writes.undo(name)
    versions = {file: [content] for file, content in files_below(Path()).items()}

    def moved(operation, path):
        if operation == "replace":
            file = str(path.relative_to(Path.cwd()))
            versions.setdefault(file, [None]).append(comparable(path, path.read_bytes()))

    forget()
    with watched(Path(), fails, moved):
        call()
    whole = stored(files_below(Path()))
    operations, harmless = fails.seen, set()
    assert {"write", "fsync", "replace", "mkdir"} <= {operation for operation, _ in operations}
    for code, number in itertools.product(CODES, range(1, len(operations) + 1)):
        writes.undo(name)
        operation, path = operations[number - 1]
        what = f"{errno.errorcode[code]} at {number} of {len(operations)}: {operation} {path}"
        with watched(Path(), Fails(number, code)):
            status, said = as_command(call)
        left = files_below(Path())
        for file, content in stored(left).items():
            assert content in versions[file], f"{what}: {file} is half-written"
        for file in left.keys() - stored(left).keys():
            assert operation == "unlink" or file.endswith(".lock"), f"{what}: {file} is left"
        if status == 0:
            harmless.add((errno.errorcode[code], operation))
            assert stored(left) == whole, what
        else:
            assert (status, said.count("\n")) == (2, 1), f"{what}: {said}"
            assert said.startswith("error: "), f"{what}: {said}"
        with watched(Path(), lambda *_: None):
            assert as_command(call) == (0, ""), what
        assert stored(files_below(Path())) == whole, what
        for part in Path().rglob(".*.part"):
            part.unlink()
    assert harmless <= {("EACCES", "open"), ("EACCES", "fsync")}  # who may not list a folder cannot flush it


@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.get)
def test_a_whole_job(code, writes, monkeypatch):
    """Training with a resume point after each epoch, weights, evaluation, manifest; then results are collected."""
    from remixup.training import runner

    workflow, folder = plan_workflow(Config()), Path()
    (job,), (plan,) = workflow.jobs, workflow.plans
    monkeypatch.setattr(runner, "RESUME_SECONDS", 0)
    monkeypatch.setattr(runner, "RESUME_SHARE", 1e9)

    def call():
        train_job(workflow, job, attempt=1, processes=1, gpu_slots=0)
        aggregate.collect(workflow.config, plan)

    def start_over():
        forget()
        for made in ("results", "checkpoints", ".remixup"):
            shutil.rmtree(made, ignore_errors=True)

    start_over()
    fails = Fails(0, code)
    with watched(folder, fails):
        call()
    whole, checked = kept(folder), verify(workflow.config)
    assert len(whole) == 3
    for number, (operation, path) in enumerate(fails.seen, 1):
        what = f"{errno.errorcode[code]} at {number} of {len(fails.seen)}: {operation} {path}"
        start_over()
        with watched(folder, Fails(number, code)):
            status, said = as_command(call)
        assert status == 0 or (status, said.count("\n"), said[:7]) == (2, 1, "error: "), f"{what}: {said}"
        assert "Traceback" not in said, what
        assert verify(workflow.config)[1] == [], what
        assert kept(folder).items() <= whole.items(), what
        with watched(folder, lambda *_: None):
            assert as_command(call) == (0, ""), what
        assert kept(folder) == whole, what
        assert verify(workflow.config) == checked, what
