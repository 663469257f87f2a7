"""Where a dataset's files come from: a mirror folder, else the publisher; each one checked before anybody reads it."""

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

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A file at hand for a builder.

    Args:
        file: its name in the registry.
        path: where it lies.
        sha256: its digest; of a folder None until its files have been read.
        checked: what vouches for it: its `sha256` or `md5`, the digest of the `archive` it was in, or (still to be
            shown by what was read) its `structure`.
    """

    file: str
    path: Path
    sha256: str | None
    checked: str


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def mismatch(path: Path, file: File) -> str | None:
    """How the file at `path` differs from what the registry says of `file`; None where it does not."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"it has {size:,} bytes, not {file.size:,}"
    for algorithm, expected in (("sha256", file.sha256), ("md5", file.md5)):
        if expected and (actual := digest(path, algorithm)) != expected:
            return f"its {algorithm} is {actual}, not {expected}"
    return None


def gather(
    dataset: Dataset, version: Version, *, raw: Path, scratch: Path, mirror: Path | None, allow: bool, progress: bool
) -> list[Source]:
    """The files that the version's builder reads.

    Args:
        dataset: the dataset.
        version: the version of it.
        raw: where downloads are kept.
        scratch: where unpacked files go; the caller removes it.
        mirror: a folder that holds the files, asked first.
        allow: whether to download what the mirror lacks.
        progress: show how far a download is.

    Raises:
        UserError: a file is missing, is not the right one, or may not be fetched.
    """
    if version.embedded:
        return []
    found = _from_mirror(dataset, version, mirror, scratch) if mirror else None
    if found is None and allow and version.downloadable:
        found = _from_publisher(version, raw, scratch, progress)
    if found is None:
        raise _unobtainable(dataset, version, mirror)
    return found


def _from_mirror(dataset: Dataset, version: Version, mirror: Path, scratch: Path) -> list[Source] | None:
    """None where the mirror has nothing of this version."""
    if not mirror.is_dir():
        raise UserError(f"there is no folder {mirror}", where="data.mirror in config.yaml, or REMIXUP_MIRROR")
    if (folder := version.folder) is not None and (path := mirror / folder.mirror_path).is_dir():
        return [Source(folder.mirror_path, path, None, "sha256" if folder.sha256 else "structure")]
    files = {file: mirror / file.mirror_path for file in version.files if file.mirror_path}
    present = [path for path in files.values() if path.is_file()]
    if files and len(present) == len(version.files):
        for file, path in files.items():
            _refuse_mismatch(dataset, file, path)
        return [_source(file, path) for file, path in files.items()]
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
            raise _dropped(packed, error) from error
    sources = []
    for file in version.files:
        served = _download(file, raw, progress)
        compressed = served.suffix == ".gz" and served.name != file.name
        path = scratch / file.name if compressed else served
        try:
            if compressed:
                archives.unzip(served, path)
            sources.append(_vouched(version, file, path))
        except BadContentError as error:
            raise _dropped(served, error) from error
    return sources


def _download(file: File, raw: Path, progress: bool) -> Path:
    """The file as the publisher serves it, kept from an earlier call if that is still intact."""
    assert file.url is not None
    target = raw / file.url.rpartition("/")[2]
    served = File(file.name) if target.name != file.name else file  # a digest is that of the unpacked content
    if not target.is_file() or mismatch(target, served):
        download.fetch(file.url, target, lambda path: mismatch(path, served), progress=progress)
    return target


def _dropped(served: Path, error: BadContentError) -> UserError:
    """Removes a download that turned out to be wrong, so that the next call fetches it again."""
    served.unlink(missing_ok=True)
    return UserError(
        f"the download was of no use and has been removed: {error}", where=str(served), hint="run it again"
    )


def _unpack(version: Version, packed: Path, scratch: Path) -> list[Source]:
    if (folder := version.folder) is not None and version.archive is not None:
        path = scratch / "folder"
        archives.extract_folder(packed, folder.packed_path, path)
        known = version.archive.sha256 or version.archive.md5
        return [Source(folder.mirror_path, path, None, "archive" if known else "structure")]
    archives.extract(packed, [file.name for file in version.files], scratch)
    return [_vouched(version, file, scratch / file.name) for file in version.files]


def _vouched(version: Version, file: File, path: Path) -> Source:
    """A file from the publisher, which may have other bytes than the one on record where its structure is known."""
    wrong = mismatch(path, file)
    if wrong is None:
        return _source(file, path)
    if version.structure is None:
        raise BadContentError(f"{file.name} is not the published file: {wrong}")
    _log.warning("%s is not the copy on record (%s); the table read from it is checked instead", file.name, wrong)
    return Source(file.name, path, digest(path), "structure")


def _source(file: File, path: Path) -> Source:
    checked = "sha256" if file.sha256 else "md5" if file.md5 else "archive"
    return Source(file.name, path, file.sha256 or digest(path), checked)


def _refuse_mismatch(dataset: Dataset, file: File, path: Path) -> None:
    wrong = mismatch(path, file)
    if wrong is None:
        return
    others = [name for name, other in _digested(dataset) if mismatch(path, other) is None]
    hint = f"it is the file of version {others[0]!r}" if others else _restore(dataset)
    raise UserError(f"this is not the {file.name} of {dataset.name}: {wrong}", where=str(path), hint=hint)


def _digested(dataset: Dataset) -> Iterator[tuple[str, File]]:
    """Every file of the dataset that a digest identifies, with the name of its version."""
    for version in dataset.versions.values():
        for file in _all_files(version):
            if file.sha256 or file.md5:
                yield version.name, file


def _all_files(version: Version) -> tuple[File, ...]:
    return version.files if version.archive is None else (version.archive, *version.files)


def _restore(dataset: Dataset) -> str:
    return f"restore it from {dataset.homepage}"


def _unobtainable(dataset: Dataset, version: Version, mirror: Path | None) -> UserError:
    wanted = [file.mirror_path for file in _all_files(version) if file.mirror_path]
    wanted += [f"{version.folder.mirror_path}/"] if version.folder else []
    where = "data.mirror in config.yaml, or REMIXUP_MIRROR"
    ways = [f"point it to a folder that holds {wanted[0]}"] if wanted else []
    if version.downloadable:
        ways.append("set `data.download: true` to fetch it from the publisher")
    if mirror is None:
        what = f"no mirror folder is given and the files of {dataset.name} ({version.name}) may not be downloaded"
    else:
        what = f"the mirror {mirror} has no {wanted[0] if wanted else 'file'} for {dataset.name} ({version.name})"
        for other in dataset.versions.values():
            if other.files and all(file.mirror_path and (mirror / file.mirror_path).is_file() for file in other.files):
                ways.insert(0, f"it has version {other.name!r}")
    return UserError(what, where=where, hint=", or ".join(ways))
