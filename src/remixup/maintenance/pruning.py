"""Find stored files that no row, record or freeze uses, and those that a killed process did not finish."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import product, zip_longest
from pathlib import Path

from remixup.analysis import freezes, records
from remixup.config.experiment import read_experiments
from remixup.config.registry import load_registry
from remixup.config.settings import SCALES, Config
from remixup.files import visible
from remixup.planning.plan import plan_experiment, with_all_rows
from remixup.store.manifest import JobManifest
from remixup.store.run_store import Store

UNFINISHED_SECONDS = 3600.0
"""A file that is being written is younger, also on another machine; most are written within milliseconds."""


def leftovers(config: Config, delete: bool) -> list[Path]:
    """Return what no row uses, and the files that a killed process did not finish.

    The former are runs, checkpoints and evaluations, and the manifests that list such runs. What is on record, or in a
    freeze, stays. So does what some row asks for: at any scale and precision, with any version of its dataset, and
    whether or not its data is available.
    """
    store, results, recorded = Store(Path(config.results)), Path(config.results), Store(records.HOME)
    runs = {path.name for path in visible(recorded.runs, "*")}
    evaluations = {path.name for path in visible(recorded.evaluations, "*")}
    for freeze in map(freezes.read, freezes.names()):
        runs |= set(freeze.runs.values())
        evaluations |= set(freeze.evaluations)
    for (path, experiment), settings, scale in product(read_experiments().values(), _ways(config), SCALES):
        plan = with_all_rows(plan_experiment(path, experiment, settings, scale))
        runs |= {row.key for row in plan.rows}
        evaluations |= plan.evaluations().keys()
    asked = {store.runs: runs, store.checkpoints: runs, store.evaluations: evaluations}
    found = [path for home, names in asked.items() for path in visible(home, "*") if path.name not in names]
    manifests = {path: JobManifest.read(path) for path in visible(results, "*/manifests/*.json")}
    found += [path for path, manifest in manifests.items() if not {*manifest.runs, *manifest.failed} <= runs]
    found += _unfinished(results, recorded.runs.parent, freezes.HOME, store.checkpoints, store.scratch)
    if delete:
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found


def _unfinished(*homes: Path) -> list[Path]:
    """Return the temporary files (of `files.write_atomically`) that nobody is writing any more."""
    found = set()
    for path in (path for home in homes for path in home.rglob(".*.part")):
        with suppress(FileNotFoundError):  # just finished
            if path.is_file() and time.time() - path.stat().st_mtime > UNFINISHED_SECONDS:
                found.add(path)
    return sorted(found)


def _ways(config: Config) -> Iterator[Config]:
    """Yield the configurations in which a row may have another run: each precision and version of its dataset."""
    versions = {name: list(entry["versions"]) for name, entry in load_registry()["datasets"].items()}
    for chosen, precision in product([(), *zip_longest(*versions.values())], (None, "bfloat16")):
        changed = {name: version for name, version in zip(versions, chosen, strict=False) if version}
        data = config.data.model_copy(update={"versions": {**config.data.versions, **changed}})
        yield config.model_copy(update={"data": data, "precision": precision})
