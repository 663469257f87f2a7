"""A description of a release as a Workflow Run RO-Crate (profile 0.5)."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import remixup
from remixup.files import sha256

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
AUTHORS, LICENSE = {"@id": "#authors"}, {"@id": "https://spdx.org/licenses/MIT"}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
INPUTS = {
    "config.yaml": "Scale, data and results",
    "requirements.lock": "Packages with versions and hashes",
    "experiments/": "The published numbers and claims, and the runs that test them",
    "records/": "Committed results of runs on real data",
    "protocols/": "What was fixed before the runs",
}
"""Path that the workflow reads -> what it is."""
Entity = dict[str, Any]


def metadata(
    folder: Path, documents: dict[str, str], weights: dict[str, str], began: datetime, ended: datetime
) -> Entity:
    """Return the content of ro-crate-metadata.json: the workflow, and what a run of it made (path -> what it is)."""
    inputs = {path: what for path, what in INPUTS.items() if (folder / path).exists()}
    made = {**documents, **weights}
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"remixup {remixup.__version__}",
        "description": "A reproducible replication of the mixup papers: sources, results and documents",
        "datePublished": ended.date().isoformat(),
        "license": LICENSE,
        "author": AUTHORS,
        "publisher": AUTHORS,
        "version": remixup.__version__,
        "conformsTo": _ids(PROFILES),
        "hasPart": _ids([WORKFLOW, "README.md", *inputs, *made]),
        "mainEntity": {"@id": WORKFLOW},
        "mentions": {"@id": "#report"},
    }
    workflow = {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "remixup",
        "description": "Data, training, evaluation, results, report",
        "programmingLanguage": {"@id": SNAKEMAKE},
        "author": AUTHORS,
        "license": LICENSE,
        "version": remixup.__version__,
        "encodingFormat": "text/x-snakemake",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        "input": _ids(map(_parameter_id, inputs)),
        "output": _ids(map(_parameter_id, documents)),
    }
    language = {
        "@id": SNAKEMAKE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
    }
    run = {
        "@id": "#report",
        "@type": "CreateAction",
        "name": "make report",
        "description": "The run of the workflow that made the documents",
        "instrument": {"@id": WORKFLOW},
        "agent": AUTHORS,
        "startTime": began.isoformat(timespec="seconds"),
        "endTime": ended.isoformat(timespec="seconds"),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "object": _ids(inputs),
        "result": _ids(made),
    }
    readme = {"@type": "File", "name": "README", "about": {"@id": "./"}, "encodingFormat": "text/markdown"}
    return {
        "@context": ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"],
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": _ids(["https://w3id.org/ro/crate/1.1", list(PROFILES)[-1]]),
            },
            root,
            *({"@id": each, "@type": "CreativeWork", "name": n, "version": v} for each, (n, v) in PROFILES.items()),
            workflow,
            language,
            *(_parameter(path, what) for path, what in {**inputs, **documents}.items()),
            run,
            *(_entity(folder, path, what) for path, what in {**inputs, **made}.items()),
            {"@id": "README.md", **readme},
            {**AUTHORS, "@type": "Organization", "name": "The remixup authors"},
            {**LICENSE, "@type": "CreativeWork", "name": "MIT License", "description": "Permissive license"},
        ],
    }


def _ids(names: Iterable[str]) -> list[Entity]:
    return [{"@id": name} for name in names]


def _parameter_id(path: str) -> str:
    return f"#parameter-{path.strip('/')}"


def _parameter(path: str, what: str) -> Entity:
    return {
        "@id": _parameter_id(path),
        "@type": "FormalParameter",
        "name": path.strip("/"),
        "description": what,
        "additionalType": "Dataset" if path.endswith("/") else "File",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        "valueRequired": True,
    }


def _entity(folder: Path, path: str, what: str) -> Entity:
    entity: Entity = {"@id": path, "@type": "Dataset", "name": path, "description": what}
    if not path.startswith("weights/"):
        entity["exampleOfWork"] = {"@id": _parameter_id(path)}
    if not path.endswith("/"):
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        size = str((folder / path).stat().st_size)
        entity |= {"@type": "File", "encodingFormat": kind, "contentSize": size, "sha256": sha256(folder / path)}
    return entity
