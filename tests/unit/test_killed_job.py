"""The manifest of a training job that was killed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from remixup.cli.pipeline import killed_job, train_ended
from remixup.config.settings import Config
from remixup.evaluation import storage
from remixup.planning.workflow import plan_workflow
from remixup.store.blocks import EvaluatedBlock
from remixup.store.manifest import JobManifest
from remixup.store.run_store import Store
from tests.unit.store.samples import provenance

LOG = Path("results/embedded/logs/job.log")


@pytest.fixture(scope="module")
def workflow():
    return plan_workflow(Config())


@pytest.fixture
def planned(workflow, monkeypatch, tmp_path):
    """A job with evaluations, and a store with all of its seeds."""
    monkeypatch.chdir(tmp_path)
    job = next(job for job in workflow.jobs.values() if 1 < len(job.runs) < 20 and job.evaluations)
    store = Store(Path("results"))
    for key, seeds in job.runs.items():
        spec = workflow.runs[key][0]
        for seed in range(seeds):
            store.publish(
                spec, [seed], [{"seed": seed, "epoch": 1, "train_loss": 1.0, "test_error": 5.0}], provenance()
            )

    def manifest():
        killed_job(workflow, job.key, 2, LOG)
        return JobManifest.read(workflow.config.job_manifest(job.key))

    evaluations = [workflow.evaluations[key] for key in job.evaluations]
    return SimpleNamespace(job=job, store=store, evaluations=evaluations, manifest=manifest)


def test_runs_that_lack_a_seed_have_failed(planned):
    lacking = list(planned.job.runs)[1]
    planned.store.files(lacking)[-1].unlink()
    manifest = planned.manifest()
    assert manifest.attempt == 2
    assert manifest.failed == {lacking: str(LOG)}
    assert manifest.runs.keys() == planned.job.runs.keys() - {lacking}
    assert all(len(blocks) == planned.job.runs[run] for run, blocks in manifest.runs.items())


def test_of_whole_runs_those_have_failed_whose_evaluations_are_unfinished(planned):
    *made, last = planned.evaluations
    for wanted in made:
        for block in planned.store.blocks(wanted.run):
            found = EvaluatedBlock(evaluation=wanted.part, runs=wanted.runs, block=block.digest, measured=[])
            found.write(storage.path(planned.store, wanted, block))
    manifest = planned.manifest()
    assert manifest.failed == dict.fromkeys(last.runs, str(LOG))
    assert manifest.runs.keys() == planned.job.runs.keys()


@pytest.mark.parametrize("status", [1, 2, 130, 143])
def test_a_job_that_was_not_killed_ends_with_its_own_status(status):
    """A mistake, a crash with a traceback, an interrupt, a canceled job: Snakemake is to see that it failed."""
    with pytest.raises(typer.Exit) as ended:
        train_ended(status, Path("no plan"), "job", LOG)
    assert ended.value.exit_code == status
