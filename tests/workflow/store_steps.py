"""What processes of their own do in the state machine of the store, and faults planted in the program."""

import contextlib
import io
import json
import os
import shutil
import signal
import time
from pathlib import Path

import torch

from remixup import cli, files
from remixup.analysis import records
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.maintenance import pruning
from remixup.planning.plan import Plan, plan_experiment
from remixup.store import blocks, provenance
from remixup.store.provenance import Code
from remixup.store.run_store import Store
from remixup.training import checkpoints, runner
from tests.file_operations import watched

CLEAN = Code(commit="c" * 40, dirty=False, date="2026-01-01")


def forget():
    """Forget what a new process does not know yet."""
    files._flushed.clear()
    getattr(blocks._read, "cache_clear", lambda: None)()  # a planted fault has no cache
    records._runs_by_protocol.cache_clear()


def as_command(call):
    """The exit status of a command that calls the function, and what it says on its error output."""
    said = io.StringIO()
    forget()
    parts = {name: getattr(cli, name) for name in ("app", "check_code", "check_packages")}
    cli.app, cli.check_code, cli.check_packages = call, lambda: None, lambda: None
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            cli.main()
    except SystemExit as ended:
        return ended.code, said.getvalue()
    finally:
        for name, part in parts.items():
            setattr(cli, name, part)
    return 0, said.getvalue()


def train(data, runs, weights, report=lambda *_: None):
    """Train runs into the working directory, with a resume point after each epoch."""
    runner.RESUME_SECONDS, runner.RESUME_SHARE = 0, 1e9
    make = runner.Runner(Store(Path("results")), data, torch.device("cpu"), report)
    outcome = runner.train_all(make, runs, weights, lambda run: Path(f"{run}.txt"))
    assert outcome.failed == {}, Path(next(iter(outcome.failed.values()))).read_text()
    return outcome


def dies(number):
    """Kills this process at its k-th operation on a file."""
    left = iter(range(1, number + 1))

    def before(name, path):
        if next(left, number) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return before


def begin(folder, fault):
    os.chdir(folder)
    if fault:
        FAULTS[fault](setattr)
    provenance.code = lambda: CLEAN
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def train_and_die(folder, fault, number, *given):
    """Train, until the k-th operation on a file; 0: to the end."""
    begin(folder, fault)
    with watched(Path(), dies(number)):
        train(*given)


def record_and_die(folder, fault, number, plan):
    begin(folder, fault)
    with watched(Path(), dies(number)):
        records.write(Config(), plan)


def train_beside_another(folder, fault, told, first, *given):
    """Train, and say so; the first of two waits after its first epoch until it is told to go on."""
    begin(folder, fault)
    (told / f"started-{first}").touch()

    def report(run, seeds, training):
        (told / f"trains-{first}").touch()
        while first and not (told / "go").exists():
            time.sleep(0.001)
        if training.finished:
            (told / f"trained-{first}").touch()

    train(*given, report)


def _prune_one_scale(plant):
    plant(pruning, "SCALES", ("embedded",))


def _compare_no_digests(plant):
    def read(kind, path, state):
        content = json.loads(path.read_text())
        del content["sha256"]
        return kind.model_validate(content)

    plant(blocks, "_read", read)


def _write_in_place(plant):
    @contextlib.contextmanager
    def in_place(target):
        files.make_folder(target.parent)
        yield target

    plant(files, "write_atomically", in_place)


def _forget_a_setting(plant):
    key = RunSpec.key
    plant(RunSpec, "key", lambda spec: key(spec.model_copy(update={"epochs": 1})))


def _lock_nothing(plant):
    plant(Store, "lock", lambda store, run: contextlib.nullcontext())


def _resume_without_optimizer(plant):
    load = checkpoints.load_resume_point

    def without(training, path):
        found = load(training, path)
        training.optimizer.state.clear()
        return found

    plant(checkpoints, "load_resume_point", without)


def _tidy_records(plant):
    write = records.write

    def tidy(config, plan):
        for folder in Path("records/runs").glob("*"):
            if folder.name not in plan.runs():
                shutil.rmtree(folder)
        return write(config, plan)

    plant(records, "write", tidy)


FAULTS = {
    "prune asks the rows of one scale": _prune_one_scale,
    "digests are not compared": _compare_no_digests,
    "files are written in place": _write_in_place,
    "the key of a run forgets a setting": _forget_a_setting,
    "nothing is locked": _lock_nothing,
    "resume points lack the optimizer": _resume_without_optimizer,
    "records follow the rows": _tidy_records,
}


def plan_at(path: Path, experiment, scale) -> Plan:
    return plan_experiment(path, experiment, Config(scale=scale), scale)
