"""Contenders take turns, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

Measured = TypeVar("Measured")


class Hosted:
    """An object in a process of its own: its threads, allocator, GPU memory and settings meet nobody else's.

    Args:
        make: a function or class of a module's, called in that process; it may start processes itself.
        arguments: picklable.

    Raises:
        RuntimeError: with the traceback of what failed there, or that the process has ended.
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

    What drifts on the machine meanwhile meets all of them alike, so values of the same turn may be compared.
    """
    found: dict[str, list[Measured]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, measure in contenders.items():
            value = measure()
            if turn > 0:
                found[name].append(value)
    return found
