"""Every operation on files below a folder, told before and after it happens: to record it, fail it, or die there."""

import builtins
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from remixup.training import checkpoints

Told = Callable[[str, Path], None]
"""Gets the operation's name and the path that it reads or changes, of a move the target. An error stops it."""


class _Written:
    """A file that is being written; what stops the writing comes after half of it."""

    def __init__(self, file: Any, tell: Callable[[], None]) -> None:
        self.file, self.tell = file, tell

    def write(self, content: Any) -> int:
        try:
            self.tell()
        except BaseException:
            self.file.write(content[: len(content) // 2])
            self.file.flush()
            raise
        written: int = self.file.write(content)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "_Written":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


class Watch:
    """Functions that tell of operations below a folder, and then carry them out.

    Nothing is really flushed. safetensors works in Rust; its reading and its writing of a file are one operation each.
    """

    def __init__(self, folder: Path, before: Told, after: Told) -> None:
        self.root, self.before, self.after, self.busy = os.path.abspath(folder), before, after, False
        self.real: dict[tuple[Any, str], Any] = {}

    def below(self, path: Any, at: int | None = None) -> Path | None:
        """Return the absolute path, given by name or by a handle; None outside the folder."""
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        if at is not None:
            path = os.path.join(os.readlink(f"/proc/self/fd/{at}"), path)
        whole = os.path.abspath(os.fspath(path))
        return Path(whole) if f"{whole}/".startswith(f"{self.root}/") else None

    def tell(self, listener: Told, name: str, path: Path | None) -> None:
        """Tell of an operation, but of none that the listener makes itself."""
        if path is None or self.busy:
            return
        self.busy = True
        try:
            listener(name, path)
        finally:
            self.busy = False

    def around(self, name: str, path: Path | None, run: Callable[[], Any]) -> Any:
        self.tell(self.before, name, path)
        found = run()
        self.tell(self.after, name, path)
        return found

    def replace(self, place: Any, name: str, function: Callable[..., Any]) -> None:
        """Replace a function until the watch ends; it gets the real one first."""
        real = self.real[place, name] = getattr(place, name)
        setattr(place, name, lambda *given, **named: function(real, *given, **named))

    def replace_all(self) -> None:
        def on_one(name: str) -> Callable[..., Any]:
            return lambda real, path=".", *rest, **named: self.around(
                name, self.below(path, named.get("dir_fd")), lambda: real(path, *rest, **named)
            )

        def open_file(real: Any, path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            where = None if isinstance(path, int) else self.below(path)
            writes = not set(mode).isdisjoint("wax")
            file = self.around("create" if writes else "read", where, lambda: real(path, mode, *rest, **named))
            return _Written(file, lambda: self.tell(self.before, "write", where)) if writes and where else file

        def save(real: Any, tensors: Any, path: Any, said: Any) -> None:
            try:
                self.around("write", self.below(path), lambda: real(tensors, path, said))
            except OSError as error:
                raise SafetensorError(f"Error while serializing: {error.strerror} (os error {error.errno})") from None

        for name in ("mkdir", "rmdir", "unlink", "remove", "scandir", "listdir", "stat", "open"):
            self.replace(os, name, on_one(name))
        for name in ("replace", "rename"):
            self.replace(os, name, lambda real, a, b, name=name: self.around(name, self.below(b), lambda: real(a, b)))
        self.replace(os, "fsync", lambda _, handle: self.around("fsync", self.below(handle), lambda: None))
        for place in (io, builtins):
            self.replace(place, "open", open_file)
        self.replace(checkpoints, "save_file", save)
        self.replace(
            checkpoints,
            "safe_open",
            lambda real, path, kind: self.around("read", self.below(path), lambda: real(path, kind)),
        )


@contextmanager
def watched(folder: Path, before: Told, after: Told = lambda *_: None) -> Iterator[None]:
    """Tell of each operation on a path below the folder, or on the folder itself."""
    watch = Watch(folder, before, after)
    watch.replace_all()
    try:
        yield
    finally:
        for (place, name), real in watch.real.items():
            setattr(place, name, real)


class Fails:
    """Fails the k-th operation with an error of the system; counts all of them."""

    def __init__(self, number: int, code: int) -> None:
        self.number, self.code = number, code
        self.seen: list[tuple[str, Path]] = []

    def __call__(self, name: str, path: Path) -> None:
        self.seen.append((name, path))
        if len(self.seen) == self.number:
            raise OSError(self.code, os.strerror(self.code), *([] if name in ("write", "fsync") else [str(path)]))


def files_below(folder: Path) -> dict[str, Any]:
    """The content of every file, by its path in the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError, IsADirectoryError):
            found[str(path.relative_to(folder))] = comparable(path, path.read_bytes())
    return found


def comparable(path: Path, content: bytes) -> Any:
    """Return what two files of the same meaning share: metadata in any order, and times and digests left out."""
    try:
        if path.suffix == ".json":
            found = json.loads(content)
            return repr({name: value for name, value in found.items() if name not in ("provenance", "sha256")})
        if path.suffix == ".safetensors":
            size = int.from_bytes(content[:8], "little")
            return json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True), content[8 + size :]
    except ValueError:
        pass  # cut off
    return content


def is_temporary(name: str) -> bool:
    """Return whether a file is not yet, or no longer, part of the store."""
    return any(part.endswith((".part", ".lock")) or part.startswith(".tmp") for part in Path(name).parts)
