"""Files that appear complete or not at all."""

import pytest

from remixup.files import publish, visible, write_atomically


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
