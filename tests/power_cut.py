"""What a power cut may leave of some writes, in the manner of ALICE (Pillai et al., OSDI 2014).

A recording lists what happened to files and folders. Until a file is flushed, a power cut may leave its old content,
nothing, half of it or zeros. Until a folder is flushed, any of the changes of its entries may be lost, whatever their
order. A rename within a folder is one change; one between folders is two.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.file_operations import comparable, is_temporary, watched

ROOT = 0
ALL = 8
"""Of more unflushed changes than this not all subsets are tried."""

Tree = dict[str, bytes | None]
"""Path -> content of a file, None for a folder."""


@dataclass
class Changed:
    """Entries of a folder changed, in one step."""

    folder: int
    entries: dict[str, int | None]


@dataclass
class Wrote:
    """A file has another content."""

    file: int
    content: bytes


@dataclass
class Flushed:
    """A file or a folder was flushed."""

    node: int


@dataclass
class Reported:
    """The program has reported what it wrote until now: it may not be lost from here on."""


Event = Changed | Wrote | Flushed | Reported


@dataclass
class Recording:
    """Events in a folder, and the paths at which files appeared.

    Files and folders have numbers, since names change. What is written is found by comparison before and after each
    operation.
    """

    home: Path
    before: list[Event] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    nodes: dict[str, int] = field(default_factory=lambda: {"": ROOT})
    contents: dict[int, bytes] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    moved_from: str = ""

    def __post_init__(self) -> None:
        """What is there at first is on the disk."""
        self.compare()
        self.before = [*self.events, *(Flushed(node) for node in self.nodes.values())]
        self.events = []

    def record(self, call: Callable[[], Any]) -> Any:
        """Call a function, record what it does to files, and that it then reports it."""
        rename = {name: getattr(os, name) for name in ("replace", "rename")}

        def named(name: str) -> Callable[..., Any]:
            def move(source: Any, target: Any) -> None:
                self.moved_from = self.relative(Path(os.path.abspath(source)))
                rename[name](source, target)

            return move

        for name in rename:
            setattr(os, name, named(name))
        try:
            with watched(self.home, lambda *_: self.compare(), self.after):
                found = call()
        finally:
            for name, real in rename.items():
                setattr(os, name, real)
        self.compare()
        self.events.append(Reported())
        return found

    def relative(self, path: Path) -> str:
        return "" if path == self.home else str(path.relative_to(self.home))

    def after(self, name: str, path: Path) -> None:
        where = self.relative(path)
        if name == "fsync":
            self.events.append(Flushed(self.nodes[where]))
        elif name in ("replace", "rename"):
            self.move(self.moved_from, where)
        elif name in ("unlink", "remove", "rmdir"):
            self.change({where: None})
            del self.nodes[where]

    def move(self, source: str, target: str) -> None:
        node = self.nodes[source]
        if os.path.dirname(source) == os.path.dirname(target):
            self.change({source: None, target: node})
        else:
            self.change({target: node})
            self.change({source: None})
        inside = [path for path in self.nodes if path == source or path.startswith(f"{source}/")]
        moved = {target + path[len(source) :]: self.nodes.pop(path) for path in inside}
        self.nodes |= moved

    def change(self, entries: dict[str, int | None]) -> None:
        folder = self.nodes[os.path.dirname(next(iter(entries)))]
        self.events.append(Changed(folder, {os.path.basename(path): node for path, node in entries.items()}))

    def compare(self) -> None:
        """Add what is new, and what has another content, since the last operation."""
        for path in sorted(self.home.rglob("*")):
            where = self.relative(path)
            new = where not in self.nodes
            node = self.nodes[where] = next(self.numbers) if new else self.nodes[where]
            if path.is_file() and self.contents.get(node) != (content := path.read_bytes()):
                self.contents[node] = content
                self.events.append(Wrote(node, content))
            if new:
                self.change({where: node})


@dataclass
class Disk:
    """What is certainly on the disk, and what is not yet."""

    entries: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    contents: dict[int, bytes] = field(default_factory=dict)
    files: set[int] = field(default_factory=set)
    changes: list[Changed] = field(default_factory=list)
    written: dict[int, bytes] = field(default_factory=dict)

    def happens(self, event: Event) -> None:
        if isinstance(event, Changed):
            self.changes.append(event)
        elif isinstance(event, Wrote):
            self.files.add(event.file)
            self.written[event.file] = event.content
        elif isinstance(event, Flushed) and event.node in self.files:
            self.contents[event.node] = self.written.pop(event.node, self.contents.get(event.node, b""))
        elif isinstance(event, Flushed):
            apply(self.entries, [each for each in self.changes if each.folder == event.node])
            self.changes = [each for each in self.changes if each.folder != event.node]

    def states(self) -> Iterator[Tree]:
        """Yield every tree that may be found after a power cut now."""
        for chosen in subsets(self.changes):
            entries = {folder: dict(names) for folder, names in self.entries.items()}
            apply(entries, chosen)
            paths = dict(self.reached(entries, ROOT, ""))
            unsure = sorted({node for node in paths.values() if node in self.written})
            for left in itertools.product(*(self.left(node) for node in unsure)):
                contents = self.contents | dict(zip(unsure, left, strict=True))
                yield {path: contents.get(node, b"") if node in self.files else None for path, node in paths.items()}

    def now(self) -> Tree:
        """Return the tree that a running program sees."""
        entries = {folder: dict(names) for folder, names in self.entries.items()}
        apply(entries, self.changes)
        contents = self.contents | self.written
        found = self.reached(entries, ROOT, "")
        return {path: contents.get(node, b"") if node in self.files else None for path, node in found}

    def reached(self, entries: dict[int, dict[str, int]], folder: int, path: str) -> Iterator[tuple[str, int]]:
        for name, node in entries.get(folder, {}).items():
            yield f"{path}{name}", node
            yield from self.reached(entries, node, f"{path}{name}/")

    def left(self, file: int) -> list[bytes]:
        """Return what may be left of a file that was written and not flushed."""
        old, new = self.contents.get(file, b""), self.written[file]
        return list(dict.fromkeys([old, new[: len(new) // 2], bytes(len(new)), new]))


def apply(entries: dict[int, dict[str, int]], changes: list[Changed]) -> None:
    for change in changes:
        names = entries.setdefault(change.folder, {})
        for name, node in change.entries.items():
            names.pop(name, None)
            if node is not None:
                names[name] = node


def subsets(changes: list[Changed]) -> Iterator[list[Changed]]:
    """Yield all subsets; of many changes those that lack or have the last ones, one or two."""
    count = len(changes)
    if count <= ALL:
        chosen = (set(each) for size in range(count + 1) for each in itertools.combinations(range(count), size))
    else:
        prefixes = [set(range(end)) for end in range(count + 1)]
        few = [set(each) for size in (1, 2) for each in itertools.combinations(range(count), size)]
        chosen = iter([*prefixes, *few, *(set(range(count)) - each for each in few)])
    return ([change for index, change in enumerate(changes) if index in each] for each in chosen)


@dataclass
class Cut:
    """What a power cut left, and what it may have left of each file of the store."""

    tree: Tree
    possible: dict[str, list[Any]]

    def faults(self) -> list[str]:
        """Return the files that are neither what was reported nor a later version, and weights without their digest."""
        found = []
        for path, versions in self.possible.items():
            content = self.tree.get(path)
            if (None if content is None else comparable(Path(path), content)) not in versions:
                found.append(f"{path} is {'lost' if content is None else 'not one of its versions'}")
        for path in self.tree:
            if path.startswith("checkpoints/") and path.endswith(".safetensors") and not is_temporary(path):
                digest = str(Path(path).with_suffix(".json"))
                found += [] if self.tree.get(digest) else [f"{path} has no digest"]
        return found


def cuts(recording: Recording, events: list[Event]) -> Iterator[Cut]:
    """Yield every state that a power cut may leave after any of the events, each once.

    Args:
        recording: says what was there before.
        events: of the recording, or some of them.
    """
    disk, seen, possible, changes = Disk(), set(), dict[str, list[Any]](), 0
    for event in recording.before:
        disk.happens(event)
    for event in [Reported(), *events]:
        disk.happens(event)
        now = {path: comparable(Path(path), content) for path, content in disk.now().items() if content is not None}
        for path in sorted(now.keys() | possible.keys()):
            if is_temporary(path):
                continue
            versions = possible.setdefault(path, [None])
            if isinstance(event, Reported) and versions != [now.get(path)]:
                versions[:], changes = [now.get(path)], changes + 1
            elif versions[-1] != now.get(path):
                versions.append(now.get(path))
                changes += 1
        for tree in disk.states():
            key = frozenset(tree.items()), changes
            if key not in seen:
                seen.add(key)
                yield Cut(tree, {path: list(versions) for path, versions in possible.items()})


def flushes(recording: Recording) -> list[int]:
    """Return the positions of the flushes that bring something to the disk; others may as well be left out."""
    disk, found = Disk(), []
    for event in recording.before:
        disk.happens(event)
    for position, event in enumerate(recording.events):
        if isinstance(event, Flushed):
            pending = {change.folder for change in disk.changes} | disk.written.keys()
            found += [position] if event.node in pending else []
        disk.happens(event)
    return found


def restore(tree: Tree, folder: Path) -> None:
    """Make the files and folders that a power cut left."""
    folder.mkdir(parents=True)
    for path, content in sorted(tree.items()):
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)
