"""What is trained when something changes: exactly that."""

import os
import re
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.workflow.conftest import CONVOLUTIONAL, JOINT, SMALL, at_work_in, make_project, wait_for

MIXUP = {"ratio": {"name": "beta", "alpha": 0.5}}


def trained(project, action):
    """The blocks that an action adds to the store; it must leave all others as they are."""
    before = project.blocks()
    action()
    after = project.blocks()
    assert {name: after[name] for name in before} == before
    return sorted(set(after) - set(before))


def test_a_run_of_the_workflow_trains_every_run(project):
    project.snakemake("--cores", "2", "runs")
    assert [name.split("/")[1] for name in project.blocks()] == ["seeds-0-2", "seeds-0-2"]


def test_a_changed_row_trains_its_own_runs(project):
    def runs():
        project.snakemake("--cores", "2", "runs")

    runs()
    assert trained(project, runs) == []
    rows = [SMALL["rows"][0], {**SMALL["rows"][1], "run": {"mixing": MIXUP}}]
    project.edit("small", rows=rows)
    assert [name[:24] for name in trained(project, runs)] == ["iris-mlp-mix-beta-0.5-" + trained_hash(project)]


def trained_hash(project):
    """The first digits of the hash that the changed row leads to, from the plan and not from the store."""
    from remixup.config.experiment import read_experiment
    from remixup.config.settings import Config
    from remixup.planning.plan import plan_experiment

    path = project.folder / "experiments/mixup/small.yaml"
    plan = plan_experiment(path, read_experiment(path), Config(), "embedded")
    return plan.rows[1].run.digest()[:2]


@pytest.mark.parametrize("scale", ["embedded", "reduced-cpu"])
def test_what_reads_runs_of_one_job_is_measured_in_it_and_what_reads_two_after_both(scale, tmp_path):
    project = make_project(tmp_path / "p", JOINT)
    project.snakemake("--cores", "2", "runs", "--config", f"scale={scale}")
    home = project.folder / "results"
    (measured,) = [path for path in home.glob("evaluations/attack-*/*") if path.name == "seeds-0-0.json"]
    listed = {path: set(project.json(path)["evaluations"]) for path in home.glob(f"{scale}/manifests/*.json")}
    (holder,) = [path.stem for path, files in listed.items() if str(measured.relative_to(project.folder)) in files]
    assert holder.startswith("joint-evaluations-") == (scale != "embedded")
    assert len(listed) == (1 if scale == "embedded" else 3)


def test_a_new_row_is_one_edit(project):
    project.snakemake("--cores", "2", "runs")
    row = {"id": "weaker", "label": "weaker", "run": {"mixing": MIXUP}}

    def add():
        project.edit("small", rows=[*SMALL["rows"], row])
        project.snakemake("--cores", "2", "results/embedded/experiments/small.json")

    assert len(trained(project, add)) == 1
    entries = project.json("results/embedded/experiments/small.json")["entries"]
    assert [entry["row"] for entry in entries] == ["erm", "mixup", "weaker"]
    assert entries[2]["replicated"]["n"] == 3


def test_five_seeds_after_three_train_two(tmp_path):
    project = make_project(tmp_path / "p", SMALL, CONVOLUTIONAL)
    project.snakemake("--cores", "2", "runs")

    def five():
        for name in ("small", "convolutional"):
            project.edit(name, seeds=5)
        project.snakemake("--cores", "2", "runs")

    added = trained(project, five)
    assert sorted(name.split("/")[1] for name in added if "mlp" in name) == ["seeds-3-4"] * 2
    assert sorted(name.split("/")[1] for name in added if "resnet" in name) == ["seeds-3-3"] * 2 + ["seeds-4-4"] * 2


def test_reading_changes_no_training(project):
    """A new tolerance, caption or claim decides anew on the same runs."""
    project.snakemake("--cores", "2", "results/embedded/experiments/small.json")

    def decide():
        claim = {
            "id": "lower",
            "statement": "s",
            "where": "w",
            "metric": "test_error.last",
            "compare": [{"baseline": "erm", "treatment": "mixup"}],
            "smallest_effect": 0.5,
        }
        project.edit("small", claims=[claim])
        project.snakemake("--cores", "2", "results/embedded/experiments/small.json")

    assert trained(project, decide) == []
    assert project.json("results/embedded/experiments/small.json")["claims"][0]["n"] == 3


def test_another_way_to_decide_decides_anew(project):
    """Fails, tried out: without the sources among the inputs of what collects."""
    target = "results/embedded/experiments/small.json"
    project.snakemake("--cores", "2", target)
    path = project.folder / "src/remixup/analysis/verdicts.py"
    path.write_text(path.read_text() + "# decided otherwise\n")
    assert to_do(project.snakemake("-n", target).stdout) == ["collect"]


def to_do(said):
    """The rules that a dry run would carry out."""
    return sorted(set(re.findall(r"^(?:local)?rule (\w+):", said, re.MULTILINE)))


def test_another_folder_of_results_is_filled_and_the_data_stays(project):
    """Fails, tried out: with the plan among the parameters of what prepares data. Then data alone is made."""
    project.snakemake("--cores", "2", "runs")
    said = project.snakemake("-n", "--config", "results=elsewhere", "--", "elsewhere/embedded/replication.json").stdout
    assert to_do(said) == ["collect", "records", "train"]


def test_other_resources_leave_nothing_to_do(tmp_path):
    """Fails, tried out: with a parameter of `train` that follows from the number of GPUs and the job alone."""
    split = {**CONVOLUTIONAL, "seeds": 1, "run": {**CONVOLUTIONAL["run"], "micro_batch": 32}}
    project = make_project(tmp_path / "p", split)
    target = "results/reduced/experiments/convolutional.json"
    command = ("--cores", "2", target, "--config", "scale=reduced", "--resources")
    project.snakemake(*command, "gpu=1")
    assert "Nothing to be done" in project.snakemake(*command, "gpu=2", "-n").stdout


def test_a_result_that_was_removed_is_made_again(project):
    """Fails, tried out: with the results of the experiments and replication.json alone among what is asked for."""
    project.snakemake("--cores", "2")
    home = project.folder / "results/embedded"
    assert "Nothing to be done" in project.snakemake("-n").stdout
    for name in ("replication", "metrics", "means", "curves"):
        path = home / f"{name}.json"
        aside = path.rename(home / "aside")
        assert "collect" in to_do(project.snakemake("-n").stdout), name
        aside.rename(path)
    assert "Nothing to be done" in project.snakemake("-n").stdout


def test_a_document_stays_until_there_is_a_new_one(project):
    """Fails, tried out: without one of the two functions, and without the line that forgets what Snakemake noted."""
    project.snakemake("--cores", "2")
    home = project.folder / "results/embedded"
    made = {name: (home / name).read_bytes() for name in ("article.pdf", "supplement.pdf", "results.html")}

    def read():
        return {name: (home / name).read_bytes() for name in made if (home / name).exists()}

    sources = [project.folder / "paper" / name for name in ("preamble.tex", "templates/results.html")]
    texts = {path: path.read_text() for path in sources}
    for (path, text), mistake in zip(texts.items(), ("\\oops\n", "{% oops %}\n"), strict=True):
        path.write_text(mistake + text)
    assert project.snakemake("--cores", "2", check=False).returncode == 1
    assert read() == made
    assert to_do(project.snakemake("-n").stdout) == ["all", "article", "page", "supplement"]
    for path, text in texts.items():
        path.write_text(text)
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    wait_for(lambda: any(words[2:3] == ["supplement"] for words in at_work_in(project).values()))
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() != 0
    assert read() == made
    assert "supplement" in to_do(project.snakemake("-n").stdout)
    project.snakemake("--cores", "2")
    assert read() == made
    assert (home / "supplement.pdf").stat().st_mtime > 1
