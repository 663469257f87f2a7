"""The evidence queue: what it lists before it starts, and which tasks run at the same time."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from remixup.analysis import freezes
from remixup.analysis.numbers import FEWEST
from remixup.config.experiment import read_experiments
from remixup.config.settings import Config
from remixup.maintenance import evidence_queue
from remixup.planning.plan import plan_experiment, with_all_rows
from remixup.planning.workflow import plan_from_json
from tests.experiments import committed


class Task(SimpleNamespace):
    def __str__(self):
        return self.name


def test_a_budget_leaves_what_would_end_after_it():
    missing = [Task(name="a", seconds=30.0), Task(name="b", seconds=90.0), Task(name="c", seconds=6.0)]
    assert list(evidence_queue.described(missing, None, 1)) == [
        "  a, 0.5 min",
        "  b, 1.5 min",
        "  c, 0.1 min",
        "  all of them: 2.1 min",
    ]
    assert list(evidence_queue.described(missing, 1.5, 1)) == [
        "  a, 0.5 min",
        "  b, 1.5 min, left for later",
        "  c, 0.1 min, left for later",
        "  all of them: 2.1 min",
        "  1.5 minutes leave 2 of them: 1.6 min",
    ]


def test_two_workers_take_the_next_task_when_they_are_free():
    """The second has all that is left at 0.1 minutes, where the first is busy until 1.5."""
    seconds = {"a": 90.0, "b": 6.0, "c": 30.0, "d": 60.0, "e": 24.0}
    missing = [Task(name=name, seconds=each) for name, each in seconds.items()]
    assert list(evidence_queue.described(missing, 1.5, 2)) == [
        "  a, 1.5 min",
        "  b, 0.1 min",
        "  c, 0.5 min",
        "  d, 1.0 min, left for later",
        "  e, 0.4 min, left for later",
        "  all of them, 2 at a time: 1.9 min",
        "  1.5 minutes leave 2 of them: 1.0 min",
    ]


def test_a_task_of_unknown_length_is_not_promised_a_time():
    missing = [Task(name="a", seconds=None), Task(name="b", seconds=60.0)]
    lines = list(evidence_queue.described(missing, 1, 1))
    assert lines[0] == "  a, time not known"
    assert lines[1:] == ["  b, 1.0 min", "  all of them: more than 1.0 min"]


def task(*touched, threads=1, seeds=1):
    plan = SimpleNamespace(experiment=SimpleNamespace(id="some"), scale="paper")
    execution = SimpleNamespace(threads=threads)
    run = SimpleNamespace(execution=execution, epochs=4, model={}, precision="float32", vectorized=False)
    return SimpleNamespace(
        key=touched[0] if touched else "",
        touched=set(touched),
        plan=plan,
        run=run,
        seeds=seeds,
        trained=[seeds - 1],
        seconds=None,
        evaluations=[],
        freeze=None,
        plan_name="some-paper",
    )


def test_tasks_with_a_run_in_common_follow_one_another(monkeypatch, tmp_path):
    """The attack reads both networks: it waits for the first seed of both, and the second of either waits for it."""
    monkeypatch.setattr(evidence_queue, "plan_to_json", lambda plan: {"scale": plan.scale})
    missing = [task("erm"), task("mixup"), task("attack", "erm", "mixup"), task("mixup", seeds=2), task("free")]
    evidence_queue.write_queue(missing, tmp_path / "queue.json", Config(), None, 2, None)
    written = json.loads((tmp_path / "queue.json").read_text())["tasks"]
    assert {name: each["after"] for name, each in written.items()} == {
        "0000-erm": [],
        "0001-mixup": [],
        "0002-attack": ["0000-erm", "0001-mixup"],
        "0003-mixup": ["0002-attack"],
        "0004-free": [],
    }


def test_each_freeze_of_an_experiment_has_its_own_plan(tmp_path):
    """They differ in versions of data: the run of one freeze is none of the other's plan."""
    tasks = []
    for name in ("cifar-1", "cifar-2"):
        freeze = freezes.read(name)
        plan = with_all_rows(freezes.frozen_plan(freeze, *committed()["cifar"], Config()))
        row = next(row for row in plan.rows if row.row.id in freeze.runs)
        tasks.append(evidence_queue.Task(Config(), plan, row.run, freeze.seeds[0] + 1, name))
    evidence_queue.write_queue(tasks, tmp_path / "queue.json", Config(), None, 2, None)
    written = json.loads((tmp_path / "queue.json").read_text())
    for each in written["tasks"].values():
        plan = with_all_rows(plan_from_json(written["plans"][each["plan"]]))
        assert each["run"] in plan.runs()
        assert each["run"] in freezes.read(each["freeze"]).runs.values()


@pytest.mark.parametrize(
    ("threads", "gpus", "wanted", "expected"),
    [
        ([1] * 9, 0, None, 5),
        ([1, 2, 1], 0, None, 2),
        ([8, 8], 0, None, 1),
        ([1] * 9, 0, 7, 7),
        ([1] * 9, 0, 1, 1),
        ([1, 1], 0, 7, 2),
        ([1, 8, 1, 1], 3, None, 3),
        ([1] * 9, 3, 7, 3),
        ([1] * 9, 3, 2, 2),
        ([], 0, None, 1),
    ],
)
def test_one_task_on_each_gpu_or_as_many_as_the_cores_suffice_for(monkeypatch, threads, gpus, wanted, expected):
    monkeypatch.setattr(evidence_queue, "cores", lambda: 5)
    assert evidence_queue.number_of_workers([task("", threads=each) for each in threads], gpus, wanted) == expected


def test_numbers_with_a_verdict_get_five_seeds():
    """Each published number that the queue trains without a surrogate: with fewer seeds no verdict can be positive."""
    files, wanted, seeds = read_experiments(), evidence_queue.read_queue_file(Path("evidence.yaml")), {}
    for machine, items in {"gpu": wanted.gpu, "cpu": wanted.cpu}.items():
        for item in (each for each in items if each.freeze is None):
            plan = plan_experiment(*files[item.experiment], Config(scale=item.scale))
            chosen = {row.id for row in plan.experiment.select(item.rows)}
            for row in plan.rows:
                published = any(row.row.transcribed(metric) for metric in row.row.published)
                if row.row.id in chosen and published and row.surrogate is None:
                    name = (machine, item.experiment, row.row.id)
                    seeds[name] = max(seeds.get(name, 0), min(row.seeds, item.seeds or row.seeds))
    assert len(seeds) >= 130
    assert {name: count for name, count in seeds.items() if count < FEWEST} == {}
