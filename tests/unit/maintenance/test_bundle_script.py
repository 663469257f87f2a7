"""The script on the other machine starts the packed sources, and ends with all that they started when time is over."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from remixup.maintenance import bundle_script

PROGRAM = """
import json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
said = {"words": sys.argv[1:], "child": child.pid, "folder": os.getcwd(), "path": os.environ["PYTHONPATH"]}
said["mirror"] = os.environ.get("REMIXUP_MIRROR")
open(sys.argv[3] + ".part", "w").write(json.dumps(said))
os.replace(sys.argv[3] + ".part", sys.argv[3])
if "quick" in os.environ:
    child.kill()
    sys.exit(5)
time.sleep(600)
"""


def start(tmp_path, seconds, **environment):
    """Start the script's last step over a made-up program."""
    package = tmp_path / "unpacked/tree/src/remixup"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(PROGRAM)
    (package / "__init__.py").touch()
    script = Path(bundle_script.__file__)
    code = f"import runpy, sys, time; from pathlib import Path; run = runpy.run_path({str(script)!r})['run']; "
    code += f"sys.exit(run(Path({str(tmp_path)!r}), Path({str(tmp_path / 'said')!r}), time.time() + {seconds}))"
    variables = {**os.environ, "REMIXUP_MIRROR": "/somewhere", **environment}
    return subprocess.Popen([sys.executable, "-c", code], env=variables, stdout=subprocess.PIPE, text=True)


def alive(pid):
    """Whether a process runs; one that has ended and waits to be collected does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")


def test_when_the_time_is_over_nothing_runs_on(tmp_path):
    process, end = start(tmp_path, 600), time.monotonic() + 600
    while not (tmp_path / "said").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGALRM)  # as its timer does
    said = process.communicate(timeout=600)[0]
    assert process.returncode == 124
    assert "the same command continues from there" in said
    child = json.loads((tmp_path / "said").read_text())["child"]
    while alive(child):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_packed_sources_come_before_the_wheels_and_know_no_mirror(tmp_path):
    began = time.time()
    process = start(tmp_path, 600, quick="1")
    process.communicate(timeout=600)
    assert process.returncode == 5
    said = json.loads((tmp_path / "said").read_text())
    tree = tmp_path / "unpacked/tree"
    assert said["path"].split(os.pathsep) == [str(tree / "src"), str(tree), str(tmp_path / "unpacked/site")]
    assert (said["folder"], said["mirror"]) == (str(tree), None)
    assert said["words"][:3] == ["run-bundle", "--results", str(tmp_path / "said")]
    until = float(said["words"][4])
    assert began < until - 600 + bundle_script.GRACE < time.time()
