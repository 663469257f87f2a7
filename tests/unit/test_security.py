"""Protections that docs/security.md promises, tested by their effect."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from remixup.data import prepare
from remixup.data.builders import cifar
from remixup.data.catalog.registry import REGISTRY
from remixup.errors import UserError
from remixup.reporting.typeset import OPTIONS
from tests.workflow.conftest import SMALL, make_project

ROOT = Path(__file__).parents[2]


def locked(name: str) -> list[str]:
    """Return the entries of a lock file."""
    return re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-read.lock"])
def test_packages_are_pinned_by_hash(name):
    assert len(locked(name)) > 30
    for entry in locked(name):
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", entry), entry


def test_the_small_environment_has_versions_of_the_large_one_and_no_torch():
    small, large = ({entry.split()[0] for entry in locked(f"requirements{name}.lock")} for name in ("-read", ""))
    assert small < large
    assert [pin for pin in small if pin.startswith(("torch", "nvidia", "triton", "dvc", "snakemake"))] == []


def test_packages_are_installed_by_hash():
    text = (ROOT / "workflow/environment").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    lines += (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    lines += (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    installing = [line for line in lines if re.search(r"pip (install|sync)", line)]
    assert len(installing) == 3
    unhashed = [line for line in installing if "--require-hashes" not in line]
    assert len(unhashed) == 1
    assert "--no-deps --no-build-isolation" in unhashed[0]
    assert "--editable . " in unhashed[0]


def test_every_file_is_compared_with_a_digest_or_a_structure():
    for dataset in REGISTRY.values():
        for version in dataset.versions.values():
            archive = version.archive is not None and bool(version.archive.sha256 or version.archive.md5)
            files = all(file.sha256 or file.md5 for file in version.files)
            assert archive or files, f"{dataset.name}-{version.name}: nothing is compared"


def test_a_pickle_is_compared_with_its_digest_before_it_is_read(tmp_path):
    pickled = {
        f"{dataset.name}-{version.name}": version
        for dataset in REGISTRY.values()
        for version in dataset.versions.values()
        if version.builder in (cifar.cifar10_python, cifar.cifar100)
    }
    assert set(pickled) == {"cifar10-python", "cifar100-python"}
    for name, version in pickled.items():
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
    assert len(commands) == rules.count("shell:")
    filled = [place for command in commands for place in re.findall(r"\{[^}]*\}", command)]
    assert filled
    assert [place for place in filled if not place.endswith(":q}")] == []
    assert not re.search(r"\b(run|script|notebook|wrapper):", rules)


def test_latex_runs_no_program(tmp_path):
    text = r"\documentclass{article}\begin{document}\immediate\write18{touch pwned}x\end{document}"
    (tmp_path / "page.tex").write_text(text)
    subprocess.run(["pdflatex", *OPTIONS, "page.tex"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "page.pdf").exists()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.slow
def test_shell_and_snakemake_do_not_interpret_folder_names(tmp_path):
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
