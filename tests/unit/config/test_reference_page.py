"""The page about experiment files names every key of a run."""

import re
from pathlib import Path

import pytest

from remixup.config.run import Dataset, Execution, Mixing, RunSpec

PAGE = Path(__file__).parents[3] / "docs" / "reference-experiment-file.md"


@pytest.mark.parametrize("model", [RunSpec, Dataset, Mixing, Execution])
def test_the_page_names_every_key(model):
    section = PAGE.read_text().split("\n## Run\n")[1].split("\n## Rows\n")[0]
    assert set(model.model_fields) <= set(re.findall(r"`(\w+)`", section))
