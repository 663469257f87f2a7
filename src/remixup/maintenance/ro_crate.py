"""A description of a release as a Workflow Run RO-Crate (profile 0.5)."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import remixup
from remixup.files import sha256

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
AUTHORS = {"@id": "#authors"}
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


@dataclass(frozen=True)
class Outputs:
    """Outputs of a run of the workflow."""

    documents: dict[str, str]
    """File -> what it is."""
    weights: dict[str, str]
    began: datetime
    ended: datetime


def metadata(folder: Path, outputs: Outputs) -> Entity:
    """Return the content of ro-crate-metadata.json."""
    inputs = {path: what for path, what in INPUTS.items() if (folder / path).exists()}
    made = {**outputs.documents, **outputs.weights}
    parts = [WORKFLOW, "README.md", *inputs, *made]
    return {
        "@context": ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"],
        "@graph": [
            _descriptor(),
            _root(parts, outputs.ended),
            *(
                {"@id": each, "@type": "CreativeWork", "name": name, "version": v}
                for each, (name, v) in PROFILES.items()
            ),
            *_workflow(inputs, outputs.documents),
            _run(inputs, made, outputs),
            *(_entity(folder, path, what) for path, what in {**inputs, **made}.items()),
            {
                "@id": "README.md",
                "@type": "File",
                "name": "README",
                "about": {"@id": "./"},
                "encodingFormat": "text/markdown",
            },
            {**AUTHORS, "@type": "Organization", "name": "The remixup authors"},
            {
                "@id": "https://spdx.org/licenses/MIT",
                "@type": "CreativeWork",
                "name": "MIT License",
                "description": "Permissive license",
            },
        ],
    }


def _descriptor() -> Entity:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": list(PROFILES)[-1]}],
    }


def _root(parts: list[str], published: datetime) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"remixup {remixup.__version__}",
        "description": "A reproducible replication of the mixup papers: sources, results and documents",
        "datePublished": published.date().isoformat(),
        "license": {"@id": "https://spdx.org/licenses/MIT"},
        "author": AUTHORS,
        "publisher": AUTHORS,
        "version": remixup.__version__,
        "conformsTo": [{"@id": each} for each in PROFILES],
        "hasPart": [{"@id": each} for each in parts],
        "mainEntity": {"@id": WORKFLOW},
        "mentions": {"@id": "#report"},
    }


def _workflow(inputs: dict[str, str], documents: dict[str, str]) -> list[Entity]:
    """Return the workflow, its language, and its formal parameters: one for each input and document."""
    parameters = [_parameter(path, what) for path, what in {**inputs, **documents}.items()]
    snakemake = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
    workflow = {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "remixup",
        "description": "Data, training, evaluation, results, report",
        "programmingLanguage": {"@id": snakemake},
        "author": AUTHORS,
        "license": {"@id": "https://spdx.org/licenses/MIT"},
        "version": remixup.__version__,
        "encodingFormat": "text/x-snakemake",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        "input": [{"@id": _parameter_id(path)} for path in inputs],
        "output": [{"@id": _parameter_id(path)} for path in documents],
    }
    language = {
        "@id": snakemake,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
    }
    return [workflow, language, *parameters]


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


def _run(inputs: dict[str, str], made: dict[str, str], outputs: Outputs) -> Entity:
    return {
        "@id": "#report",
        "@type": "CreateAction",
        "name": "make report",
        "description": "The run of the workflow that made the documents",
        "instrument": {"@id": WORKFLOW},
        "agent": AUTHORS,
        "startTime": outputs.began.isoformat(timespec="seconds"),
        "endTime": outputs.ended.isoformat(timespec="seconds"),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "object": [{"@id": each} for each in inputs],
        "result": [{"@id": each} for each in made],
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
