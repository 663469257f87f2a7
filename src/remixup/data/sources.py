"""Find the files of a dataset, in a mirror folder or at the publisher, and verify them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from remixup.data import download
from remixup.data.builders import archives
from remixup.data.builders.archives import BadContentError
from remixup.data.catalog.descriptor import Dataset, File, Version
from remixup.errors import UserError
from remixup.files import sha256

_MIRROR_SETTING = "data.mirror in config.yaml, or REMIXUP_MIRROR"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A file for a builder.

    Args:
        file: Name in the descriptor.
        path: Path on this machine.
        sha256: Digest; None for a folder whose files have not been read yet.
        checked: How the file was verified: by its `sha256` or `md5`, by the digest of its `archive`, or (after it is
            read) by its `structure`.
    """

    file: str
    path: Path
    sha256: str | None
    checked: str


def mismatch(path: Path, file: File) -> str | None:
    """Return how the file at `path` differs from the descriptor `file`; None if it does not."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"it has {size:,} bytes, not {file.size:,}"
    for algorithm, expected in (("sha256", file.sha256), ("md5", file.md5)):
        if expected:
            with path.open("rb") as content:
                actual = hashlib.file_digest(content, algorithm).hexdigest()
            if actual != expected:
                return f"its {algorithm} is {actual}, not {expected}"
    return None


def gather(
    dataset: Dataset, version: Version, *, raw: Path, scratch: Path, mirror: Path | None, allow: bool, progress: bool
) -> list[Source]:
    """Return the verified files that the version's builder reads.

    Args:
        dataset: Dataset.
        version: Version of the dataset.
        raw: Folder for downloads.
        scratch: Folder for unpacked files; the caller removes it.
        mirror: Folder to search first.
        allow: Whether to download what the mirror lacks.
        progress: Whether to show the progress of downloads.

    Raises:
        UserError: A file is missing, wrong, or may not be downloaded.
    """
    if version.embedded:
        return []
    found = _from_mirror(dataset, version, mirror, scratch) if mirror else None
    if found is None and allow and version.downloadable:
        found = _from_publisher(version, raw, scratch, progress)
    if found is None:
        raise _unavailable(dataset, version, mirror)
    return found


def _from_mirror(dataset: Dataset, version: Version, mirror: Path, scratch: Path) -> list[Source] | None:
    """Return None if the mirror has no file of this version."""
    if not mirror.is_dir():
        raise UserError(f"the folder {mirror} does not exist", where=_MIRROR_SETTING)
    if (folder := version.folder) is not None and (path := mirror / folder.mirror_path).is_dir():
        return [Source(folder.mirror_path, path, None, "sha256" if folder.sha256 else "structure")]
    files = {file: mirror / file.mirror_path for file in version.files if file.mirror_path}
    present = [path for path in files.values() if path.is_file()]
    if files and len(present) == len(version.files):
        for file, path in files.items():
            _refuse_mismatch(dataset, file, path)
        return [_verified(file, path) for file, path in files.items()]
    packed = mirror / version.archive.mirror_path if version.archive and version.archive.mirror_path else None
    if version.archive and packed and packed.is_file():
        _refuse_mismatch(dataset, version.archive, packed)
        try:
            return _unpack(version, packed, scratch)
        except BadContentError as error:
            raise UserError(str(error), where=str(packed), hint=_restore(dataset)) from error
    if present:
        missing = next(path for path in files.values() if not path.is_file())
        raise UserError(
            f"the mirror lacks {missing.name} of {dataset.name}", where=str(missing), hint=_restore(dataset)
        )
    return None


def _from_publisher(version: Version, raw: Path, scratch: Path, progress: bool) -> list[Source]:
    if version.archive is not None:
        packed = _download(version.archive, raw, progress)
        try:
            return _unpack(version, packed, scratch)
        except BadContentError as error:
            raise _remove_download(packed, error) from error
    sources = []
    for file in version.files:
        served = _download(file, raw, progress)
        compressed = served.suffix == ".gz" and served.name != file.name
        path = scratch / file.name if compressed else served
        try:
            if compressed:
                archives.decompress(served, path)
            sources.append(_verify(version, file, path))
        except BadContentError as error:
            raise _remove_download(served, error) from error
    return sources


def _download(file: File, raw: Path, progress: bool) -> Path:
    """Return the file as the publisher serves it, from an earlier call if that is still intact."""
    assert file.url is not None
    target = raw / file.url.rpartition("/")[2]
    served = File(file.name) if target.name != file.name else file  # a digest is that of the unpacked content
    if not target.is_file() or mismatch(target, served):
        download.fetch(file.url, target, lambda path: mismatch(path, served), progress=progress)
    return target


def _remove_download(served: Path, error: BadContentError) -> UserError:
    """Remove a download that turned out to be wrong, so that the next call repeats it."""
    served.unlink(missing_ok=True)
    return UserError(
        f"the download is unusable and has been removed: {error}", where=str(served), hint="run the command again"
    )


def _unpack(version: Version, packed: Path, scratch: Path) -> list[Source]:
    if (folder := version.folder) is not None and version.archive is not None:
        path = scratch / "folder"
        archives.extract_folder(packed, folder.packed_path, path)
        known = version.archive.sha256 or version.archive.md5
        return [Source(folder.mirror_path, path, None, "archive" if known else "structure")]
    archives.extract(packed, [file.name for file in version.files], scratch)
    return [_verify(version, file, scratch / file.name) for file in version.files]


def _verify(version: Version, file: File, path: Path) -> Source:
    """Verify a file from the publisher; its bytes may differ from the known copy if its structure is known."""
    difference = mismatch(path, file)
    if difference is None:
        return _verified(file, path)
    if version.structure is None:
        raise BadContentError(f"{file.name} is not the published file: {difference}")
    _log.warning("%s is not the known copy (%s); checking the table in it instead", file.name, difference)
    return Source(file.name, path, sha256(path), "structure")


def _verified(file: File, path: Path) -> Source:
    checked = "sha256" if file.sha256 else "md5" if file.md5 else "archive"
    return Source(file.name, path, file.sha256 or sha256(path), checked)


def _refuse_mismatch(dataset: Dataset, file: File, path: Path) -> None:
    difference = mismatch(path, file)
    if difference is None:
        return
    others = [name for name, other in _files_with_digest(dataset) if mismatch(path, other) is None]
    hint = f"it is the file of version {others[0]!r}" if others else _restore(dataset)
    raise UserError(f"this is not the {file.name} of {dataset.name}: {difference}", where=str(path), hint=hint)


def _files_with_digest(dataset: Dataset) -> Iterator[tuple[str, File]]:
    """Yield every file that a digest identifies, with the name of its version."""
    for version in dataset.versions.values():
        for file in _all_files(version):
            if file.sha256 or file.md5:
                yield version.name, file


def _all_files(version: Version) -> tuple[File, ...]:
    return version.files if version.archive is None else (version.archive, *version.files)


def _restore(dataset: Dataset) -> str:
    return f"restore it from {dataset.homepage}"


def _unavailable(dataset: Dataset, version: Version, mirror: Path | None) -> UserError:
    wanted = [file.mirror_path for file in _all_files(version) if file.mirror_path]
    wanted += [f"{version.folder.mirror_path}/"] if version.folder else []
    hints = [f"point it to a folder that contains {wanted[0]}"] if wanted else []
    if version.downloadable:
        hints.append("set `data.download: true` to download from the publisher")
    if mirror is None:
        what = f"there is no mirror folder, and downloading the files of {dataset.name} ({version.name}) is not allowed"
    else:
        what = f"the mirror {mirror} has no {wanted[0] if wanted else 'file'} for {dataset.name} ({version.name})"
        for other in dataset.versions.values():
            if other.files and all(file.mirror_path and (mirror / file.mirror_path).is_file() for file in other.files):
                hints.insert(0, f"it has version {other.name!r}")
    return UserError(what, where=_MIRROR_SETTING, hint=", or ".join(hints))
