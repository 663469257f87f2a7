"""The steps of the how-to pages, carried out as they are written, in a copy of the project."""

import shlex

import numpy as np
import pytest

from remixup.data.catalog.descriptor import RawFiles
from tests.pages import edit, read_steps
from tests.workflow.conftest import BIN, ROOT

UCI = "experiments/mixup/uci.yaml"
FILES = {
    "adding-a-row": {UCI},
    "adding-a-dataset": {"src/remixup/data/synthetic/two_spirals.py", "tests/unit/data/test_two_spirals.py", UCI},
    "adding-a-model": {"src/remixup/models/tanh_net.py", "tests/unit/models/test_tanh_net.py", UCI},
    "adding-an-evaluation": {
        "src/remixup/evaluation/confidence.py",
        "tests/unit/evaluation/test_confidence.py",
        UCI,
    },
}
"""The files that a contributor writes: the module, its test and an experiment file."""


@pytest.mark.parametrize("page", FILES)
def test_a_page_changes_a_module_its_test_and_an_experiment_file(page):
    steps = read_steps((ROOT / f"docs/{page}.md").read_text())
    assert {step.file for step in steps if step.action not in ("run", "example")} == FILES[page]


def test_the_example_of_a_dataset_with_files(tmp_path):
    """Its builder reads a file like the published one, and a mirror can have it."""
    steps = read_steps((ROOT / "docs/adding-a-dataset.md").read_text())
    (text,) = [step.text for step in steps if step.action == "example"]
    names = {}
    exec(compile(text, "adding-a-dataset.md", "exec"), names)
    (dataset,) = names["DATASETS"]
    (version,) = dataset.versions.values()
    assert version.downloadable
    assert version.in_mirror == ((("uci/seeds/seeds_dataset.txt",),),)
    file = tmp_path / "seeds_dataset.txt"
    np.savetxt(file, [[*range(7), row // 70 + 1] for row in range(210)])
    arrays = version.builder(RawFiles({file.name: file}, tmp_path, tmp_path))
    assert arrays.tensors["x"].shape == (dataset.size.train, *dataset.size.shape)
    assert np.bincount(arrays.tensors["y"]).tolist() == [70, 70, 70]


@pytest.mark.parametrize("page", FILES)
def test_the_steps_of_a_page_work(whole_project, page):
    environment = {"PYTHONPATH": f"{whole_project.folder / 'src'}:{whole_project.folder}"}
    for step in read_steps((ROOT / f"docs/{page}.md").read_text()):
        if step.action != "run":
            edit(whole_project.folder, step)
            continue
        for line in step.text.splitlines():
            words = shlex.split(line)
            extra = ["-o", ".venv/.ready"] if words[0] == "make" else []
            whole_project.run(*words, *extra, env=environment)
    python = [name for name in FILES[page] if name.endswith(".py")]
    if python:
        whole_project.run(BIN / "ruff", "check", *python)
