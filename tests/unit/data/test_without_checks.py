"""Each check of data is what finds the damage: with it taken out the same damage goes through unseen."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remixup.data import load, prepare, prepared, sources
from remixup.data.builders import archives, cifar
from remixup.data.builders.archives import BadContentError
from remixup.data.catalog.registry import File
from remixup.errors import UserError
from tests.unit.data.conftest import PULSARS, Enter, Publisher, pulsars

Use = Callable[[], Any]


def flipped_tensor(folder: Path) -> Use:
    tensors = prepare("blob-and-ring", folder=folder).with_name("tensors.safetensors")
    content = tensors.read_bytes()
    tensors.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return lambda: load("blob-and-ring", folder=folder)


def climbing_member(folder: Path) -> Use:
    with tarfile.open(folder / "packed.tar", "w") as packed:
        for name in ("within/../x.data", "within/y.data"):
            member = tarfile.TarInfo(name)
            member.size = 4
            packed.addfile(member, io.BytesIO(b"evil"))
    return lambda: archives.extract_folder(folder / "packed.tar", "within", folder / "deep" / "out")


class Runs:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def pickled_program(folder: Path) -> Use:
    (folder / "meta").write_bytes(pickle.dumps({b"x": Runs(folder / "ran")}, protocol=2))
    return lambda: cifar._unpickled(folder / "meta")


@pytest.mark.parametrize(
    ("damage", "check", "without", "error"),
    [
        (flipped_tensor, (prepared, "_fault"), lambda *_: None, UserError),
        (climbing_member, (archives, "_refuse_climbing"), lambda _: None, BadContentError),
        (pickled_program, (cifar, "_PlainUnpickler"), pickle.Unpickler, UserError),
    ],
)
def test_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], Use], check: Any, without: Any, error: Any
) -> None:
    use = damage(tmp_path)
    with pytest.raises(error):
        use()
    assert not (tmp_path / "deep" / "x.data").exists()
    assert not (tmp_path / "ran").exists()
    monkeypatch.setattr(*check, without)
    use()
    if damage is climbing_member:
        assert (tmp_path / "deep" / "x.data").read_bytes() == b"evil"
    if damage is pickled_program:
        assert (tmp_path / "ran").is_dir()


WRONG = PULSARS.replace("80.25", "80.26")


@pytest.mark.parametrize("way", ["mirror", "download"])
def test_a_file_with_one_other_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enter: Enter, publisher: Publisher, mirror: Path, way: str
) -> None:
    if way == "download":
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as packed:
            member = tarfile.TarInfo("HTRU_2.csv")
            member.size = len(WRONG)
            packed.addfile(member, io.BytesIO(WRONG.encode()))
        publisher.files["toy.tar"] = archive.getvalue()
        known = hashlib.sha256(b"the archive that was published").hexdigest()
        enter(pulsars(archive=File("toy.tar", sha256=known, url=f"{publisher.url}/toy.tar"), mirror_path=None))
        given: dict[str, Any] = {"download": True}
    else:
        (mirror / "toy" / "HTRU_2.csv").write_text(WRONG)
        enter()
        given = {"mirror": mirror}
    with pytest.raises(UserError):
        prepare("toy", folder=tmp_path / "data", **given)
    monkeypatch.setattr(sources, "mismatch", lambda *_: None)
    prepare("toy", folder=tmp_path / "data", **given)
    found = load("toy", folder=tmp_path / "data").tensors["x"]
    assert found[1, 7] == pytest.approx(80.26)
