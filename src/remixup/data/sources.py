"""Find the files of a dataset, in a mirror folder or at the publisher, and verify them."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from remixup.data import download
from remixup.data.builders.archives import BadContentError, decompress, unpack
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
    expected, algorithm = (file.sha256, "sha256") if file.sha256 else (file.md5, "md5")
    if not expected:
        return None
    with path.open("rb") as content:
        actual = hashlib.file_digest(content, algorithm).hexdigest()
    return None if actual == expected else f"its {algorithm} is {actual}, not {expected}"


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
    found = {file: place for file in version.files if (place := _find(file, mirror))}
    if found and len(found) == len(version.files):
        return [_from_file(dataset, file, place, scratch) for file, place in found.items()]
    if version.archive and (packed := _find(version.archive, mirror)):
        _refuse_mismatch(dataset, version.archive, packed, packed)
        return _unpack(version, packed, scratch)
    if found:
        missing = next(file for file in version.files if file not in found)
        raise UserError(
            f"the mirror lacks {missing.name} of {dataset.name}",
            where=str(mirror / (missing.mirror_path or missing.name)),
            hint=f"restore it from {dataset.origin.homepage}",
        )
    return None


def _find(file: File, mirror: Path) -> Path | None:
    return next((mirror / place for place in file.places if (mirror / place).is_file()), None)


def _from_file(dataset: Dataset, file: File, path: Path, scratch: Path) -> Source:
    """Verify a file of a mirror; one that is packed as the publisher serves it is unpacked first."""
    content = path
    if path.suffix == ".gz" and not file.name.endswith(".gz"):
        content = scratch / file.name
        try:
            decompress(path, content)
        except BadContentError as error:
            raise UserError(error.what, where=str(path), hint=f"restore it from {dataset.origin.homepage}") from error
    _refuse_mismatch(dataset, file, content, path)
    return _verified(file, content)


def _from_publisher(version: Version, raw: Path, scratch: Path, progress: bool) -> list[Source]:
    sources = []
    for file in (version.archive,) if version.archive else version.files:
        served = _download(file, raw, progress)
        try:
            if file is version.archive:
                return _unpack(version, served, scratch)
            path = served
            if served.suffix == ".gz" and served.name != file.name:
                path = scratch / file.name
                decompress(served, path)
            sources.append(_verify(version, file, path))
        except BadContentError as error:
            served.unlink(missing_ok=True)  # the next call repeats the download
            what = f"the download is unusable and has been removed: {error}"
            raise UserError(what, where=str(served), hint="run the command again") from error
    return sources


def _download(file: File, raw: Path, progress: bool) -> Path:
    """Return the file as the publisher serves it, from an earlier call if that is still intact."""
    assert file.url is not None
    target = raw / file.url.rpartition("/")[2]
    served = File(file.name) if target.name != file.name else file  # a digest is that of the unpacked content
    if not target.is_file() or mismatch(target, served):
        download.fetch(file.url, target, lambda path: mismatch(path, served), progress=progress)
    return target


def _unpack(version: Version, packed: Path, scratch: Path) -> list[Source]:
    assert version.archive is not None
    unpack(packed, scratch)
    if (folder := version.folder) is not None:
        path = scratch / folder.packed_path
        if not path.is_dir():
            raise BadContentError(f"it has no folder {folder.packed_path}")
        known = version.archive.sha256 or version.archive.md5
        return [Source(folder.mirror_path, path, None, "archive" if known else "structure")]
    found = {path.name: path for path in sorted(scratch.rglob("*")) if path.is_file()}
    if missing := [file.name for file in version.files if file.name not in found]:
        raise BadContentError(f"it has no {', '.join(missing)}")
    return [_verify(version, file, found[file.name]) for file in version.files]


def _verify(version: Version, file: File, path: Path) -> Source:
    """Verify a file from the publisher; its bytes may differ from the known copy if its structure is known."""
    difference = mismatch(path, file)
    if difference is None:
        return _verified(file, path)
    if not version.counts:
        raise BadContentError(f"{file.name} is not the published file: {difference}")
    _log.warning("%s is not the known copy (%s); checking the table in it instead", file.name, difference)
    return Source(file.name, path, sha256(path), "structure")


def _verified(file: File, path: Path) -> Source:
    checked = "sha256" if file.sha256 else "md5" if file.md5 else "archive"
    return Source(file.name, path, file.sha256 or sha256(path), checked)


def _refuse_mismatch(dataset: Dataset, file: File, content: Path, path: Path) -> None:
    if (difference := mismatch(content, file)) is not None:
        what = f"this is not the {file.name} of {dataset.name}: {difference}"
        raise UserError(what, where=str(path), hint=f"restore it from {dataset.origin.homepage}")


def _unavailable(dataset: Dataset, version: Version, mirror: Path | None) -> UserError:
    archive = (version.archive,) if version.archive else ()
    wanted = [file.mirror_path for file in (*archive, *version.files) if file.mirror_path]
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
