from pathlib import Path

import pytest
import torch

from remixup import files
from remixup.data import download, prepared

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_beside_tmp_path(monkeypatch):
    """Tests write nothing into the store or the data of this working copy."""
    make = files.make_folder

    def make_elsewhere(folder):
        assert not folder.resolve().is_relative_to(ROOT), f"a test writes into {folder}"
        make(folder)

    for module in (files, prepared, download):
        monkeypatch.setattr(module, "make_folder", make_elsewhere)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Bits depend on the number of threads; runs have one unless they say otherwise."""
    torch.set_num_threads(1)
