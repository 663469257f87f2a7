"""The Python blocks of README and of the pages about mixing run as they are written, in order."""

import re
from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ["README", "docs/library", "docs/mixup", "docs/cutmix", "docs/k-mixup", "docs/dp-mix", "docs/time-series"]
ELSEWHERE = {"docs/theory"}
"""Executed by a test of its own, as are the how-to pages (`docs/adding-*`)."""


def blocks(page):
    return BLOCK.findall((ROOT / f"{page}.md").read_text())


def prepared():
    """What a page may assume: minibatches of ten classes, and a model for them."""
    torch.manual_seed(0)
    images, labels = torch.rand(32, 3, 8, 8), torch.arange(32) % 10
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10))
    dataset = TensorDataset(torch.rand(96, 3, 8, 8), torch.arange(96) % 10)
    names = {"images": images, "labels": labels, "loader": [(images, labels)], "model": model, "dataset": dataset}
    return {"__name__": "page", "torch": torch, **names}


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_in_order(page):
    names, found = prepared(), blocks(page)
    assert found
    for number, text in enumerate(found):
        exec(compile(text, f"{page}.md, block {number + 1}", "exec"), names)
    if "loss" in names:
        assert torch.isfinite(names["loss"])
    if "y" in names:  # class probabilities, or numbers
        assert names["y"].is_floating_point()


def test_every_page_with_python_is_executed_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    found = {str(path.relative_to(ROOT).with_suffix("")) for path in pages if BLOCK.search(path.read_text())}
    assert {page for page in found if not page.startswith("docs/adding-")} == {*PAGES, *ELSEWHERE}
