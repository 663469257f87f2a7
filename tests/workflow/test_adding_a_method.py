"""The steps of docs/adding-a-method.md, carried out as they are written, in a copy of the project."""

import ast
import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import yaml

from remixup.config.experiment import read_experiment
from remixup.config.settings import SCALES
from tests.pages import edit, read_steps
from tests.workflow.conftest import BIN, ROOT

DOCUMENT = ROOT / "docs/adding-a-method.md"


def commands(step):
    """The commands of a step, as words. What the test itself adds: make takes the environment as it is, and Snakemake
    only says what it would train, since all rows of three tables take minutes."""
    additions = {"make": ["-o", ".venv/.ready"], ".venv/bin/snakemake": ["--dry-run"]}
    lines = [shlex.split(line) for line in step.text.splitlines()]
    return [[*words, *additions.get(words[0], [])] for words in lines]


def carry_out(project, words):
    """Runs a command on the copy's own code."""
    done = project.run(*words)
    if "pytest" in words:
        assert "3 passed" in done.stdout
    if "--dry-run" in words:
        assert all(target in done.stdout for target in words if target.endswith(".json"))


def test_a_method_is_one_function_one_test_and_one_entry_in_each_table():
    edits = [step for step in read_steps(DOCUMENT.read_text()) if step.action != "run"]
    code = "".join(step.text for step in edits if step.file.startswith("src/"))
    assert [type(node).__name__ for node in ast.parse(code).body] == ["Import", "FunctionDef"]
    assert [step.file for step in edits if step.action == "create"] == ["tests/unit/mixing/test_columns.py"]
    tables = {step.file: yaml.safe_load(step.text) for step in edits if step.action == "row"}
    assert list(tables) == [f"experiments/mixup/{name}.yaml" for name in ("cifar", "corruption", "ablation")]
    assert all(len(entries) == 1 for entries in tables.values())
    assert len(edits) == 2 + 1 + 3


DIGESTS = """
import json
from remixup.config.settings import SCALES, Config
from remixup.planning.plan import read_plans

plans = [(scale, plan) for scale in SCALES for plan in read_plans(Config(scale=scale))]
found = {f"{plan.experiment.id}/{row.row.id}/{scale}": row.run.digest() for scale, plan in plans for row in plan.rows}
print(json.dumps(found))
"""


def digests(project):
    """Return the digest of each row's run at each scale, by the copy's own code."""
    done = project.run(BIN / "python", "-c", DIGESTS)
    return json.loads(done.stdout)


def test_the_steps_lead_from_a_function_to_a_row_in_three_tables(whole_project):
    project, folder = whole_project, whole_project.folder
    before = digests(project)
    steps = read_steps(DOCUMENT.read_text())
    for step in steps:
        if step.action != "run":
            edit(folder, step)
            continue
        # Lines of one subcommand (three trainings) do not build on each other, so they share the cores.
        for _, alike in groupby(commands(step), key=lambda words: words[:2]):
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda words: carry_out(project, words), alike))
    python = [step.file for step in steps if step.file.endswith(".py")]
    project.run(BIN / "ruff", "check", *python)
    project.run(BIN / "ruff", "format", "--check", *python)

    rows = {step.file: yaml.safe_load(step.text)[0]["id"] for step in steps if step.action == "row"}
    names = {file.split("/")[-1].removesuffix(".yaml"): row for file, row in rows.items()}
    after = digests(project)
    new = {f"{name}/{row}/{scale}" for name, row in names.items() for scale in SCALES}
    assert set(after) - set(before) == new
    assert {key: after[key] for key in before} == before
    assert not {after[key] for key in new} & set(before.values())

    for name, row in names.items():
        experiment = read_experiment(folder / f"experiments/mixup/{name}.yaml")
        shown = [each.id for table in experiment.tables for each in experiment.select(table.rows)]
        assert row in shown, f"{name}.yaml: the patterns of its tables leave out {row}"
        _was_trained_with_columns(project, name, row)


def _was_trained_with_columns(project, name, row):
    part = project.json(f"results/embedded/experiments/{name}.json")
    found = [entry for entry in part["entries"] if entry["row"] == row and entry["metric"].startswith("test_error.")]
    assert found
    for entry in found:
        assert entry["replicated"]["seeds"] == [0]
        assert (entry["scale"], entry["published"]) == ("embedded", None)
        assert entry["verdict"] in ("surrogate", "no published number")
        block = project.json(f"results/runs/{entry['runs'][0]}/seeds-0-0.json")
        assert block["spec"]["mixing"]["blend"] == {"name": "columns"}
        assert 0 <= block["values"]["test_error.last"][0] <= 100
    assert row in part["curves"]
