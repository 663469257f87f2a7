"""`make read`: the documents from the records alone, where torch is not installed."""

import json
import shutil
import sys

import pytest

from tests.workflow.conftest import ROOT, make_project

WITHOUT_TORCH = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "opacus", "sklearn", "dvc", "snakemake"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
from remixup.cli import main
main()
"""


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """The folder with what `remixup read` makes of three experiments of this repository."""
    project = make_project(tmp_path_factory.mktemp("read") / "project")
    for name in ("experiments", "protocols", "records"):
        shutil.copytree(ROOT / name, project.folder / name, dirs_exist_ok=True)
    asked = ["--set", "experiments=[toy, patches, remarks]"]
    done = project.run(sys.executable, "-c", WITHOUT_TORCH, "read", *asked)
    assert "results/read/embedded/supplement.pdf" in done.stdout.split()
    assert not (project.folder / "results/embedded").exists()
    return project.folder / "results/read/embedded"


def recorded(folder, run, name):
    """Read a file of the records as it is."""
    return json.loads((ROOT / "records" / folder / run / name).read_text())


def test_numbers_are_those_on_record(documents):
    whole = json.loads((documents / "replication.json").read_text())
    found = {(each["experiment"], each["row"], each["metric"]): each for each in whole["entries"]}
    block = recorded("runs", "blob-and-ring-mlp-mix-beta-1.0-1229a11b", "seeds-0-4.json")
    entry = found["toy", "mixup", "test_error.last"]
    assert (entry["scale"], entry["surrogate"]) == ("paper", None)
    assert entry["replicated"]["values"] == block["values"]["test_error.last"]
    # A smoke test of the embedded scale is not on record.
    assert found["remarks", "one-loader", "test_error.median10"]["replicated"] is None


def test_pictures_are_those_on_record(documents):
    drawn = json.loads((documents / "experiments/toy.json").read_text())["evaluations"]["mixup"]["decision_surface"]
    (file,) = (
        path
        for path in (ROOT / "records/evaluations").glob("decision_surface-*/seeds-0-4.json")
        if "blob-and-ring-mlp-mix-beta-1.0-1229a11b" in json.loads(path.read_text())["runs"]
    )
    assert drawn == json.loads(file.read_text())["measured"]
    assert [each["seed"] for each in drawn] == [0]


def test_the_supplement_is_typeset(documents):
    assert (documents / "supplement.pdf").read_bytes().startswith(b"%PDF")
