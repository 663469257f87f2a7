"""`remixup list`, and what `remixup train` says where there is nothing to train."""

import pytest

from remixup import __version__
from tests.workflow.conftest import SMALL, call


@pytest.fixture
def two(here):
    """A project with an experiment whose data is not available."""
    run = {**SMALL["run"], "dataset": {"name": "abalone", "version": "uci"}}
    here.write({**SMALL, "id": "lacking", "run": run})


def listed(what):
    lines = call("list", what).stdout.splitlines()[1:]
    return [line.split() for line in lines]


def test_experiments_and_rows_are_listed_with_what_is_available(two):
    assert {line[0]: line[1:3] for line in listed("experiments")} == {"small": ["2", "2"], "lacking": ["2", "0"]}
    lines = {tuple(line[:2]): line for line in listed("rows")}
    assert set(lines) == {(name, row) for name in ("small", "lacking") for row in ("erm", "mixup")}
    assert lines["small", "erm"][2:] == ["3", "iris", "(scikit-learn)", "available", "paper"]
    assert lines["lacking", "erm"][5:7] == ["not", "available"]


def test_datasets_and_methods_are_listed(here):
    datasets = {tuple(line[:2]): " ".join(line[4:]) for line in listed("datasets")}
    assert datasets["iris", "scikit-learn"] == "comes with the program"
    assert datasets["abalone", "uci"] == "data.download or a mirror"
    assert ["ratio", "beta", "alpha"] in [line[:3] for line in listed("methods")]


def test_what_cannot_be_listed_is_told_what_can(here):
    done = call("list", "row")
    assert done.returncode == 2
    assert "rows" in done.stderr


def test_the_version(project):
    assert project.remixup("--version").stdout == f"remixup {__version__}\n"


def test_the_catalog_of_snakemake_starts_the_same_workflow(project):
    said = project.snakemake("--snakefile", "workflow/Snakefile", "--summary").stdout.splitlines()
    assert set(said) == set(project.snakemake("--summary").stdout.splitlines())
    assert any("results/embedded/supplement.pdf" in line for line in said)


def test_training_without_data_is_a_message(two):
    done = call("train", "lacking")
    assert done.returncode == 2
    assert "lacking, scale embedded: these data are not available: abalone (uci)" in done.stderr


def test_training_again_says_that_there_is_nothing_to_do(project):
    project.remixup("prepare", "iris", "--version", "scikit-learn")
    first = project.remixup("train", "small").stdout
    assert "nothing to train" not in first
    assert (project.folder / "results/embedded/logs/train-small.log").read_text().count("epoch 3/3") == 2
    again = project.remixup("train", "small").stdout
    assert again == "nothing to train: all seeds of 2 runs are stored in results/runs\n"
    project.remixup("export", "small", "--csv", "histories.csv")
    lines = (project.folder / "histories.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 3 * 3  # rows, seeds, epochs
    assert [line.split(",")[4:6] for line in lines[1:5]] == [["0", "1"], ["0", "2"], ["0", "3"], ["1", "1"]]
