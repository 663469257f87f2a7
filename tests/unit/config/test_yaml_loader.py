"""Mistakes that a user's YAML file can contain: one message each, with file and line."""

import pytest

from remixup.config.yaml_loader import parse_yaml, read_yaml
from remixup.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: a\nid: b\n", r"line 2: .*duplicate key 'id'"),
        ("rows:\n  - {id: a, id: b}\n", r"line 2: .*duplicate key 'id'"),
        ("title: x\n3: y\n", r"line 2: .*key 3 is not text"),
        ("yes: x\n", r"line 1: .*key True is not text"),
        ("rows: [\n", r"not readable as YAML"),
        ("id: a\n\trows: []\n", r"line 2: not readable as YAML"),
        ("rows: *nowhere\n", r"line 1: not readable as YAML: .*undefined alias"),
        ("title: !!python/object/apply:os.system [touch pwned]\n", r"line 1: .*could not determine a constructor"),
        ("title: !unknown x\n", r"line 1: .*could not determine a constructor"),
        ("date: 2018-99-99\n", r"not readable as YAML: month must be in 1..12"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path, text, expected):
    path = tmp_path / "mistake.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=expected) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()


def test_aliases_are_read():
    assert parse_yaml("a: &a {x: [1]}\nb: [*a, *a]\n", "text") == {"a": {"x": [1]}, "b": [{"x": [1]}] * 2}


def test_a_missing_file_a_folder_and_another_encoding(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml: no such file"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("title: café".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.yaml: .*utf-8.*save it as UTF-8"):
        read_yaml(tmp_path / "latin.yaml")
