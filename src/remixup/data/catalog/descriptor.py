"""Descriptors of datasets: their versions, files and terms, and the interface of their builders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from numpy.typing import NDArray

Task = Literal["images", "image-files", "spectrograms", "series", "tabular", "points"]


@dataclass(frozen=True)
class File:
    """A file that a builder reads, or an archive of such files.

    Args:
        name: Name by which the builder asks for it; in an archive, the member's name without its folders.
        sha256: Digest of the content. Where the publisher serves `.gz` and `name` does not end so: of the unpacked
            content.
        md5: Same, where no SHA-256 is known.
        url: Address at the publisher.
        mirror_path: Path in a mirror folder.
        elsewhere: Another path in a mirror folder, where another program puts the file.
    """

    name: str
    sha256: str | None = None
    md5: str | None = None
    url: str | None = None
    mirror_path: str | None = None
    elsewhere: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Paths in a mirror folder, the first that exists counts; `.gz` where the publisher serves it packed."""
        paths = [path for path in (self.mirror_path, self.elsewhere) if path]
        packed = (self.url or "").endswith(".gz") and not self.name.endswith(".gz")
        return (*paths, *(f"{path}.gz" for path in paths if packed))


@dataclass(frozen=True)
class Folder:
    """A folder with too many files to list: images in `train/<class>/` and `val/<class>/`, or recordings.

    Args:
        mirror_path: Path in a mirror folder.
        sha256: Digest of the concatenated files, if known: training part, validation part, test part.
        packed_path: Path of the folder in the version's archive; empty if the archive has nothing else.
        counted: Whether the dataset's size is exact, so that other numbers of examples are an error.
    """

    mirror_path: str
    sha256: str | None = None
    packed_path: str = ""
    counted: bool = True


@dataclass(frozen=True)
class RawFiles:
    """Input of a builder.

    Args:
        files: Path of each verified file, by its name in the descriptor.
        folder: `raw/` of the data folder.
        scratch: Folder for files that a builder generates; it is removed when the dataset is prepared.
    """

    files: Mapping[str, Path]
    folder: Path
    scratch: Path

    @property
    def root(self) -> Path:
        """The folder to read, for a version that has one folder instead of files."""
        (root,) = self.files.values()
        return root


@dataclass(frozen=True)
class Arrays:
    """Output of a builder.

    Args:
        tensors: By task.
            images: `train_x`, `test_x` (n, C, H, W) uint8 and `train_y`, `test_y` (n,) int64.
            spectrograms and series: the same names and `validation_x`, `validation_y`; x is float16
            (n, 1, frequencies, frames) or (n, channels, time).
            image-files: `train_y` and `test_y` only.
            tabular and points without a published split: `x` (n, F) float32, missing values NaN, and `y` (n,).
            Labels are int64, 0 to C - 1; regression labels are float32.
        class_names: Names of the classes, in the order of the labels.
        image_files: Paths of image files, training part first.
        sha256: Digest of the concatenated files of a folder that was read.
    """

    tensors: dict[str, NDArray[Any]]
    class_names: tuple[str, ...] | None = None
    image_files: tuple[str, ...] = ()
    sha256: str | None = None


Builder = Callable[[RawFiles], Arrays]


@dataclass(frozen=True)
class Version:
    """A version of a dataset; its tensors never change.

    Args:
        name: Name of the version.
        builder: Function that turns the files into arrays.
        files: Files that the builder reads.
        archive: Archive in which the publisher packs the files.
        folder: Folder that the builder reads instead of files.
        counts: Rows of each class of a table. With them, a file from the publisher may differ in its bytes (line
            endings, a header row) from the known digest; a file in a mirror may not.
        note: What a reader of a result should know.
    """

    name: str
    builder: Builder
    files: tuple[File, ...] = ()
    archive: File | None = None
    folder: Folder | None = None
    counts: tuple[int, ...] = ()
    note: str = ""

    @property
    def in_mirror(self) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """The ways in which a mirror has the version: for each of its files the paths, one of which must exist.

        A folder has a slash at its end.
        """
        folder = (((f"{self.folder.mirror_path}/",),),) if self.folder else ()
        files = tuple(file.places for file in self.files)
        archive = ((self.archive.places,),) if self.archive and self.archive.places else ()
        return (*folder, *((files,) if files and all(files) else ()), *archive)

    @property
    def embedded(self) -> bool:
        """True if the builder needs neither network nor mirror."""
        return not self.files and self.folder is None

    @property
    def downloadable(self) -> bool:
        """True if the publisher serves all files without an account."""
        served = (self.archive,) if self.archive else self.files
        return bool(served) and all(file.url for file in served)


@dataclass(frozen=True)
class Size:
    """Size of a dataset, the same in all its versions.

    Args:
        shape: Shape of one example; empty for image files, whose shapes differ.
        train: Training examples; all examples of a dataset without a published split.
        test: Test examples; 0 without a published split.
        validation: Examples of the published validation part.
        test_units: Independent units of the test part (speakers, patients) where one has several examples; None: each
            example is a unit.
    """

    shape: tuple[int, ...]
    train: int
    test: int = 0
    validation: int = 0
    test_units: int | None = None


@dataclass(frozen=True)
class Origin:
    """Origin of a dataset.

    Args:
        citation: BibTeX key in `paper/references.bib`, or empty.
        homepage: Address of the dataset.
        license: Terms of use, as the publisher states them.
    """

    citation: str
    homepage: str
    license: str = "none needed"


@dataclass(frozen=True)
class Dataset:
    """A dataset and its versions, the default first.

    Args:
        name: Name in experiment files and in `remixup prepare NAME`.
        title: Name in prose.
        task: Kind of data; decides which tensors there are (see `Arrays`).
        classes: Number of classes; of a regression dataset, numbers in a label.
        versions: Versions by name.
        size: Numbers of examples and shape of one.
        origin: Publication, address and terms of use.
        numerics: Raised by one when a change of a builder changes the tensors.
        numeric: Whether labels are numbers (regression) and not classes.
    """

    name: str
    title: str
    task: Task
    classes: int
    versions: dict[str, Version]
    size: Size
    origin: Origin
    numerics: int = 1
    numeric: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown task, which would otherwise be found when a row trains."""
        if self.task not in get_args(Task):
            raise ValueError(f"dataset {self.name}: unknown task {self.task!r}; valid: {', '.join(get_args(Task))}")


def versions(*given: Version) -> dict[str, Version]:
    """Return versions by name, the default first."""
    return {version.name: version for version in given}


def describe(
    builder: Builder,
    title: str,
    task: Task,
    classes: int,
    size: Size,
    note: str,
    *,
    origin: Origin,
    name: str | None = None,
    version: str = "generated",
    files: tuple[File, ...] = (),
    archive: File | None = None,
    folder: Folder | None = None,
    numerics: int = 1,
    numeric: bool = False,
) -> Dataset:
    """Return the descriptor of a dataset with one version.

    By default it is synthetic, needs no files, and has the name of its builder, with hyphens.
    """
    only = versions(Version(version, builder, files, archive, folder, note=note))
    name = name or builder.__name__.replace("_", "-")
    return Dataset(name, title, task, classes, only, size, origin, numerics, numeric)
