"""From experiments to targets. All decisions are the package's; here they become paths."""

import json
import os
import shlex
import sys
from pathlib import Path

import yaml

from remixup import starter
from remixup.errors import UserError
from remixup.config.settings import ON_CPU, read_config
from remixup.config.registry import catalogue
from remixup.planning.plan import read_plans


def overrides(effective: dict, written: dict, prefix: str = "") -> list[str]:
    """The `--set key=value` flags that turn config.yaml as it is written into the configuration in effect."""
    flags = []
    for key, value in effective.items():
        if (
            isinstance(value, dict)
            and isinstance(written.get(key), dict)
            and value
            and written[key]
        ):
            flags += overrides(value, written[key], f"{prefix}{key}.")
        elif value != written.get(key):
            text = (
                yaml.safe_dump(value, default_flow_style=True, width=10**6)
                .removesuffix("...\n")
                .strip()
            )
            flags += ["--set", shlex.quote(f"{prefix}{key}={text}")]
    return flags


try:
    CONFIG = read_config(config)
    PLANS = {plan.experiment.id: plan for plan in read_plans(CONFIG)}
except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

# In rules, `remixup` is the command of the interpreter that runs Snakemake, with the configuration in effect.
SET = " ".join(overrides(config, yaml.safe_load(Path("config.yaml").read_text()) or {}))
SLOTS = workflow.resource_settings.resources.get("gpu").value or ""


def call_by(program: str) -> None:
    """Makes `remixup` in rules this program."""
    prefix = (
        f"""export REMIXUP_GPU_SLOTS={SLOTS}; remixup() {{ {program} "$@" {SET}; }}; """
    )
    # Snakemake fills in what stands in braces: none here does.
    shell.prefix(prefix.replace("{", "{{").replace("}", "}}"))


call_by(f"{shlex.quote(sys.executable)} -m remixup")
STARTERS = []


def share_start() -> None:
    """Has jobs forked from one process that has imported torch and its kin: many are shorter than these imports.

    It ends with this process.
    """
    socket = f".remixup/starter-{os.getpid()}"
    Path(socket).parent.mkdir(exist_ok=True)
    STARTERS.append(starter.begin(socket))
    call_by(
        f"{shlex.quote(sys.executable)} -I -S {shlex.quote(starter.__file__)} {socket}"
    )


PAPERS: dict[str, list[str]] = {}
for plan in PLANS.values():
    PAPERS.setdefault(plan.experiment.paper, []).append(plan.experiment.id)

HOME = f"{CONFIG.results}/{CONFIG.scale}"
GENERATED = f"paper/generated/{CONFIG.scale}"
PACKS = {pack.key: pack for plan in PLANS.values() for pack in plan.packs()}
DATASETS = {
    f"{name}-{version}": (name, version)
    for name, entry in catalogue()["datasets"].items()
    for version in entry["versions"]
}
GPU = 0 if CONFIG.scale in ON_CPU else 1


def gpus(pack: str) -> int:
    """GPUs that a pack is given: several where its minibatches can be shared, and the workflow has them."""
    return GPU * min(PACKS[pack].shares, SLOTS or 1)


def manifest(dataset: str, version: str) -> str:
    return str(CONFIG.manifest(dataset, version))


def receipts(experiment: str) -> list[str]:
    """The receipts of an experiment's packs."""
    return [str(CONFIG.receipt(pack.key)) for pack in PLANS[experiment].packs()]


def evaluated(experiment: str) -> list[str]:
    """The receipt of an experiment's evaluations that read runs of several packs, where it has any."""
    plan = PLANS[experiment]
    return (
        [f"{HOME}/evaluated/{plan.evaluation_key()}.json"]
        if plan.joint_evaluations()
        else []
    )


def part(experiment: str) -> str:
    return str(CONFIG.collected(experiment))


def assets(experiment: str) -> list[str]:
    """What an experiment contributes to the report."""
    figures = PLANS[experiment].experiment.figures
    return [
        f"{GENERATED}/{experiment}.tex",
        *(f"{GENERATED}/{experiment}-{each.id}.pdf" for each in figures),
    ]


# What the report is made of: a change to it sets the report again.
PAPER = sorted(
    map(
        str,
        [
            *Path("paper").glob("*.tex"),
            *Path("paper").glob("*.bib"),
            *Path("paper/sections").glob("*.tex"),
            *Path("paper/templates").glob("*.tex"),
        ],
    )
)
# What decides on numbers and claims; a change of it decides them anew, on the same runs.
COLLECTING = [
    f"src/remixup/analysis/{name}.py"
    for name in (
        "aggregate",
        "run_results",
        "records",
        "result_schema",
        "statistics",
        "verdicts",
    )
]
REPORTING = sorted(map(str, Path("src/remixup/reporting").rglob("*.py")))
RECORDS = sorted(map(str, Path("records").glob("*.json")))
EVALUATED = {
    plan.evaluation_key(): name
    for name, plan in PLANS.items()
    if plan.joint_evaluations()
}


def receipt(pack: str) -> dict:
    """The receipt of a pack; empty where there is none yet."""
    path = CONFIG.receipt(pack)
    return json.loads(path.read_text()) if path.exists() else {}


def attempt(pack: str) -> int:
    """Counts the trials of a pack: one more where runs broke, so that the next call tries them again."""
    last = receipt(pack)
    return last.get("attempt", 1) + bool(last.get("failed"))


def failures() -> dict[str, str]:
    """Runs of this scale that broke, with their logs."""
    return {
        run: log
        for pack in PACKS
        for run, log in receipt(pack).get("failed", {}).items()
    }
