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
        ("true: x\n", r"line 1: .*key True is not text"),
        ("rows: [\n", r"not readable as YAML"),
        ("id: a\n\trows: []\n", r"line 2: not readable as YAML"),
        ("rows: *nowhere\n", r"line 1: not readable as YAML: .*undefined alias"),
        (
            "title: !!python/object/apply:os.system [touch pwned]\n",
            r"line 1: .*tag !!python/object/apply:os",
        ),
        ("title: !unknown x\n", r"line 1: .*the tag !unknown is not supported"),
        ("title: !!timestamp 2018-99-99\n", r"line 1: .*the tag !!timestamp is not supported"),
        ("id: a\nepochs: !!int 010\n", r"line 2: .*'010' is not of the type of its tag"),
        ("id: a\nepochs: !!int [1]\n", r"line 2: .*not of the type of its tag"),
        ("id: a\ntitle: a\x07b\n", r"line 2: .*control characters are not allowed"),
        ("id: a\ntitle: a\u2028b\n", r"line 2: .*unusual line break"),
        ("id: a\nrows: &rows [*rows]\n", r"line 2: .*recursive"),
        ("id: a\nrows: " + "[" * 100 + "]" * 100, r"line 2: .*nested more than 100 levels deep"),
        *((f"rows:\n {opening * 100_000}", r"line 2: .*nested more than") for opening in ("[", "{a: ", "- ", "? ")),
        ("9" * 5000, r"Exceeds the limit"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path, text, expected):
    path = tmp_path / "mistake.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=expected) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["010", "-08", "0o10", "0x1F", "0b1", "1:30", "1:30:05.5", "1_000", "1_0.5", "1_0e3"])
def test_numbers_that_two_readers_take_for_different_ones_are_refused(text):
    """YAML 1.1 reads 8, 90 and 1000 for 010, 1:30 and 1_000; YAML 1.2 reads 10 and two texts."""
    with pytest.raises(UserError, match=f"text, line 2: .*programs differ about the number {text}; write plain digits"):
        parse_yaml(f"id: a\nepochs: {text}\n", "text")
    assert parse_yaml(f"'{text}'", "text") == text


@pytest.mark.parametrize("text", ["yes", "No", "ON", "off"])
def test_words_that_some_readers_take_for_truth_values_are_refused(text):
    with pytest.raises(UserError, match=f"programs differ about the word {text}; write true or false"):
        parse_yaml(f"fast: {text}", "text")
    assert parse_yaml(f'"{text}"', "text") == text
    assert parse_yaml(f"{text} more", "text") == f"{text} more"


def test_merge_keys_are_refused_in_one_sentence():
    with pytest.raises(UserError, match=r"line 2: .*merge keys \(<<\) are not supported; write the keys out"):
        parse_yaml("a: &base {x: 1}\nb: {<<: *base, y: 2}\n", "text")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("-2E3", -2000.0),
        ("1.5e+2", 150.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.10", -0.1),
        ("0", 0),
        ("+7", 7),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("-.INF", float("-inf")),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01 10:00:00", "2020-01-01 10:00:00"),
        ("12:3x", "12:3x"),
        ("1e", "1e"),
        ("e5", "e5"),
        ("y", "y"),
        ("=", "="),
        ("!!int 7", 7),
        ("!!str 7", "7"),
    ],
)
def test_plain_text_has_the_value_that_yaml_1_2_gives_it(text, value):
    found = parse_yaml(text, "text")
    assert (found, type(found)) == (value, type(value))


def test_a_hundred_levels_are_read():
    assert repr(parse_yaml("[" * 100 + "]" * 100, "text")) == "[" * 100 + "]" * 100


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
