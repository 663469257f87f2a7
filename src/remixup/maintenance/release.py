"""A folder for Zenodo or Software Heritage: sources, documents, results, weights, and what describes them."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import remixup
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.files import extract, read_mapping
from remixup.maintenance.ro_crate import METADATA, metadata
from remixup.planning.plan import Plan
from remixup.store.provenance import Code, code, require_clean_sources
from remixup.store.run_store import Store

DOCUMENTS = {
    "article.pdf": "Does mixup replicate? The article",
    "supplement.pdf": "Every claim and every published number, with choices and provenance",
    "results.html": "Every number and claim, in tables that sort and filter",
    "replication.json": "The same results for programs",
}
"""File of the report -> what it is."""
CODECHECK = "https://codecheck.org.uk/spec/config/1.0/"


def write_release(settings: Config, plans: list[Plan], folder: Path) -> Path:
    """Write the folder anew; return it. Nothing is uploaded.

    It has the sources of the last commit (records, freezes and CITATION.cff among them), the documents, the networks
    that were trained by the published protocol, codecheck.yml, and a description as a Workflow Run RO-Crate.

    Raises:
        UserError: the report is not made, or of other sources, there is no commit, or the folder is something else.
    """
    for name in DOCUMENTS:
        if not (settings.home / name).is_file():
            raise UserError(f"no {name}", where=str(settings.home), hint="make the report first: `make report`")
    if folder.exists() and any(folder.iterdir()) and not (folder / METADATA).is_file():
        raise UserError("the folder is not empty, and no release", where=str(folder), hint="name another folder")
    sources = subprocess.run(["git", "archive", "--format=tar", "HEAD"], capture_output=True, check=False)
    if sources.returncode:
        raise UserError("there is no commit to release", where="git archive", hint="call it in a git repository")
    require_own_report(settings.home / "replication.json")
    unfinished = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(sources.stdout)) as archive:
        extract(archive, unfinished)
    describe(settings, plans, unfinished)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(unfinished, folder)
    return folder


def describe(settings: Config, plans: list[Plan], folder: Path) -> None:
    """Add the documents and networks to the sources, and what describes all."""
    for name in DOCUMENTS:
        shutil.copy2(settings.home / name, folder / name)
    weights = copy_weights(settings, plans, folder)
    (folder / "codecheck.yml").write_text(codecheck(settings), encoding="utf-8")
    made = datetime.fromtimestamp((settings.home / "article.pdf").stat().st_mtime, UTC)
    began = datetime.fromtimestamp(settings.plan.stat().st_mtime, UTC)
    document = metadata(folder, DOCUMENTS, weights, min(began, made), made)
    (folder / METADATA).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def require_own_report(results: Path) -> None:
    """Raise UserError unless the results are those of the sources that are released."""
    require_clean_sources("a release is made")
    made, here = Code.model_validate(read_mapping(results)["code"] | {"date": None}), code()
    if made.dirty or made.commit != here.commit:
        what = f"the report is of other sources than those of commit {here.commit}"
        raise UserError(what, where=str(results), hint="make it anew: .venv/bin/snakemake --forcerun collect")


def copy_weights(settings: Config, plans: list[Plan], folder: Path) -> dict[str, str]:
    """Copy the stored networks of rows that follow the published protocol; return path -> what it is."""
    store = Store(Path(settings.results))
    chosen = {
        row.key: f"{plan.experiment.id}, {row.row.id}"
        for plan in plans
        for row in plan.runnable
        if row.surrogate is None and row.scale == "paper"
    }
    copied = {}
    for run, name in sorted(chosen.items()):
        for block in store.blocks(run):
            weights = store.checkpoint(run, block.seeds)
            if weights.is_file():
                path = f"weights/{run}/{weights.name}"
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(weights, folder / path)
                copied[path] = f"Networks of {name}, {len(block.seeds)} seeds"
    return copied


def codecheck(settings: Config) -> str:
    """Return codecheck.yml: the outputs that somebody who checks the code should get again."""
    document: dict[str, Any] = {
        "version": CODECHECK,
        "manifest": [{"file": name, "comment": what} for name, what in DOCUMENTS.items()],
        "paper": {
            "title": "remixup: a reproducible replication of the mixup papers",
            "authors": [{"name": "The remixup authors"}],
            "reference": "article.pdf",
        },
        "summary": f"remixup {remixup.__version__}, scale {settings.scale}: `make report` makes these files.",
    }
    return "---\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
