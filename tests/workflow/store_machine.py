"""Random steps over a store, compared with a dictionary of what it should have."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import torch
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from remixup.analysis import aggregate, records
from remixup.config.experiment import read_experiments
from remixup.config.settings import SCALES, Config
from remixup.maintenance.integrity import verify
from remixup.maintenance.pruning import leftovers
from remixup.store import blocks
from remixup.store.blocks import SeedBlock, columns, summarize
from remixup.store.run_store import Store, weights_fault
from remixup.training import runner
from tests.workflow import store_steps as steps
from tests.workflow.conftest import SMALL
from tests.workflow.forks import start
from tests.workflow.store_writes import write_experiment

SEEDS = [0, 1]
ROWS = st.sampled_from(["erm", "mixup"])
STORE = Store(Path("results"))
METRIC = "test_loss.last"
TRUTH = {}
"""Specification -> values of its seeds."""


def document(epochs):
    """The experiment, with a number of epochs for each row; two scales have runs of their own."""
    reduced = {"surrogate": "smaller minibatches", "run": {"batch_size": 8}}
    overlays = {"erm": {}, "mixup": SMALL["rows"][1]["run"]}
    return {
        **SMALL,
        "seeds": len(SEEDS),
        "run": {**SMALL["run"], "model": {"name": "mlp", "hidden": [2]}, "epochs": 2},
        "scales": {"embedded": {"counts_as": "paper"}, "reduced": reduced},
        "metrics": {METRIC: {"label": "Test loss"}},
        "rows": [{"id": row, "label": row, "run": {**overlays[row], "epochs": epochs[row]}} for row in overlays],
        "tables": [],
        "figures": [],
    }


def truth(spec, data):
    """The values of a run that was trained alone, without the store."""
    key = spec.model_dump_json()
    if key not in TRUTH:
        make = runner.Runner(STORE, data, torch.device("cpu"), lambda *_: None)
        training = runner.start(spec, SEEDS, make.inputs(spec, SEEDS), make.device)
        training.run(lambda _: None)
        TRUTH[key] = summarize(SEEDS, columns(training.history))[1]
    return TRUTH[key]


class StoreMachine(RuleBasedStateMachine):
    """The store of one experiment; `stored` and `recorded` are what it should have."""

    fault = ""
    data: Path

    @initialize()
    def make(self):
        self.before = Path.cwd()
        self.home = Path(tempfile.mkdtemp(prefix="remixup-store-"))
        self.folders = [self.home]
        os.chdir(self.home)
        self.epochs, self.scale = {"erm": 2, "mixup": 2}, "embedded"
        write_experiment(document(self.epochs))
        self.stored = {}  # run -> content of its block, None where it is damaged
        self.recorded = {}  # run -> content of its record
        self.weights = {}  # run -> whether they are whole

    def teardown(self):
        os.chdir(self.before)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def plan(self, scale=None):
        return steps.plan_at(*read_experiments()["small"], scale or self.scale)

    def planned(self, row):
        return next(each for each in self.plan().rows if each.row.id == row)

    def wanted(self):
        """What some row asks for at some scale, and what is on record."""
        return {row.key for scale in SCALES for row in self.plan(scale).rows} | self.recorded.keys()

    def to_train(self, row):
        """Arguments of a training; ERM's weights are stored."""
        planned = self.planned(row)
        return self.data, {planned.key: (planned.run, planned.seeds)}, {planned.key} if row == "erm" else set()

    def file(self, run, store=STORE):
        return store.runs / run / "seeds-0-1.json"

    def succeed(self, call):
        outcome = steps.as_command(call)
        assert outcome == (0, ""), outcome

    def see(self, row):
        """Take over what a training has changed: a block that was whole is the same, a new one has the right values."""
        planned = self.planned(row)
        run, file = planned.key, self.file(planned.key)
        had, had_weights = self.stored.get(run), self.weights.get(run)
        if had is not None:
            assert file.read_bytes() == had
        if file.exists() and had is None:
            try:
                assert SeedBlock.read(file).values == truth(planned.run, self.data)
                self.stored[run] = file.read_bytes()
            except blocks.Damaged:
                assert run in self.stored, "a block is damaged that nobody has damaged"
        elif not file.exists():
            self.stored.pop(run, None)
        weights = STORE.checkpoint(run, SEEDS)
        if weights.exists():
            whole = weights_fault(weights) is None
            assert whole or had_weights is False, "weights are damaged that nobody has damaged"
            self.weights[run] = whole

    @rule(row=ROWS)
    def train(self, row):
        given = self.to_train(row)
        self.succeed(lambda: steps.train(*given))
        self.see(row)
        run = self.planned(row).key
        assert self.stored[run]
        assert self.weights.get(run, row != "erm")
        assert not STORE.resume_point(run, SEEDS).exists()

    @rule(kind=st.sampled_from(["killed", "twice", "killed while it records"]), row=ROWS, number=st.integers(1, 130))
    def other_processes(self, kind, row, number):
        """One rule, since processes take most of the time."""
        if kind == "killed":
            self.kill_training(row, number)
        elif kind == "twice":
            self.train_twice_at_once(row)
        else:
            self.kill_recording(number // 2)

    def kill_training(self, row, number):
        process = start(steps.train_and_die, self.home, self.fault, number, *self.to_train(row))
        process.join()
        assert process.exitcode in (0, -9)
        self.see(row)

    def kill_recording(self, number):
        start(steps.record_and_die, self.home, self.fault, number, self.plan()).join()
        for run in self.plan().runs():
            file = self.file(run, Store(Path("records")))
            if run not in self.recorded and file.exists():
                self.recorded[run] = file.read_bytes()
                assert self.recorded[run] == self.stored[run]

    def train_twice_at_once(self, row):
        run = self.planned(row).key
        needed = not self.stored.get(run) or (row == "erm" and not self.weights.get(run))
        told = Path(tempfile.mkdtemp(dir=self.home, prefix=".told-"))
        given = (self.home, self.fault, told)
        first = start(steps.train_beside_another, *given, 1, *self.to_train(row))
        while needed and first.is_alive() and not (told / "trains-1").exists():
            time.sleep(0.001)
        second = start(steps.train_beside_another, *given, 0, *self.to_train(row))
        while second.is_alive() and not (told / "started-0").exists():
            time.sleep(0.001)
        second.join(0.05)
        (told / "go").touch()
        for process in (first, second):
            process.join()
            assert process.exitcode == 0
        assert len(list(told.glob("trained-*"))) == needed, "a run was trained twice"
        shutil.rmtree(told)
        self.see(row)
        assert self.stored[run]

    @precondition(lambda self: any(self.stored.values()))
    @rule(kind=st.sampled_from(["value", "cut", "zeros", "lost", "weights"]), chosen=st.randoms(use_true_random=False))
    def damage(self, kind, chosen):
        whole = self.weights if kind == "weights" else self.stored
        runs = sorted(run for run, content in whole.items() if content)
        if not runs:
            return
        run = chosen.choice(runs)
        file = STORE.checkpoint(run, SEEDS) if kind == "weights" else self.file(run)
        content = file.read_bytes()
        if kind == "lost":
            file.unlink()
            del self.stored[run]
            return
        changed = {
            "value": content.replace(f'"{METRIC}": ['.encode(), f'"{METRIC}": [1'.encode()),
            "cut": content[: len(content) // 2],
            "zeros": bytes(len(content)),
            "weights": content[:-1] + bytes([content[-1] ^ 1]),
        }
        file.write_bytes(changed[kind])
        whole[run] = False if kind == "weights" else None

    @rule(row=ROWS, epochs=st.integers(1, 3))
    def edit_row(self, row, epochs):
        self.epochs[row] = epochs
        write_experiment(document(self.epochs))

    @rule(scale=st.sampled_from(["embedded", "reduced"]))
    def change_scale(self, scale):
        self.scale = scale

    @rule()
    def prune(self):
        self.succeed(lambda: leftovers(Config(), delete=True))
        wanted = self.wanted()
        for kept in (self.stored, self.weights):
            for run in kept.keys() - wanted:
                del kept[run]

    @rule()
    def record(self):
        status, said = steps.as_command(lambda: records.write(Config(), self.plan()))
        expected = 0
        for run in self.plan().runs():
            if run in self.stored and not expected:
                expected = 0 if self.stored[run] else 2
                if self.stored[run]:
                    self.recorded.setdefault(run, self.stored[run])
        assert (status, said.count("\n")) == (expected, min(expected, 1)), said

    @rule(chosen=st.randoms(use_true_random=False))
    def clone(self, chosen):
        """Go on in another folder with what git and DVC bring there, whose times are in no order."""
        home = Path(tempfile.mkdtemp(prefix="remixup-clone-"))
        for part in ("experiments", "records", "results/runs", "checkpoints"):
            if Path(part).exists():
                shutil.copytree(part, home / part)
        for path in home.rglob("*"):
            os.utime(path, (time.time(), chosen.uniform(1e9, 1.7e9)))
        os.chdir(home)
        self.home = home
        self.folders.append(home)

    @rule()
    def collect(self):
        """The results are those of the dictionary; where it has damage that is said."""
        plan, found = self.plan(), []
        status, said = steps.as_command(lambda: found.append(aggregate.results_of(Config(scale=self.scale), plan)))
        if any(self.stored.get(row.key, b"-") is None for row in plan.rows):
            assert (status, said.count("\n")) == (2, 1), said
            return
        assert (status, said) == (0, "")
        for row in plan.rows:
            (entry,) = (each for each in found[0].entries if each.row == row.row.id)
            values = truth(row.run, self.data)[METRIC] if self.stored.get(row.key) else None
            assert (entry.replicated and entry.replicated.values) == values
            runs = [self.plan(scale).rows for scale in records.REAL]
            same = [each for rows in runs for each in rows if each.row.id == row.row.id and each.key in self.recorded]
            known = [truth(each.run, self.data)[METRIC] for each in same]
            assert bool(entry.recorded) == bool(known)
            assert all(each.replicated.values in known for each in entry.recorded)

    @invariant()
    def nothing_is_lost_or_changed(self):
        if not hasattr(self, "stored"):
            return
        for home, kept in ((STORE, self.stored), (Store(Path("records")), self.recorded)):
            found = {path.parent.name: path for path in home.runs.glob("*/*.json")}
            assert found.keys() == kept.keys()
            assert all(content in (None, found[run].read_bytes()) for run, content in kept.items())
        damaged = [content for content in self.stored.values() if content is None]
        damaged += [whole for whole in self.weights.values() if not whole]
        assert len(verify(Config())[1]) == len(damaged)
