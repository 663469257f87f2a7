"""Results travel: clone, pull, restore, and nothing is to be done."""

import json
import os
import random
import shutil
import time

import jsonschema
import pytest

from tests.workflow.conftest import BIN, ROOT, SMALL, SURFACE, make_project

# A report from end to end, and then some: minutes.


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A project with a finished report, everything committed and pushed."""
    folder = tmp_path_factory.mktemp("origin")
    project = make_project(folder / "project", SMALL, SURFACE)
    project.git("init", "-q", "-b", "main")
    project.dvc("init", "-q")
    shutil.copytree(ROOT / ".dvc/plots", project.folder / ".dvc/plots")
    project.dvc("config", "core.analytics", "false")
    project.dvc("remote", "add", "-q", "-d", "local", str(folder / "remote"))
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "start")
    project.snakemake("--cores", "2")
    project.dvc("commit", "-f", "-q")
    project.dvc("push", "-q")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "report")
    return project


def clone(origin, folder):
    origin.run("git", "clone", "-q", origin.folder, folder)
    project = type(origin)(folder)
    project.dvc("pull", "-q")
    shuffle_times(folder)
    return project


def shuffle_times(folder):
    """File times in no useful order, as a checkout leaves them."""
    source, now = random.Random(1), time.time()
    for path in sorted(folder.rglob("*")):
        if ".git" not in path.parts and ".dvc" not in path.parts and path.is_file():
            moment = now - source.uniform(0, 10_000)
            os.utime(path, (moment, moment))


def test_a_restored_clone_has_nothing_to_do(origin, tmp_path):
    project = clone(origin, tmp_path / "clone")
    assert not (project.folder / ".snakemake").exists()
    before = project.blocks()
    project.remixup("restore", "--set", "data.download=false")
    assert "Nothing to be done" in project.snakemake("--cores", "2", "-n").stdout
    assert project.blocks().keys() == before.keys()
    assert "up to date" in project.dvc("repro").stdout
    rows = [SMALL["rows"][0], {**SMALL["rows"][1], "run": {"mixing": {"ratio": {"name": "beta", "alpha": 0.5}}}}]
    project.edit("small", rows=rows)
    restored = project.blocks()
    project.snakemake("--cores", "2", "results/embedded/experiments/small.json")
    after = project.blocks()
    assert {name: after[name] for name in restored} == restored
    added = set(after) - set(restored)
    assert len(added) == 1
    assert next(iter(added)).startswith("iris-mlp-mix-beta-0.5-")


def test_restoring_takes_the_options_of_every_command(origin, tmp_path):
    """Fails, tried out: where Snakemake gets no more than what was set, in its own form."""
    project = clone(origin, tmp_path / "clone")
    config = (project.folder / "config.yaml").read_text()
    (project.folder / "mine.yaml").write_text(config.replace("download: false", "download: true"))
    for options in (("--set", "data.download=true"), ("--config", "mine.yaml")):
        project.remixup("restore", *options)
    (project.folder / "Snakefile").write_text("raise ValueError('broken')\n")
    done = project.remixup("restore", check=False)
    assert done.returncode == 1
    assert "broken" in done.stderr


def test_restoring_refuses_what_was_changed_on_the_way(origin, tmp_path):
    project = clone(origin, tmp_path / "clone")
    history = next((project.folder / "results/runs").glob("*/seeds-*.json"))
    history.chmod(0o644)
    history.write_text(history.read_text().replace("1", "2"))
    done = project.remixup("restore", check=False)
    assert done.returncode == 1
    assert "differs from its digest" in done.stderr


def test_repro_after_a_report_is_up_to_date(origin):
    assert "up to date" in origin.dvc("repro").stdout
    assert "up to date" in origin.dvc("status").stdout
    shown = origin.dvc("metrics", "show").stdout
    assert "replicated" in shown
    assert max(map(len, shown.splitlines())) <= 160  # a table of one line, not of a thousand columns


def test_what_a_killed_process_left_is_no_output(origin, tmp_path):
    """Fails, tried out: without the patterns in .dvcignore and .gitignore."""
    project = clone(origin, tmp_path / "clone")
    project.dvc("commit", "-f", "-q")
    for place in ("results/runs/.a.json.1.part", "results/evaluations/.a.json.1.part", "checkpoints/.b.1.part"):
        (project.folder / place).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / place).write_text("half")
    for place in ("data/prepared/.iris.part", "records/.c.json.1.part"):
        (project.folder / place).write_text("half")
    assert "up to date" in project.dvc("status").stdout
    assert project.git("status", "--porcelain").stdout == ""


def test_metrics_and_plots_show_what_a_changed_row_changes(origin, tmp_path):
    """Fails, tried out: without `metrics` of the last stage of dvc.yaml, and without the template of the plot."""
    project = clone(origin, tmp_path / "clone")
    project.remixup("restore")
    run = {**SMALL["rows"][1]["run"], "optimizer": {"name": "adam", "lr": 0.1}}
    project.edit("small", rows=[SMALL["rows"][0], {**SMALL["rows"][1], "run": run}])
    before = project.json("results/embedded/means.json")["small"]
    project.snakemake("--cores", "2", "results/embedded/replication.json")
    after = project.json("results/embedded/means.json")["small"]
    assert before["erm"] == after["erm"]
    assert before["mixup"] != after["mixup"]
    difference = ("metrics", "diff", "--targets", "results/embedded/means.json")
    (changes,) = json.loads(project.dvc(*difference, "--json").stdout).values()
    old, new = before["mixup"]["test_error.last"], after["mixup"]["test_error.last"]
    assert changes == {"small.mixup.test_error.last": {"old": old, "new": new, "diff": pytest.approx(new - old)}}
    for command, revisions in ((("show",), {"workspace"}), (("diff", "HEAD"), {"workspace", "HEAD"})):
        shown = json.loads(project.dvc("plots", *command, "--json").stdout)["data"]["test error by epoch"]
        points = shown[0]["content"]["data"]["values"]
        assert {point["rev"] for point in points} == revisions
        assert shown[0]["content"]["encoding"]["facet"]["field"] == "run"  # each row has a panel of its own
        assert shown[0]["content"]["resolve"]["scale"]["x"] == "independent"  # and an axis of its own
    curves = {}
    for point in points:
        curves.setdefault((point["experiment"], point["row"], point["rev"]), []).append(point["test_error"])
    assert {len(curve) for curve in curves.values()} == {3}
    assert len(curves) == 6
    assert curves["small", "erm", "HEAD"] == curves["small", "erm", "workspace"]
    assert curves["small", "mixup", "HEAD"] != curves["small", "mixup", "workspace"]
    assert curves["small", "mixup", "workspace"][-1] == new


def test_the_pipeline_alone_makes_the_report_and_is_then_up_to_date(origin, tmp_path):
    """From a clone without data, with folders and experiments of its own: no stage undoes another."""
    origin.run("git", "clone", "-q", origin.folder, tmp_path / "clone")
    project = type(origin)(tmp_path / "clone")
    (project.folder / ".venv").symlink_to(BIN.parent)
    config = project.folder / "config.yaml"
    changes = {"results: results": "results: my results", "experiments: all": "experiments: [small]"}
    for old, new in {**changes, "  folder: data": "  folder: material"}.items():
        assert config.read_text().count(f"\n{old}\n") == 1
        config.write_text(config.read_text().replace(f"\n{old}\n", f"\n{new}\n"))
    project.dvc("repro")
    assert (project.folder / "my results/embedded/supplement.pdf").exists()
    assert (project.folder / "material/prepared/iris-scikit-learn/manifest.json").exists()
    assert not (project.folder / "results").exists()
    assert "up to date" in project.dvc("repro").stdout


def test_the_results_have_the_shape_of_the_committed_schema(origin):
    schema = json.loads((ROOT / "src/remixup/analysis/replication.schema.json").read_text())
    whole = origin.json("results/embedded/replication.json")
    jsonschema.validate(whole, schema)
    assert [entry["row"] for entry in whole["entries"]] == ["erm", "mixup", "erm"]
    assert whole["code"]["dirty"] is False
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**whole, "scale": "tiny"}, schema)


def test_everything_works_from_a_bare_shell(origin, tmp_path):
    """PATH holds the system alone; the environment is found beside the project, as after `make`."""
    project = clone(origin, tmp_path / "clone")
    (project.folder / ".venv").symlink_to(BIN.parent)
    for name in ("results/embedded/supplement.pdf", "results/embedded/replication.json"):
        (project.folder / name).unlink(missing_ok=True)

    def run(*command):
        project.run("env", "-i", "PATH=/usr/bin:/bin", f"HOME={tmp_path}", *command)

    run("PYTHONPATH=src", ".venv/bin/remixup", "restore")  # an environment that was made for this folder needs no such
    run(".venv/bin/snakemake", "--cores", "8", "--resources", "gpu=4")
    assert (project.folder / "results/embedded/supplement.pdf").stat().st_size > 10_000
    (project.folder / "results/embedded/experiments/small.json").unlink()
    run(".venv/bin/dvc", "repro")
    assert (project.folder / "results/embedded/experiments/small.json").exists()
