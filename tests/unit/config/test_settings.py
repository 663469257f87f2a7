"""config.yaml and changes from the command line: mistakes name the key and what would be right."""

import pytest

from remixup.cli import configuration
from remixup.config.settings import Config, read_config
from remixup.errors import UserError


def test_mistakes_name_the_key(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"unknown key 'sclae'; did you mean 'scale'"):
        read_config({"sclae": "paper"})
    with pytest.raises(UserError, match=r"config.yaml, data.versions: unknown dataset 'cifar'"):
        read_config({"data": {"versions": {"cifar": "python"}}})
    with pytest.raises(UserError, match=r"data\.mirror: the mirror folder /nowhere does not exist"):
        read_config({"data": {"mirror": "/nowhere"}})
    monkeypatch.setenv("REMIXUP_MIRROR", str(tmp_path))
    assert read_config({}).mirror == tmp_path
    assert read_config({}).available("abalone", "uci")


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("", ["scale=[paper"], "--set scale, line 2: not readable as YAML"),
        ("", ["scale.x=1"], "config.yaml, scale: .*not {'x': 1}"),
        ("scale: paper", ["scale.x=1"], "--set: .*config.yaml has no place for 'scale.x'"),
        ("data:", ["data.folder=x"], "--set: .*has no place for 'data.folder'"),
        ("- scale", ["scale=paper"], "--set: .*has no place for 'scale'"),
        ("", ["scale"], "'scale' is not of the form KEY=VALUE"),
        ("", ["scale=papr"], "config.yaml, scale: .*not 'papr'"),
        ("", ["results=a{b}"], "config.yaml, results: a folder has a name, without braces and control characters"),
        ("", ["data.folder=''"], "data.folder: a folder has a name"),
    ],
)
def test_mistakes_in_changes_from_the_command_line(tmp_path, text, changes, expected):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=expected):
        configuration(path, changes)


def test_prepared_data_are_available(tmp_path):
    config = Config.model_validate({"data": {"folder": str(tmp_path / "data")}})
    assert not config.available("abalone", "uci")
    config.manifest("abalone", "uci").parent.mkdir(parents=True)
    config.manifest("abalone", "uci").write_text("{}")
    assert config.available("abalone", "uci")
