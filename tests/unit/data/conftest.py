"""A small publisher on this machine, and a dataset of it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from remixup.data import download
from remixup.data.builders import uci
from remixup.data.catalog.descriptor import Arrays, Dataset, File, Origin, Size, Version
from remixup.data.catalog.registry import REGISTRY

PULSARS = "1.5,2,3,4,5,6,7,8,0\n10,20,30,40,50,60,70,80.25,1\n-1,-2,-3,-4,-5,-6,-7,-8,0\n"


@dataclass
class Publisher:
    """Serves `files`; `cuts` says after how many bytes to hang up on the first, second ... request."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        content = self.files.get(handler.path.lstrip("/"))
        if self.answers or content is None:
            handler.send_error(self.answers.pop(0) if self.answers else 404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if start and start >= len(content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        body = content[start:]
        handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)
        handler.close_connection = True


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(download, "PAUSES_S", (0.0, 0.0, 0.0))
    served = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.reply(self)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        served.url = f"http://127.0.0.1:{server.server_port}"
        yield served
        server.shutdown()
        thread.join()


Enter = Callable[..., Dataset]


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Puts a dataset called `toy` into the registry, by default one file of pulsars in a mirror."""

    def enter(*versions: Version, **changes: object) -> Dataset:
        given = versions or (pulsars(),)
        values = {
            "title": "Toy",
            "task": "tabular",
            "classes": 2,
            "origin": Origin("me", "http://x", "none"),
            "size": Size((8,), 3),
        }
        dataset = Dataset(name="toy", versions={version.name: version for version in given}, **{**values, **changes})  # type: ignore[arg-type]
        monkeypatch.setitem(REGISTRY, "toy", dataset)
        return dataset

    return enter


def pulsars(
    name: str = "one",
    content: str = PULSARS,
    *,
    url: str | None = None,
    archive: File | None = None,
    counts: tuple[int, ...] = (),
    mirror_path: str | None = "toy/HTRU_2.csv",
    elsewhere: str | None = None,
) -> Version:
    """A version with three pulsar candidates."""
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    file = File("HTRU_2.csv", sha256=sha256, url=url, mirror_path=mirror_path, elsewhere=elsewhere)
    return Version(name, uci.htru2, (file,), archive, counts=counts, note=f"version {name}")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror folder with the file of pulsars."""
    path = tmp_path / "mirror" / "toy" / "HTRU_2.csv"
    path.parent.mkdir(parents=True)
    path.write_text(PULSARS)
    return tmp_path / "mirror"


def fingerprint(arrays: Arrays) -> str:
    """Return the first digits of the SHA-256 of all tensors."""
    total = hashlib.sha256()
    for name, array in sorted(arrays.tensors.items()):
        total.update(f"{name} {array.shape} {array.dtype.newbyteorder('<').str}".encode() + array.tobytes())
    return total.hexdigest()[:12]


def leave_behind(root: Path, *names: str) -> None:
    """Write files that macOS, notebooks or people leave in a folder of data, and that are no data."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not data")
