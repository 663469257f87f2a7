"""Files that appear complete or not at all."""

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from remixup.files import disk_error, disk_problem, listed, publish, visible, write_atomically, write_text


def test_a_finished_folder_is_moved_and_replaces_the_old_one(tmp_path):
    # A copy could be seen half done; a folder that was moved is still the same one.
    (tmp_path / "made/deep").mkdir(parents=True)
    (tmp_path / "made/deep/file").write_text("new")
    (tmp_path / "final").mkdir()
    (tmp_path / "final/old").write_text("old")
    made = (tmp_path / "made").stat().st_ino
    publish(tmp_path / "made", tmp_path / "final")
    assert (tmp_path / "final").stat().st_ino == made
    assert [path.name for path in (tmp_path / "final").iterdir()] == ["deep"]
    assert not (tmp_path / "made").exists()


def test_an_error_leaves_the_old_content_and_no_temporary_file(tmp_path):
    target = tmp_path / "numbers.txt"
    for content in ("old", "new"):
        with write_atomically(target) as path:
            path.write_text(content)
            assert not target.exists() or target.read_text() == "old"

    def fail():
        with write_atomically(target) as path:
            path.write_text("newer")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_hidden_files_and_folders_are_left_out(tmp_path):
    for name in ("a/x.json", "a/._x.json", "a/.ipynb_checkpoints/x.json", ".b/x.json", "__MACOSX/a/x.json", "a/y.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a/.#y.json").symlink_to("nowhere")
    assert visible(tmp_path, "**/*.json") == [tmp_path / "a/x.json", tmp_path / "a/y.json"]
    assert visible(tmp_path / "a", "*") == [tmp_path / "a/x.json", tmp_path / "a/y.json"]
    assert visible(tmp_path / "nowhere", "*") == []
    assert listed(tmp_path / "a") == [tmp_path / "a/x.json", tmp_path / "a/y.json"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_flush_folders_will_do(code, tmp_path, monkeypatch):
    flush = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "new/numbers.txt", "1")
    assert (tmp_path / "new/numbers.txt").read_text() == "1"
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(code, "a file")))
    with pytest.raises(OSError, match="a file"):
        write_text(tmp_path / "new/numbers.txt", "2")


def test_a_folder_that_was_removed_is_made_again(tmp_path):
    for _ in range(2):
        write_text(tmp_path / "new/deep/numbers.txt", "1")
        shutil.rmtree(tmp_path / "new")


def test_an_error_of_the_disk_names_the_file_and_the_way_on(tmp_path):
    target = tmp_path / "numbers.txt"

    def fail():
        with write_atomically(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space") as raised:
        fail()
    assert str(disk_problem(raised.value)).startswith(f"{target}: no space left on device (free some space; ")
    assert disk_problem(FileNotFoundError(errno.ENOENT, "not there")) is None
    assert disk_problem(ValueError("1")) is None


def test_an_error_that_follows_one_of_the_disk_is_that_of_the_disk():
    full = OSError(errno.ENOSPC, "full")
    later, hidden = ValueError("a library's own"), ValueError("another one")
    later.__context__ = full
    hidden.__context__, hidden.__suppress_context__ = full, True
    assert disk_error(later) == errno.ENOSPC
    assert disk_error(hidden) == 0


def test_a_folder_that_cannot_be_listed_is_not_empty(tmp_path):
    assert listed(tmp_path / "missing") == []
    (tmp_path / "b").touch()
    (tmp_path / "a").touch()
    assert listed(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(NotADirectoryError):
        listed(tmp_path / "a")


def test_a_test_that_writes_into_the_working_copy_fails():
    with pytest.raises(AssertionError, match="a test writes into checkpoints"):
        write_text(Path("checkpoints/a-run/seeds-0-0.json"), "{}")
    assert not Path("checkpoints/a-run").exists()
