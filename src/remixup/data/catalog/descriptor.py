"""What the registry says of a dataset: its files, its versions, its terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["images", "image-files", "spectrograms", "series", "tabular", "points"]


@dataclass(frozen=True)
class File:
    """One file that a builder reads, or the archive that holds such files.

    Args:
        name: the name by which the builder asks for it; inside an archive, the member's name without its folders.
        sha256: digest of the content (of a file served as `.gz` whose name here has no `.gz`: of the unpacked content).
        md5: the same, where that is what the publisher prints.
        size: bytes of the content.
        url: the publisher's address.
        mirror_path: where a mirror folder holds it.
    """

    name: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    url: str | None = None
    mirror_path: str | None = None


@dataclass(frozen=True)
class Structure:
    """What the publisher states about a table: it admits a published file whose digest we could not learn.

    Args:
        features: columns of `x`.
        counts: rows of each class, in the order of the classes.
    """

    features: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Folder:
    """A folder with more files than can be listed here: images in `train/<class>/` and `val/<class>/`, or sounds.

    Args:
        mirror_path: where a mirror holds it.
        train: how many examples there are for training; 0 for all parts: that is not known beforehand.
        test: how many for the test; of images, those in `val`.
        sha256: digest of the files one after another, in the order of the examples, where it is known: those of the
            training part first, of the test part last.
        validation: how many examples the publisher sets apart for validation.
        packed_path: where the version's archive, if there is one, holds the folder; empty: it is the whole archive.
    """

    mirror_path: str
    train: int = 0
    test: int = 0
    sha256: str | None = None
    validation: int = 0
    packed_path: str = ""


@dataclass(frozen=True)
class Version:
    """One version of a dataset: the same name always stands for the same tensors.

    Args:
        name: its name.
        builder: `module.function` in `remixup.data` that turns the files into tensors.
        files: what the builder reads.
        archive: where the publisher packs the files into one.
        folder: what the builder reads where it walks through a folder instead.
        embedded: whether it needs neither network nor mirror.
        structure: where given, the table must have it; a file from the publisher may then have other bytes
            than the copy whose digest is on record (line ends, a header row). A file in a mirror may not.
        note: what a reader of a result should know about it.
    """

    name: str
    builder: str
    files: tuple[File, ...] = ()
    archive: File | None = None
    folder: Folder | None = None
    embedded: bool = False
    structure: Structure | None = None
    note: str = ""

    @property
    def downloadable(self) -> bool:
        """Whether the publisher serves it."""
        sources = (self.archive,) if self.archive else self.files
        return bool(sources) and all(source.url for source in sources)


@dataclass(frozen=True)
class Size:
    """How much there is of a dataset, in all its versions.

    Args:
        shape: of one example; of image files, which are of many shapes, empty.
        train: examples of the training part; of a dataset without a published split, all of them.
        test: examples of the test part; 0 where no split is published.
        validation: examples that the publisher sets apart for validation.
    """

    shape: tuple[int, ...]
    train: int
    test: int = 0
    validation: int = 0


@dataclass(frozen=True)
class Dataset:
    """A dataset and its versions, the first of which is the default.

    Args:
        name: its name, as in `remixup prepare NAME`.
        title: its name in prose.
        task: which tensors there are: `images` has train_x, train_y, test_x, test_y; `spectrograms` besides
            validation_x, validation_y, and so has `series`; `tabular` and `points` have x, y.
        classes: number of classes.
        versions: by name.
        licence: terms, as the publisher or the common statement has them.
        citation: BibTeX key.
        homepage: address.
        size: examples, and the shape of one.
        numerics: raised by one whenever the tensors that its builders make change.
    """

    name: str
    title: str
    task: Task
    classes: int
    versions: dict[str, Version]
    licence: str
    citation: str
    homepage: str
    size: Size
    numerics: int = 1


def versions(*given: Version) -> dict[str, Version]:
    """Versions by name, the default first."""
    return {version.name: version for version in given}
