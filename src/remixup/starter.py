"""One start-up for many commands: a process that has imported what they need, and forks for each.

To import torch, what its optimisers need and scikit-learn takes seconds, longer than many a job of an embedded report
computes. For the workflow alone: `begin` starts that process, and

    python starter.py SOCKET ARGUMENT...

is `remixup ARGUMENT...`: it asks there, waits until the imports are done, and runs the command itself where nobody
listens any more. It imports nothing but what is named here. Its folder, environment and standard streams become the
command's, and the command's exit status its own.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress

_WHOLE = 4
"""Bytes of a number in front of a message."""
_SERVE = "--serve"


def begin(path: str) -> subprocess.Popen[bytes]:
    """Starts the process, which serves at a socket as soon as it has imported, and ends with its standard input.

    The socket is there at once, so that who asks meanwhile waits: a command that began to import at the same time would
    be in the way.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)  # of one that was killed
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o600)  # who can write to it can run commands; before anybody can connect
        listener.listen(socket.SOMAXCONN)
        number = listener.fileno()
        program = [sys.executable, "-m", "remixup.starter", _SERVE, path, str(number)]
        return subprocess.Popen(program, stdin=subprocess.PIPE, pass_fds=[number])


def ask(path: str, arguments: list[str]) -> int:
    """Has a command carried out by who listens at a socket; its exit status.

    A signal that ends this process ends the command. One from the terminal reaches both without help.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
        command = _begun(connection, arguments)
    except OSError:  # nobody listens, or whoever did has ended before the command began
        os.execv(sys.executable, [sys.executable, "-m", "remixup", *arguments])
    try:
        status = _ended(connection, command)
    except ConnectionError:
        status = b""
    if not status:
        print(f"error: the process of `remixup {' '.join(arguments)}` was killed", file=sys.stderr)
    return status[0] if status else 1


def _begun(connection: socket.socket, arguments: list[str]) -> int:
    """The process that carries out a command on a connection's other side."""
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    content = json.dumps(request).encode()
    socket.send_fds(connection, [len(content).to_bytes(_WHOLE, "big")], [0, 1, 2])
    connection.sendall(content)
    return int.from_bytes(_receive(connection, _WHOLE), "big")


def _ended(connection: socket.socket, command: int) -> bytes:
    """The exit status of a command; nothing where it ends without one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def hand_on(number: int, _: object) -> None:
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(command, number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, hand_on)
    status = connection.recv(1)
    connection.recv(1)  # nothing: it closes when the process has ended
    return status


def serve(path: str, listener: socket.socket) -> None:
    """Imports, then carries out the commands that are asked for at a socket, each in a process of its own.

    It ends when standard input does: whoever started this process is gone then, or has no use for it.
    """
    _import()
    gc.freeze()  # what is there now stays: processes need not look at it, and share it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            _carry_out(connection)
        connection.close()
    os.unlink(path)


def _import() -> None:
    from remixup import cli

    cli.one_thread()
    import sklearn.linear_model  # noqa: F401
    import torch

    import remixup.analysis.aggregate
    import remixup.evaluation.runner
    import remixup.reporting.build
    import remixup.training.runner  # noqa: F401

    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])  # the first one imports torch's compiler


def _carry_out(connection: socket.socket) -> None:
    """Becomes the process of the command that is asked for, and ends with it."""
    try:
        size, streams, _, _ = socket.recv_fds(connection, _WHOLE, 3)
        request = json.loads(_receive(connection, int.from_bytes(size, "big")))
        connection.sendall(os.getpid().to_bytes(_WHOLE, "big"))
    except (ConnectionError, ValueError):  # who asked has not waited
        sys.exit(1)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    status = _status(request["arguments"])
    connection.sendall(bytes([status]))
    sys.exit(status)


def _status(arguments: list[str]) -> int:
    """Runs a command; the exit status that it would have in a process of its own."""
    from remixup.cli import main

    sys.argv = ["remixup", *arguments]
    status = 0
    try:
        main()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    try:
        sys.stdout.flush()
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    return status & 0xFF


def _receive(connection: socket.socket, size: int) -> bytes:
    """So many bytes; ConnectionError where the other side ends before."""
    content = b""
    while len(content) < size:
        part = connection.recv(min(size - len(content), 65536))
        if not part:
            raise ConnectionError("the other side of the socket has ended")
        content += part
    return content


if __name__ == "__main__":
    if sys.argv[1] == _SERVE:
        serve(sys.argv[2], socket.socket(fileno=int(sys.argv[3])))
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
