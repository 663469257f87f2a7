"""What docs/security.md says."""

import ast
import functools
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from remixup.data import prepare
from remixup.data.catalog.registry import REGISTRY
from remixup.errors import UserError
from remixup.reporting import build
from tests.workflow.conftest import SMALL, make_project

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "src/remixup").rglob("*.py"))
}

NETWORK = ("urllib", "urllib3", "http", "socket", "ssl", "ftplib", "smtplib", "xmlrpc", "requests", "httpx", "aiohttp")
NETWORK += ("fsspec", "torch.hub", "torchvision.datasets", "sklearn.datasets.fetch_", "huggingface_hub")
UNPICKLING = ("pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "pandas.read_pickle")
UNPICKLING += ("torch.load", "torch.jit", "numpy.load", "numpy.core.records")
RUNNING = ("eval", "exec", "compile", "__import__", "os.system", "os.popen")
FORKING = ("os.exec*", "os.spawn*", "os.posix_spawn*", "os.fork*", "pty")
RUNNING += ("runpy", "code.", "asyncio", "subprocess.getoutput", "subprocess.getstatusoutput")
YAML = ("yaml.load", "yaml.full_load", "yaml.unsafe_load", "ruamel")
CLIMBING = ("shutil.unpack_archive", ".extractall")


def used(tree):
    """What a module imports, calls by name (`eval`), reads of a module (`numpy.load`) or anything (`.extractall`)."""
    known, found = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
            known |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{name.name}" for name in node.names}
            known |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(known.get(node.func.id, node.func.id))
        elif isinstance(node, ast.Attribute):
            first, *rest = ast.unparse(node).split(".")
            found |= {".".join([known.get(first, first), *rest]), f".{node.attr}"}
    return found


def users(*banned):
    """The modules in which one of these names occurs, or something below it."""

    def below(name):
        return any(
            name == each or name.startswith(each.rstrip("*") if each[-1] in "._*" else f"{each}.") for each in banned
        )

    return {path for path in SOURCES if any(map(below, used_by(path)))}


@functools.cache
def used_by(path):
    return used(SOURCES[path])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import numpy as np\nnp.load(x)", "numpy.load"),
        ("from torch import load as read\nread(x)", "torch.load"),
        ("import urllib.request", "urllib.request"),
        ("def f():\n    from http import client", "http.client"),
        ("eval('1')", "eval"),
        ("import os as o\no.system('x')", "os.system"),
        ("tar.extractall()", ".extractall"),
    ],
)
def test_names_are_found_however_they_are_imported(text, name):
    assert name in used(ast.parse(text))


def test_the_method_of_a_network_is_not_the_function():
    assert "eval" not in used(ast.parse("model.eval()\nre.compile('x')"))


def test_one_module_opens_connections_to_elsewhere_and_one_listens_at_a_file():
    assert users(*NETWORK) == {"src/remixup/data/download.py", "src/remixup/starter.py"}
    families = {name for name in used_by("src/remixup/starter.py") if name.startswith("socket.AF_")}
    assert families == {"socket.AF_UNIX"}


def test_one_module_forks():
    assert users(*FORKING) == {"src/remixup/starter.py"}


def test_one_module_reads_pickles():
    assert users(*UNPICKLING) == {"src/remixup/data/builders/cifar.py"}
    assert not any("allow_pickle" in ast.unparse(tree) for tree in SOURCES.values())
    calls = [
        ast.unparse(node)
        for node in ast.walk(SOURCES["src/remixup/data/builders/cifar.py"])
        if isinstance(node, ast.Call)
    ]
    assert not [call for call in calls if re.match(r"pickle\.(load|loads|Unpickler)\(", call)]


def test_nothing_runs_text_and_one_module_loads_yaml():
    assert users(*RUNNING, *CLIMBING) == set()
    assert users(*YAML) == {"src/remixup/config/yaml_loader.py"}
    loads = [node for node in ast.walk(SOURCES["src/remixup/config/yaml_loader.py"]) if isinstance(node, ast.Call)]
    assert [ast.unparse(node) for node in loads if ast.unparse(node.func) == "yaml.load"] == [
        "yaml.load(text, _Loader)"
    ]


def test_programs_are_started_without_a_shell_by_the_modules_that_the_page_names():
    named = {"src/remixup/cli/maintenance.py", "src/remixup/training/gpu_lock.py", "src/remixup/store/provenance.py"}
    named |= {"src/remixup/reporting/build.py", "src/remixup/reporting/title_page.py", "src/remixup/starter.py"}
    assert users("subprocess") == named
    assert users("ctypes") == {"src/remixup/training/malloc.py"}
    for path in named:
        calls = [node for node in ast.walk(SOURCES[path]) if isinstance(node, ast.Call)]
        for call in calls:
            if ast.unparse(call.func).startswith("subprocess."):
                waits = path != "src/remixup/starter.py"
                assert ast.unparse(call.func) == ("subprocess.run" if waits else "subprocess.Popen")
                assert not {keyword.arg for keyword in call.keywords} & {"shell", "executable", None}
                command = call.args[0]
                written = [ast.unparse(node.value) for node in ast.walk(SOURCES[path]) if _assigns(node, command)]
                assert isinstance(command, ast.List) or all(text.startswith("[") for text in written), path
    assert set(build.OPTIONS) >= {"-no-shell-escape"}
    assert '"latexmk", "-norc"' in (ROOT / "src/remixup/reporting/build.py").read_text(encoding="utf-8")


def _assigns(node, name):
    return isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == [ast.unparse(name)]


def test_the_page_names_modules_that_exist():
    assert all(path in SOURCES for path in re.findall(r"`(src/remixup/[\w/]+\.py)`", PAGE))
    for path in users(*NETWORK, *UNPICKLING, *YAML, *FORKING, "subprocess", "ctypes"):
        assert f"`{path}`" in PAGE


def test_every_package_of_the_lock_has_hashes_and_they_are_demanded():
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text(encoding="utf-8").strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", entry), entry
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    lines += (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    installing = [line for line in lines if re.search(r"pip (install|sync)", line)]
    assert len(installing) == 3
    unhashed = [line for line in installing if "--require-hashes" not in line]
    assert len(unhashed) == 1
    assert "--no-deps --no-build-isolation" in unhashed[0]
    assert unhashed[0].endswith(" .")


def unvouched():
    """The versions whose files can be read before a digest on record was held against them, and where from."""
    found = set()
    for dataset in REGISTRY.values():
        for version in dataset.versions.values():
            name = f"{dataset.name}-{version.name}"
            packed = version.archive is not None and bool(version.archive.sha256 or version.archive.md5)
            if version.folder is not None:
                found.add((name, "folder"))
            if (version.folder is not None and version.archive is not None and not packed) or version.structure:
                found.add((name, "publisher"))
            alone = packed or all(file.sha256 or file.md5 for file in version.files)
            assert alone, f"{name} is nowhere held against anything"
    return found


def test_the_page_names_all_that_is_read_without_a_digest():
    table = re.findall(r"^\| (`.*`) \| (.*?) \|", PAGE, re.M)
    named = {
        (name, "publisher" if "publisher" in source else "folder")
        for names, source in table
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert named == unvouched()


def test_what_is_unpickled_has_a_digest_that_is_compared_first(tmp_path):
    pickled = {
        f"{dataset.name}-{version.name}": version
        for dataset in REGISTRY.values()
        for version in dataset.versions.values()
        if version.builder in ("builders.cifar.cifar10_python", "builders.cifar.cifar100")
    }
    assert set(pickled) == {"cifar10-python", "cifar100-python"}
    for name, version in pickled.items():
        assert f"`{name}`" in PAGE
        assert all(file.md5 or file.sha256 for file in (version.archive, *version.files))
        for file in version.files:
            path = tmp_path / "mirror" / file.mirror_path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
        with pytest.raises(UserError, match="its md5 is"):
            prepare(name.partition("-")[0], version.name, folder=tmp_path / "data", mirror=tmp_path / "mirror")
    assert not Path("pwned").exists()


def test_every_placeholder_in_the_rules_is_quoted():
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    commands = re.findall(r'shell:\s+((?:"[^"\n]*"\s+)+)', rules)
    assert len(commands) == rules.count("shell:") >= 7
    filled = [place for command in commands for place in re.findall(r"\{[^}]*\}", command)]
    assert len(filled) > 12
    assert [place for place in filled if not place.endswith(":q}")] == []
    assert not re.search(r"\b(run|script|notebook|wrapper):", rules)


def test_configuration_reaches_a_command_as_it_stands():
    """Fails, tried out: without `shlex.quote` in `overrides`."""
    tree = ast.parse((ROOT / "workflow/common.smk").read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "overrides")
    names = {"yaml": yaml, "shlex": shlex}
    exec(compile(ast.Module([function], []), "common.smk", "exec"), names)
    odd = "odd $(touch pwned)`touch pwned`; touch pwned; 'it' \"x\" & * "
    flags = names["overrides"]({"results": odd, "data": {"mirror": odd}}, {"results": "r", "data": {"mirror": None}})
    shell = ["bash", "-c", f"printf '%s\\0' {' '.join(flags)}"]
    given = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    assert given[::2] == ["--set", "--set"]
    found = [text.partition("=") for text in given[1::2]]
    assert {key: yaml.safe_load(value) for key, _, value in found} == {"results": odd, "data.mirror": odd}
    assert not Path("pwned").exists()


@pytest.mark.slow
def test_names_with_a_meaning_for_the_shell_and_for_snakemake_keep_to_themselves(tmp_path):
    odd = "odd $(touch pwned)`touch pwned`; touch pwned; 'it' \"x\" & * "
    project = make_project(tmp_path / "pro ject $(touch pwned)", SMALL)
    (project.folder / "mirror {x}").mkdir()
    settings = {"results": f"{odd}r", "data": {"folder": f"{odd}d", "download": False, "mirror": None, "versions": {}}}
    (project.folder / "config.yaml").write_text(yaml.safe_dump(settings))
    manifest = f"{odd}d/prepared/blob-and-ring-generated/manifest.json"
    project.snakemake("--config", "data={versions: {iris: scikit-learn}, mirror: 'mirror {x}'}", "--", manifest)
    assert json.loads((project.folder / manifest).read_text())["name"] == "blob-and-ring"
    assert (project.folder / f"{odd}r/logs/prepare-blob-and-ring-generated.log").read_text().strip() == manifest
    assert not list(tmp_path.rglob("pwned"))


def test_what_stands_for_something_in_commands_of_the_pipeline():
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    commands = [stage.get("do", stage)["cmd"] for stage in pipeline["stages"].values()]
    assert len(commands) == len(pipeline["stages"])
    filled = {name for command in commands for name in re.findall(r"\$\{(.*?)\}", command)}
    assert filled == {"item", "item.scale", "item.experiment"}
    lists = [stage.get("foreach") or stage["matrix"]["scale"] for stage in pipeline["stages"].values()]
    lists.append(pipeline["stages"]["results"]["matrix"]["experiment"])
    assert {each for listed in lists for each in listed if not re.fullmatch(r"[a-z0-9.-]+", each)} == {"${scale}"}
