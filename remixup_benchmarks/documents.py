"""Result files of benchmarks and their header."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from remixup.files import write_text
from remixup.store.provenance import code, cores
from remixup.training.runner import hardware

SCHEMA_VERSION = 1


def header(device: torch.device) -> dict[str, Any]:
    """Return the provenance of a measurement: hardware, versions, date, and the last commit of the code."""
    return {
        "schema_version": SCHEMA_VERSION,
        "hardware": hardware(device),
        "cores": cores(),
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "code": code().model_dump(include={"commit", "dirty"}),
    }


def result_file(hardware: str, folder: Path) -> Path:
    """Return the file for a machine's results."""
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', hardware.lower()).strip('-')}.json"


def write(document: dict[str, Any], folder: Path) -> Path:
    """Write a document that begins with a `header` to <folder>/<hardware>.json, and return the path."""
    folder.mkdir(exist_ok=True)
    path = result_file(document["hardware"], folder)
    write_text(path, json.dumps(document, indent=2) + "\n")
    return path
