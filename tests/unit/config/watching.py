"""What may not happen while a file is read: nothing is written or started, and it takes no time."""

import signal
import sys
from contextlib import contextmanager

WRITING = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.link",
    "os.symlink",
    "os.system",
}
STARTING = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "shutil.rmtree"}
witnessed: list[str] | None = None


def _witness(event, arguments):
    if witnessed is None:
        return
    if event in WRITING | STARTING:
        witnessed.append(f"{event} {arguments}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        witnessed.append(f"open {arguments}")


sys.addaudithook(_witness)


class TooSlowError(BaseException):
    """Not an Exception: nothing that is tested may catch it."""


def _too_slow(signum, frame):
    raise TooSlowError


@contextmanager
def watched(cpu_s=4.0):
    """Nothing is written or started inside, and it does not take longer, whatever else the machine does."""
    global witnessed
    before = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    witnessed = []
    try:
        yield
    finally:
        seen, witnessed = witnessed, None
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert seen == [], seen


def is_one_message(error, *named):
    """Short, printable, and it names the file (or the option) to mend."""
    message = str(error)
    assert len(message) < 2_000, message
    assert message.isprintable(), repr(message)
    assert "Traceback" not in message, message
    assert any(name in message for name in named), message
