"""The notebook for teaching: its cells run in order, and it is committed without outputs."""

import json
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "examples/verdicts.ipynb"


def cells(tag):
    return [cell for cell in json.loads(PATH.read_text())["cells"] if tag in cell["metadata"].get("tags", [])]


def test_it_has_three_exercises_with_solutions_and_no_outputs():
    assert len(cells("exercise")) == len(cells("solution")) == 3
    code = [cell for cell in json.loads(PATH.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
def test_it_runs_from_its_own_folder():
    """The solutions have assertions of their own; an error in a cell fails the test."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(PATH, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(PATH.parent)}}).execute()
    printed = "".join(output.get("text", "") for cell in book.cells for output in cell.get("outputs", []))
    assert "wrong: ['B']" in printed
    assert "with d = 1 point:" in printed
