"""What describes the repository to other programs agrees with it, and with the standards' own schemas."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from remixup import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CODEMETA_TERMS = {
    *("@context", "type", "id", "name", "description", "version", "license", "author", "keywords", "readme"),
    *("programmingLanguage", "runtimePlatform", "operatingSystem", "softwareRequirements", "developmentStatus"),
    *("referencePublication", "codeRepository", "issueTracker"),
}
"""The terms of CodeMeta 3.0 that we use: a misspelled one would be dropped by a reader without a word."""


def commands(workflow):
    document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    return [step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step]


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    codemeta = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    dynamic = "version" in PROJECT.get("dynamic", [])
    assert {citation["version"], codemeta["version"]} == {__version__}
    assert dynamic or PROJECT["version"] == __version__


def test_codemeta_uses_terms_of_the_standard():
    codemeta = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert codemeta["@context"] == "https://w3id.org/codemeta/3.0"
    assert codemeta["type"] == "SoftwareSourceCode"
    assert set(codemeta) <= CODEMETA_TERMS
    assert codemeta["description"] == PROJECT["description"]
    assert codemeta["license"].rpartition("/")[2] == PROJECT["license"]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-issue-forms", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))),
        ("github-issue-config", [ROOT / ".github/ISSUE_TEMPLATE/config.yml"]),
        ("citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_files_for_github_are_valid(schema, files):
    """By the schemas that check-jsonschema brings, without a network."""
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_runs_the_commands_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = [command for workflow in WORKFLOWS for command in commands(workflow) if command.startswith("make ")]
    assert {command.split()[1] for command in called} <= targets
    assert {"make check", "make test", "make report"} <= set(called)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [hook["entry"] for repo in hooks for hook in repo["hooks"]] == ["make check"]


def test_latex_is_looked_for_before_the_environment_is_fetched():
    rules = re.findall(r"^([a-z-]+):(.*\.venv.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    first = {target: needed.split()[0] for target, needed in rules}
    assert {target for target in ("report", "read", "test", "test-full") if first[target] != "latex"} == set()


def test_a_release_has_the_three_documents():
    (create,) = [each for each in commands(ROOT / ".github/workflows/release.yml") if "gh release create" in each]
    for name in ("article.pdf", "supplement.pdf", "results.html"):
        assert f"results/embedded/{name}" in create


def test_the_catalog_of_snakemake_finds_what_it_asks_for():
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    usage = catalog["usage"]
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer"}
    assert (ROOT / "workflow/Snakefile").is_file()
    described = (ROOT / "config/README.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| `([a-z.]+)`", described, re.MULTILINE)
    configured = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    flat = [
        f"{key}.{each}" if isinstance(value, dict) else key
        for key, value in configured.items()
        for each in (value if isinstance(value, dict) else [key])
    ]
    assert set(keys) == set(flat) - {"data.versions"}
