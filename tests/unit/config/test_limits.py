"""Files that stand for more than they say, or for nothing that can be: one short message each, by hand."""

import pytest

from remixup.cli import configuration
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config
from remixup.config.yaml_loader import read_yaml
from remixup.errors import UserError
from tests.unit.config.mutants import BOMB
from tests.unit.config.small import write
from tests.unit.config.watching import is_one_message, watched


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rows: &self [*self]", "line 1: .* the alias 'self' stands for nothing before it"),
        ("run: &self {model: *self}", "the alias 'self' stands for nothing before it"),
        ("title: x\nrows: *nowhere", "line 2: .* the alias 'nowhere' stands for nothing before it"),
        (f"rows: {BOMB}", "more than 250,000 characters, or 50 levels"),
        (f"rows: {'[' * 100_000}", "more than 250,000 characters, or 50 levels"),  # was a crash of the interpreter
        (f"title: {'x' * 300_000}", "more than 250,000 characters"),
        ("title: !!python/object/apply:os.system [ls]", "tags are not used here: '.*os.system'"),
        ("title: !!bool maybe", "tags are not used here"),
        ("title: !!int ''", "tags are not used here"),
        ("title: !!timestamp x", "tags are not used here"),
        ("seeds: 0x" + "f" * 9_000, "an integer of more than 64 bits"),
        (f"seeds: 1{'0' * 400}", "an integer of more than 64 bits"),
        (f"seeds: {'9:' * 300}9.5", "int too large to convert to float"),
        ("{a: 1, a: 2}", "key 'a' stands twice"),
        (f"{{? {'name' * 30_000} : 1}}", r"odd.yaml: unknown key '(name)+n?a?m?…$"),
    ],
)
def test_yaml_that_stands_for_more_than_it_says(tmp_path, text, expected):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with watched(), pytest.raises(UserError, match=expected) as caught:
        read_experiment(path)
    is_one_message(caught.value, "odd.yaml")


def test_aliases_that_stand_for_little_are_read(tmp_path):
    path = tmp_path / "aliases.yaml"
    path.write_text("a: &a {x: [1]}\nb: [*a, *a]\n")
    assert read_yaml(path) == {"a": {"x": [1]}, "b": [{"x": [1]}] * 2}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "{a}{b}{c}", "each": {name: list(range(100)) for name in "abc"}}, "rows: more than 1,000 rows"),
        (
            {"id": "{a}", "label": "{b}" * 5_000, "each": {"a": list(range(100)), "b": ["x" * 500]}},
            "250,000 characters",
        ),
        ({"id": "r", "each": {"a": ["x" * 9_000]}}, r"rows\[r\]\.each: more than 2,000 characters"),
    ],
)
def test_a_row_that_stands_for_too_many(tmp_path, row, expected):
    path = write(tmp_path, rows=[{"label": "x", **row}], claims=[])
    with watched(), pytest.raises(UserError, match=expected) as caught:
        read_experiment(path)
    is_one_message(caught.value, path.name)


def test_rows_written_out_by_hand_have_the_same_limit(tmp_path):
    path = write(tmp_path, rows=[{"id": f"r{number}", "label": "x"} for number in range(1_001)], claims=[])
    with pytest.raises(UserError, match="more than 1,000 rows"):
        read_experiment(path)


def test_what_a_message_quotes_can_be_printed(tmp_path):
    path = write(tmp_path, rows=[{"id": "\x1b[2J", "label": 3}, {"id": "x" * 5_000, "lable": "\u202e"}], claims=[])
    with pytest.raises(UserError, match=r"rows\[\\x1b\[2J\]") as caught:
        read_experiment(path)
    is_one_message(caught.value, path.name)


def test_a_file_that_is_a_folder_or_in_another_encoding(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_experiment(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("title: café".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.yaml: .*utf-8.*save it as UTF-8"):
        read_experiment(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("", ["scale=[paper"], "--set scale, line 2: not readable as YAML"),
        ("", ["scale=!!python/name:os.system"], "--set scale, line 1: .*tags are not used here"),
        ("", ["scale.x=1"], "config.yaml, scale: .*not {'x': 1}"),
        ("scale: paper", ["scale.x=1"], "--set: .*config.yaml has no place for 'scale.x'"),
        ("data:", ["data.folder=x"], "--set: .*has no place for 'data.folder'"),
        ("- scale", ["scale=paper"], "--set: .*has no place for 'scale'"),
        ("", ["scale"], "'scale' is not of the form KEY=VALUE"),
        ("", ["results=a{b}"], "config.yaml, results: a folder has a name, without braces and control characters"),
        ("", ['results="a\\nb"'], "results: a folder has a name"),
        ("", ["data.folder=''"], "data.folder: a folder has a name"),
        ("", [f"data.mirror={'m' * 5_000}"], r"data\.mirror: the mirror folder m+…"),
    ],
)
def test_a_configuration_that_cannot_be(tmp_path, text, changes, expected):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with watched(), pytest.raises(UserError, match=expected) as caught:
        configuration(path, changes)
    is_one_message(caught.value, path.name, "--set")


def test_a_folder_whose_name_is_too_long_holds_no_data():
    assert not Config.model_validate({"data": {"folder": "f" * 5_000}}).at_hand("abalone", "uci")
