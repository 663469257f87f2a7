"""A clone by a git that makes line ends those of Windows has the files of the repository, byte for byte."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("workflow/stage", "workflow/environment", "paper/get-latex", "requirements.lock", ".gitattributes")


def test_line_ends_stay(tmp_path):
    """Fails, tried out: without .gitattributes."""
    origin = tmp_path / "origin"
    record = min((ROOT / "records/runs").glob("*/*.json"))
    for name in (*FILES, str(record.relative_to(ROOT))):
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, origin / name)
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *identity, *command], cwd=origin, check=True)
    subprocess.run(["git", "clone", "-q", "-c", "core.autocrlf=true", origin, tmp_path / "clone"], check=True)
    for path in origin.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            assert (tmp_path / "clone" / path.relative_to(origin)).read_bytes() == path.read_bytes()
