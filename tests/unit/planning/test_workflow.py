"""plan.json: what is planned is what jobs read; and the jobs of the committed experiments."""

import json

import pytest

from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.planning.plan import needs_weights
from remixup.planning.workflow import plan_workflow, read_workflow


@pytest.fixture(scope="module")
def planned():
    return plan_workflow(Config())


def test_jobs_read_the_plan_that_was_written(planned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = planned.write()
    assert path.as_posix() == "results/embedded/plan.json"
    assert read_workflow(path) == planned
    assert [row["key"] for row in json.loads(path.read_text())["experiments"]["uci"]["rows"]] == [
        row.key for row in planned.plan("uci").rows
    ]


def test_a_job_reads_its_own_experiments_and_finds_all_that_it_makes(planned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = planned.write()
    for key, job in planned.jobs.items():
        found = read_workflow(path, job=key)
        assert [plan.experiment.id for plan in found.plans] == job.experiments
        assert {run: found.runs[run][1] for run in job.runs} == job.runs
        assert {each: found.evaluations[each].seeds for each in job.evaluations} == job.evaluations


def test_the_plan_is_written_where_it_changes_alone(planned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = planned.write()
    first = path.stat().st_ino
    planned.write()
    assert path.stat().st_ino == first
    for damaged in (b"half of i", b"\xff"):
        path.write_bytes(damaged)
        planned.write()
        assert read_workflow(path) == planned
    assert [each.name for each in path.parent.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("content", "job", "expected"),
    [
        (None, None, "plan.json: no such file"),
        ("{", None, "plan.json: not a plan"),
        ('{"config": {}}', None, "plan.json: not a plan"),
        ('{"config": {}, "jobs": {}, "experiments": {}}', "uci-1", "--job: unknown job 'uci-1'"),
    ],
)
def test_what_is_no_plan_is_named(tmp_path, content, job, expected):
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=expected):
        read_workflow(path, job=job)


def test_the_embedded_report_is_few_jobs_and_each_run_and_evaluation_is_in_one(planned):
    jobs = planned.jobs.values()
    assert len(jobs) <= 24
    assert sorted(run for job in jobs for run in job.runs) == sorted(planned.runs)
    assert sorted(each for job in jobs for each in job.evaluations) == sorted(planned.evaluations)
    with_weights = {run for job in jobs for run in job.weights}
    assert with_weights == {run for each in planned.evaluations.values() if needs_weights(each) for run in each.runs}


def test_an_embedded_surrogate_is_a_smoke_test(planned):
    """Smoke tests have one seed. GANs have more, as do privacy accounting and the attacker in a black box."""
    more_seeds = set()
    for plan in planned.plans:
        for row in plan.rows:
            if row.surrogate and not (row.seeds == 1 and "smoke test" in row.surrogate):
                more_seeds.add((plan.experiment.id, row.row.id))
    gans = {("gan", f"{toy}-{method}") for toy in ("ring", "grid") for method in ("erm", "mixup", "demo")}
    accounting = {("dp-mix", row) for row in ("naive-noise-of-dp-sgd", "moved-views", "moved-self", "moved-diff")}
    assert more_seeds == gans | accounting | {("adversarial", "clean-erm")}
