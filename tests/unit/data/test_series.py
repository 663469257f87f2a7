"""Series through `prepare`: in the units of the training part, from a mirror and from a server alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from remixup.data import prepare
from remixup.data.builders.series import standardized
from remixup.data.catalog.descriptor import File, Folder, Size, Version
from remixup.data.catalog.registry import lookup
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, Publisher
from tests.unit.data.edf_files import mmidb_eeg, sleep_edf
from tests.unit.data.series_files import apnea_ecg, har, packed, pamap2, ptb_xl


def test_channels_are_standardized_over_the_training_part() -> None:
    source = np.random.default_rng(0)
    train = source.normal([[3.0], [-1.0], [5.0]], [[2.0], [0.1], [0.0]], (50, 3, 40))
    built = standardized({"train": [(x, 0) for x in train], "test": [(x + 2, 1) for x in train[:5]]}, ("a", "b"))
    x, test = built.tensors["train_x"].astype(float), built.tensors["test_x"].astype(float)
    np.testing.assert_allclose(x[:, :2].mean((0, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(x[:, :2].std((0, 2)), 1, atol=1e-3)
    assert not x[:, 2].any()  # a channel that never changes
    np.testing.assert_allclose(test[:, 0] - x[:5, 0], 2 / train[:, 0].std(), atol=2e-3)
    assert built.tensors["test_x"].dtype == np.float16
    assert built.tensors["test_y"].tolist() == [1] * 5


SMALL = {
    "ptb-xl": (ptb_xl, Size((12, 1_000), 3, 1, 1)),
    "apnea-ecg": (apnea_ecg, Size((1, 6_000), 42, 14, 14)),
    "uci-har": (har, Size((9, 128), 4, 2, 4)),
    "sleep-edf": (sleep_edf, Size((2, 3_000), 129, 4, 4)),
    "mmidb-eeg": (mmidb_eeg, Size((64, 640), 4, 2, 2)),
    "pamap2": (pamap2, Size((27, 128), 15, 2, 2)),
}
NESTED = {"uci-har": "UCI HAR Dataset", "pamap2": "PAMAP2_Dataset"}
"""UCI packs an archive into its archive."""


@pytest.mark.parametrize("name", SMALL)
def test_from_the_publisher_and_from_a_mirror_alike(
    name: str, enter: Enter, publisher: Publisher, tmp_path: Path
) -> None:
    write, size = SMALL[name]
    dataset, published = lookup(name)
    assert published.archive is not None
    assert published.folder is not None
    assert published.archive.url is not None
    root = tmp_path / "mirror" / published.folder.mirror_path
    write(root)
    within = published.folder.packed_path
    if name in NESTED:
        inner = tmp_path / "outer" / f"{NESTED[name]}.zip"
        inner.parent.mkdir()
        inner.write_bytes(packed(root, NESTED[name]))
        content = packed(inner.parent, "")
    else:
        content = packed(root, within)
    served = published.archive.url.rpartition("/")[2]
    publisher.files = {served: content}
    folder = Folder(published.folder.mirror_path, packed_path=within)
    archive = File(served, url=f"{publisher.url}/{served}")
    enter(
        Version("one", published.builder, archive=archive, folder=folder),
        task="series",
        classes=dataset.classes,
        size=size,
    )
    mirrored = prepare("toy", folder=tmp_path / "a", mirror=tmp_path / "mirror")
    fetched = prepare("toy", folder=tmp_path / "b", download=True)
    ours, theirs = (load_file(each.parent / "tensors.safetensors") for each in (mirrored, fetched))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert ours["train_x"].shape == (size.train, *size.shape)
    for manifest in (mirrored, fetched):
        (source,) = json.loads(manifest.read_text())["sources"]
        assert len(source["sha256"]) == 64
    shutil.rmtree(root)
    with pytest.raises(UserError, match="has no"):
        prepare("toy", folder=tmp_path / "c", mirror=tmp_path / "mirror")


def test_other_numbers_of_series_than_stated_are_refused(enter: Enter, tmp_path: Path) -> None:
    har(tmp_path / "har")
    published = lookup("uci-har")[1]
    folder = Folder("har")
    enter(Version("one", published.builder, folder=folder), task="series", classes=6, size=Size((9, 128), 4, 2, 3))
    with pytest.raises(UserError, match=r"are \(4, 4, 2, 6\), not \(4, 3, 2, 6\)"):
        prepare("toy", folder=tmp_path / "a", mirror=tmp_path)


def test_another_har_in_a_mirror_is_refused(enter: Enter, tmp_path: Path) -> None:
    har(tmp_path / "har")
    published = lookup("uci-har")[1]
    assert published.folder is not None
    folder = Folder("har", published.folder.sha256)
    enter(Version("one", published.builder, folder=folder), task="series", classes=6, size=Size((9, 128), 4, 2, 4))
    with pytest.raises(UserError, match="these are not the expected files"):
        prepare("toy", folder=tmp_path / "a", mirror=tmp_path)
