"""Run contenders in turns, each in its own process."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

Measured = TypeVar("Measured")


class Hosted:
    """An object in its own process, which shares no threads, allocator, GPU memory or settings with others.

    Args:
        make: a function or class of a module; it is called in that process, and may start processes itself.
        arguments: its arguments, picklable.

    Raises:
        RuntimeError: the call failed (with its traceback), or the process ended.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = getattr(make, "__name__", str(make))
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        theirs.close()
        self._receive()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Return the result of a method of the object."""
        self._connection.send((method, arguments))
        return self._receive()

    def _receive(self) -> Any:
        try:
            failure, value = self._connection.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"the process of {self._name} ended with {self._process.exitcode}") from None
        if failure:
            raise RuntimeError(f"{self._name} failed:\n{failure}")
        return value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()


def _serve(connection: Connection, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Create the object, then answer calls until the connection closes."""
    try:
        hosted = make(*arguments)
        connection.send((None, None))
        while True:
            method, given = connection.recv()
            connection.send((None, getattr(hosted, method)(*given)))
    except EOFError:
        return
    except Exception:
        connection.send((traceback.format_exc(), None))


def interleave(contenders: Mapping[str, Callable[[], Measured]], repeats: int) -> dict[str, list[Measured]]:
    """Return the measurements of each contender, in turns (A B C, A B C, ...) after one warm-up round.

    Drift of the machine affects all of them equally, so values of the same turn are comparable.
    """
    found: dict[str, list[Measured]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, measure in contenders.items():
            value = measure()
            if turn > 0:
                found[name].append(value)
    return found
