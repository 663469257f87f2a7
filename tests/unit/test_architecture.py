"""The layers of the packages, and their picture in docs/architecture.md, compared with the imports in the code."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

from remixup.config.registry import load_registry

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/remixup"
specification = importlib.util.spec_from_file_location("draw_architecture", ROOT / "docs/draw_architecture.py")
architecture = importlib.util.module_from_spec(specification)
specification.loader.exec_module(architecture)


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_every_package_has_a_layer():
    packages = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert packages - {"__init__"} <= set(architecture.LEVEL)


def test_imports_lead_to_lower_layers():
    assert architecture.upward(architecture.imports(SOURCE)) == set()


def test_the_picture_agrees_with_the_imports():
    text = architecture.PAGE.read_text(encoding="utf-8")
    assert text == architecture.page(text, architecture.draw(architecture.imports(SOURCE))), "run `make schema`"


def test_imports_are_found_wherever_they_are_written(tmp_path):
    write(tmp_path, "cli/run.py", "from remixup import analysis\n\n\ndef f():\n    import remixup.data.inputs as i\n")
    write(tmp_path, "analysis/__init__.py", "from remixup.analysis import x\nfrom remixup.errors import UserError\n")
    assert architecture.imports(tmp_path) == {("cli", "analysis"), ("cli", "data"), ("analysis", "errors")}


def test_the_picture_leaves_out_what_follows_and_dots_what_leads_upward():
    edges = {("cli", "training"), ("training", "data"), ("cli", "data"), ("data", "training"), ("data", "errors")}
    lines = [line.strip() for line in architecture.draw(edges).splitlines() if ">" in line]
    assert lines == ["cli --> training", "training --> data", "data -.-> training"]


def test_planning_and_reporting_do_not_import_torch():
    """It takes a second, which every call of Snakemake pays; and `make read` does without."""
    packages = ("config", "planning", "analysis", "costs", "reporting", "cli")
    files = [path for package in packages for path in (SOURCE / package).rglob("*.py")]
    names = [".".join(("remixup", *path.relative_to(SOURCE).with_suffix("").parts)) for path in files]
    program = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(name)
    assert "torch" not in sys.modules, name + " imports torch"
from remixup.config.settings import Config
from remixup.planning.plan import read_plans
read_plans(Config())
assert "torch" not in sys.modules, "reading the experiments imports torch"
"""
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def strings(tree):
    """Yield the string constants of a module that are no docstrings, with their lines."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and _begins(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def _begins(node):
    return bool(node.body) and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)


def test_training_and_evaluation_name_no_method():
    """A method is a composition of components in a file; training and evaluation must not depend on its name."""
    kinds = load_registry()["kinds"]
    methods = {name for kind in ("ratio", "partner", "blend", "target", "noise") for name in kinds[kind]}
    methods |= {"mixup", "cutmix", "smote", "erm"}
    for path in [*(SOURCE / "training").glob("*.py"), *(SOURCE / "evaluation").glob("*.py")]:
        for line, text in strings(ast.parse(path.read_text())):
            place = f"{path.relative_to(SOURCE)}, line {line}"
            assert text.lower() not in methods, f"{place}: {text!r} names a mixing component; rename a new one"
