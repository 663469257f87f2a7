"""Compare everything that is stored with its digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from remixup.analysis.records import HOME
from remixup.config.settings import UNAVAILABLE, Config
from remixup.errors import UserError
from remixup.files import read_mapping, sha256, visible
from remixup.store.blocks import Damaged, SeedBlock
from remixup.store.manifest import JobManifest
from remixup.store.run_store import Store, faults, weights_fault


def verify(config: Config) -> tuple[int, list[str]]:
    """Check prepared data, runs, checkpoints, evaluations, job manifests and records.

    Returns:
        How many files were checked, and what is wrong with some of them, in words.
    """
    store, results = Store(Path(config.results)), Path(config.results)
    weights = map(weights_fault, visible(store.checkpoints, "*/*.safetensors"))
    data = _data(Path(config.data.folder))
    found = [*data, *faults(store), *weights, *_manifests(results), *faults(Store(HOME))]
    return len(found), [fault for fault in found if fault]


def _data(folder: Path) -> Iterator[str | None]:
    for manifest in visible(folder, "prepared/*/manifest.json"):
        try:
            content = read_mapping(manifest)
            if UNAVAILABLE in content:
                continue  # it says only why there is no data
            digests = {"tensors.safetensors": content["sha256"]}
            if "images.bin" in content:
                digests["images.bin"] = content["images.bin"]["sha256"]
            for name, digest in digests.items():
                path = manifest.with_name(name)
                yield None if sha256(path) == digest else f"{path} differs from its manifest"
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield f"{manifest}: {error}"


def _manifests(results: Path) -> Iterator[str | None]:
    """Compare seed blocks, checkpoints and evaluations with the job manifests that list them."""
    for path in visible(results, "*/manifests/*.json"):
        try:
            manifest = JobManifest.read(path)
        except UserError as error:
            yield str(error)
            continue
        for run, blocks in manifest.runs.items():
            for name, digest in blocks.items():
                file = results / "runs" / run / f"{name}.json"
                try:
                    same = SeedBlock.read(file).digest == digest
                except Damaged:
                    same = False
                yield None if same else _difference(file, path)
        for name, digest in {**manifest.checkpoints, **manifest.evaluations}.items():
            same = Path(name).is_file() and sha256(Path(name)) == digest
            yield None if same else _difference(Path(name), path)


def _difference(file: Path, manifest: Path) -> str:
    return f"{file} is not what {manifest} lists" if file.exists() else f"{file} is missing, and {manifest} lists it"
