"""What the command line does for every command."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remixup.cli import app
from remixup.errors import UserError

ROOT = Path(__file__).parents[2]
_POOLS = """
import json, sys
from remixup.cli import app, main

@app.command("pools")
def pools() -> None:
    import scipy.linalg, sklearn, threadpoolctl, torch
    found = {pool["user_api"] + " " + pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    print(json.dumps({**found, "torch": torch.get_num_threads()}))

sys.argv = ["remixup", "pools"]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "threads"),
    [({}, 1), ({"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}, 2)],
)
def test_libraries_have_one_thread_by_default(variables: dict[str, str], threads: int) -> None:
    if threads > (os.cpu_count() or 1):
        pytest.skip("this machine has one core")
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in names} | variables
    done = subprocess.run(
        [sys.executable, "-c", _POOLS], env=environment, capture_output=True, text=True, check=True, timeout=600
    )
    found = json.loads(done.stdout)
    assert len(found) >= 3, "NumPy, SciPy and torch have a pool each"
    assert set(found.values()) == {threads}, found


def test_the_reference_lists_the_commands() -> None:
    spec = importlib.util.spec_from_file_location("list_commands", ROOT / "docs/list_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run `make schema`"


@pytest.mark.parametrize("command", [("prepare", "iris"), ("draw",), ("train",), ("collect",), ("page",)])
@pytest.mark.parametrize("option", [("--set", "scale=paper"), ("--config", "mine.yaml")])
def test_a_plan_takes_no_other_configuration(command: tuple[str, ...], option: tuple[str, str]) -> None:
    """Fails, tried out: where a command reads the plan by itself and passes over what else is said."""
    refused = CliRunner().invoke(app, [*command, "--plan", "no-plan.json", *option]).exception
    assert isinstance(refused, UserError)
    assert str(refused) == f"{option[0]}: a plan has its configuration already (use it without --plan)"


@pytest.mark.parametrize("buffered", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_line_is_written_in_one_piece(buffered: dict[str, str]) -> None:
    """Fails, seen: two processes with one output wrote a line into the other's; each message is what one call wrote."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | buffered
    command = [sys.executable, "-m", "remixup", "evidence", "--list"]
    with ours, theirs, subprocess.Popen(command, env=environment, cwd=ROOT, stdout=theirs) as process:
        theirs.close()
        messages = list(iter(lambda: ours.recv(2**20), b""))
    assert process.returncode == 0
    assert messages
    assert all(message.endswith(b"\n") for message in messages), messages
