"""config.yaml and changes from the command line: mistakes name the key and what would be right."""

import pytest

from remixup.config.settings import UNAVAILABLE, Config, configuration, is_prepared, read_config
from remixup.data.catalog.registry import REGISTRY
from remixup.errors import UserError
from remixup.files import write_json


def test_mistakes_name_the_key(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"unknown key 'sclae'; did you mean 'scale'"):
        read_config({"sclae": "paper"})
    with pytest.raises(UserError, match=r"config.yaml, data.versions: unknown dataset 'cifar'"):
        read_config({"data": {"versions": {"cifar": "python"}}})
    with pytest.raises(UserError, match=r"data\.mirror: the mirror folder /no/such/mirror does not exist"):
        read_config({"data": {"mirror": "/no/such/mirror"}})
    monkeypatch.setenv("REMIXUP_MIRROR", str(tmp_path))
    assert read_config({}).mirror == tmp_path


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


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(parents=True) if name.endswith("/") else path.touch()


def ways():
    """Every way in which a mirror may have a version of a dataset, with the first or the last path of each file."""
    for name, dataset in REGISTRY.items():
        for version in dataset.versions.values():
            for files in version.in_mirror:
                for places in ([each[0] for each in files], [each[-1] for each in files]):
                    yield pytest.param(name, version.name, places, id=f"{name}-{version.name}-{places[0]}")


@pytest.mark.parametrize(("dataset", "version", "places"), [*ways()])
def test_a_mirror_has_what_is_in_it(tmp_path, dataset, version, places):
    mirror = tmp_path / "mirror"
    touch(mirror, "other", *places)
    data = {"folder": str(tmp_path / "data"), "mirror": str(mirror)}
    assert Config(data=data).available(dataset, version)
    assert Config(data=data).version(dataset) == version or dataset == "iris"  # one version is embedded
    last = mirror / places[-1]
    last.rmdir() if last.is_dir() else last.unlink()
    assert not Config(data=data).available(dataset, version)
    assert not Config(data={**data, "mirror": None}).available(dataset, version)


def test_the_version_is_one_that_is_here(tmp_path):
    data = {"folder": str(tmp_path / "data")}
    assert Config(data=data).version("cifar10") == "binary"
    touch(tmp_path, "mirror/cifar-10-python.tar.gz")
    mirrored = {**data, "mirror": str(tmp_path / "mirror"), "download": True}
    assert Config(data=mirrored).version("cifar10") == "python"
    touch(tmp_path, "data/prepared/cifar10-reconstructed/manifest.json")
    assert Config(data=data).version("cifar10") == "reconstructed"
    assert Config(data={**mirrored, "versions": {"cifar10": "binary"}}).version("cifar10") == "binary"


def test_a_manifest_that_says_why_there_is_no_data_is_none(tmp_path):
    config = Config(data={"folder": str(tmp_path / "data")})
    write_json(config.manifest("mnist", "idx"), {UNAVAILABLE: "cannot be downloaded"})
    assert not config.available("mnist", "idx")
    assert not is_prepared(config.manifest("mnist", "idx"))


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
