"""config.yaml and changes from the command line: mistakes name the key and what would be right."""

import pytest

from remixup.config.settings import Config, configuration, read_config
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
        ("scale: paper", ["scale.x=1"], "--set, scale: .*not {'x': 1}"),
        ("data:", ["data.folder=x"], r"config.yaml, data: .*not None"),
        ("- scale", ["scale=paper"], r"config.yaml: .*not \['scale'\]"),
        ("", ["scale"], "'scale' is not of the form KEY=VALUE"),
        ("", ["scale=papr"], "--set, scale: .*not 'papr'"),
        ("scale: papr", [], "config.yaml, scale: .*not 'papr'"),
        ("", ["results=a{b}"], "--set, results: Snakemake would read the braces in 'a{b}'"),
        ("", ["data.folder=''"], "--set, data.folder: a folder has a name"),
        ("", ["results=~nobody-of-this-name/x"], "--set, results: there is no home folder"),
        ("", ["results=1.5"], "--set, results: .*string, not 1.5 .put it in quotes"),
        ("", ["experiments=toy"], r"--set, experiments: `all`, or a list of ids such as \[toy\], not 'toy'"),
        ("fast: 'true'", [], "config.yaml, fast: .*valid boolean, not 'true'"),
        ("", ["fast=1"], "--set, fast: .*valid boolean, not 1"),
        ("", ["fast=yes"], "--set fast, line 1: .*write true or false"),
    ],
)
def test_mistakes_in_changes_from_the_command_line(tmp_path, text, changes, expected):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=expected):
        configuration([path], changes)


def test_prepared_data_are_available(tmp_path):
    config = Config.model_validate({"data": {"folder": str(tmp_path / "data")}})
    assert not config.available("abalone", "uci")
    config.manifest("abalone", "uci").parent.mkdir(parents=True)
    config.manifest("abalone", "uci").write_text("{}")
    assert config.available("abalone", "uci")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("out/", "out"),
        ("./out", "out"),
        ("out//x", "out/x"),
        ("./a/./b//", "a/b"),
        ("//abs/out/", "/abs/out"),
        ("../out", "../out"),
        ("~/out", "/home/reader/out"),
        ("'~'", "/home/reader"),
        ("20251128", "20251128"),
        ("2025-11-28", "2025-11-28"),
        ("a~b", "a~b"),
    ],
)
def test_a_folder_has_one_name(tmp_path, monkeypatch, text, expected):
    """Snakemake takes `out/x` and `out//x` for two files."""
    monkeypatch.setenv("HOME", "/home/reader")
    (tmp_path / "config.yaml").write_text("")
    config = configuration([tmp_path / "config.yaml"], [f"results={text}", f"data.folder={text}"])
    assert (config.results, config.data.folder) == (expected, expected)


def test_the_mirror_may_be_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mirror").mkdir()
    assert read_config({"data": {"mirror": "~/mirror/"}}).mirror == tmp_path / "mirror"
    monkeypatch.setenv("REMIXUP_MIRROR", "~/mirror")
    assert read_config({}).mirror == tmp_path / "mirror"


def test_later_files_and_changes_are_laid_over_earlier_ones(tmp_path):
    (tmp_path / "first.yaml").write_text("data: {folder: a, versions: {iris: uci}}\nfast: true\n")
    (tmp_path / "second.yaml").write_text("data: {folder: b}\n")
    files = [tmp_path / "first.yaml", tmp_path / "second.yaml"]
    config = configuration(files, ["data={download: true}", "data.mirror=null", "experiments=[toy]"])
    assert (config.data.folder, config.data.versions, config.fast) == ("b", {"iris": "uci"}, True)
    assert (config.data.download, config.data.mirror, config.experiments) == (True, None, ["toy"])
