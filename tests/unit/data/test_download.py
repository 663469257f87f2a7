"""Downloads from a server on this machine that cuts connections, refuses requests and sends wrong files."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from remixup.data.download import fetch
from remixup.errors import UserError
from tests.unit.data.conftest import Publisher

CONTENT = bytes(range(256)) * 4000


def fault(path: Path) -> str | None:
    return None if path.read_bytes() == CONTENT else f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture
def target(tmp_path: Path, publisher: Publisher) -> Path:
    publisher.files["set.bin"] = CONTENT
    return tmp_path / "raw" / "set.bin"


def test_a_whole_file_arrives_and_nothing_else_is_left(publisher: Publisher, target: Path) -> None:
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT
    assert os.listdir(target.parent) == ["set.bin"]
    assert publisher.asked == [None]


def test_a_cut_connection_is_taken_up_where_it_ended(publisher: Publisher, target: Path) -> None:
    publisher.cuts = [100_000, 200_001]
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT
    assert publisher.asked == [None, "bytes=100000-", "bytes=300001-"]


def test_a_server_without_ranges_starts_over(publisher: Publisher, target: Path) -> None:
    publisher.ranges = False
    publisher.cuts = [100_000]
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT
    assert publisher.asked == [None, "bytes=100000-"]


def test_after_four_cut_connections_it_gives_up_and_a_later_call_goes_on(publisher: Publisher, target: Path) -> None:
    publisher.cuts = [10, 10, 10, 10]
    with pytest.raises(UserError, match=r"ended after 40 of 1,024,000 bytes.*run the command again to resume"):
        fetch(f"{publisher.url}/set.bin", target, fault)
    assert not target.exists()
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT
    assert publisher.asked[-1] == "bytes=40-"


@pytest.mark.parametrize("more", [b"", b"more"])
def test_a_part_that_is_not_shorter_than_the_file_is_dropped(publisher: Publisher, target: Path, more: bytes) -> None:
    target.parent.mkdir()
    Path(f"{target}.part").write_bytes(CONTENT + more)
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT


def test_a_part_of_another_file_costs_one_more_download(publisher: Publisher, target: Path) -> None:
    target.parent.mkdir()
    Path(f"{target}.part").write_bytes(b"x" * 1000)
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT
    assert publisher.asked == ["bytes=1000-", None]


def test_a_wrong_file_is_refused_and_removed(publisher: Publisher, target: Path) -> None:
    publisher.files["set.bin"] = b"not it"
    with pytest.raises(UserError, match=rf"not the expected one: sha256 {hashlib.sha256(b'not it').hexdigest()}"):
        fetch(f"{publisher.url}/set.bin", target, fault)
    assert os.listdir(target.parent) == []


def test_a_missing_file_is_reported_at_once(publisher: Publisher, target: Path) -> None:
    with pytest.raises(UserError, match=r"/gone\.bin: the server answers 404 Not Found"):
        fetch(f"{publisher.url}/gone.bin", target, fault)
    assert publisher.asked == [None]


def test_a_passing_fault_of_the_server_is_tried_again(publisher: Publisher, target: Path) -> None:
    publisher.answers = [503, 429]
    fetch(f"{publisher.url}/set.bin", target, fault)
    assert target.read_bytes() == CONTENT


def test_no_server(publisher: Publisher, target: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be downloaded: .*refused.*data\.mirror"):
        fetch("http://127.0.0.1:1/set.bin", target, fault)


def test_a_full_disk_names_the_folder_and_the_bytes(publisher: Publisher, target: Path) -> None:
    target.parent.mkdir()
    Path(f"{target}.part").symlink_to("/dev/full")  # the kernel itself says ENOSPC
    with pytest.raises(UserError, match=r"no space left on device") as raised:
        fetch(f"{publisher.url}/set.bin", target, fault)
    assert raised.value.where == str(target.parent)
    assert raised.value.what.startswith("cannot write 1,024,000 bytes")
    assert not target.exists()


def test_progress_is_shown_on_a_terminal_only(
    publisher: Publisher, target: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(f"{publisher.url}/set.bin", target, fault, progress=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    target.unlink()
    fetch(f"{publisher.url}/set.bin", target, fault, progress=True)
    assert "set.bin" in capsys.readouterr().err
