"""The page on mirrors names each file of each dataset."""

from pathlib import Path

import pytest

from remixup.data.catalog.registry import REGISTRY

PAGE = Path("docs/mirrors.md").read_text(encoding="utf-8")
LINES = {tuple(line.split(" | ")[:2]): line for line in PAGE.splitlines() if line.startswith("| ")}


@pytest.mark.parametrize(
    ("dataset", "version"),
    [(name, each) for name, dataset in REGISTRY.items() for each in dataset.versions.values() if not each.embedded],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_file_of_a_version_is_named(dataset, version):
    line = LINES[f"| {dataset}", version.name]
    for files in version.in_mirror:
        for first, *_ in files:
            folder, _, name = first.rpartition("/") if not first.endswith("/") else ("", "", first)
            assert f"`{name}`" in line or f"`{first}`" in line, first
            assert folder in line


def test_the_page_names_no_dataset_that_is_gone():
    known = {(f"| {name}", each) for name, dataset in REGISTRY.items() for each in dataset.versions}
    assert set(LINES) - known == {("| dataset", "version")}
