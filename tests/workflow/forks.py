"""Processes forked from one that has imported torch already: they start in milliseconds, and are really killed."""

import contextlib
import json
import multiprocessing
import os
import shutil
import sys
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["remixup.cli", "remixup.training.runner", "remixup.evaluation.runner", __name__, "tests.workflow.store_steps"]
)
CPU = "cpu"


def start(function, *arguments):
    """A process that calls the function, a module's own; its exit code is -9 where it was killed."""
    process = CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


def finish(function, *arguments):
    """The exit code of a process that was left to end."""
    process = start(function, *arguments)
    process.join()
    return process.exitcode


def make_runner(folder, data, processes=1):
    """A runner with a store in the folder, which keeps a resume point after every epoch."""
    import torch

    from remixup.store.run_store import Store
    from remixup.training import runner

    runner.RESUME_SECONDS, runner.RESUME_SHARE = 0, 1e9
    store = Store(folder / "results", folder / "checkpoints", folder / "scratch")
    return runner.Runner(store, data, torch.device(CPU), lambda *_: None, processes)


def train(folder, data, document, seeds=2, processes=1):
    """Trains a run into a store in the folder, and keeps its weights."""
    from remixup.config.run import RunSpec

    return make_runner(folder, data, processes).train(RunSpec.model_validate(document), seeds, True)


def command(folder, said, *arguments):
    """`remixup` with these arguments in a folder; what it says goes to a file."""
    from remixup import cli

    os.chdir(folder)
    sys.argv = ["remixup", *map(str, arguments)]
    with Path(said).open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        cli.main()


def kept(folder):
    """Every byte of a store that a restart must not change: specifications, metrics, histories, weights."""
    found = {path: results_of(path) for path in folder.glob("results/runs/*/seeds-*.json")}
    found |= {path: path.read_bytes() for path in folder.glob("checkpoints/*/*")}
    return {str(path.relative_to(folder)): content for path, content in found.items()}


def results_of(path):
    """The content of a seed block or an evaluation, but for its provenance."""
    content = json.loads(path.read_text())
    return repr({name: value for name, value in content.items() if name not in ("provenance", "sha256")})


def unfinished(folder):
    """What a killed process may leave and the next must clear away: parts of files and folders, resume points."""
    return [path for path in folder.rglob("*") if ".part" in path.name or ("resume" in path.parts and path.is_file())]


def wipe(folder):
    """An empty folder again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
