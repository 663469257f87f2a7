"""Write docs/reference-commands.md from the command line's help texts."""

import html
import re
import subprocess
import sys
from pathlib import Path

INTRODUCTION = """\
Commands are in `.venv/bin`: write `.venv/bin/remixup`, or call `. .venv/bin/activate` first.

Exit status: 0 if all went well; 1 if a run failed, or a check found something; 2 for a mistake in a command, a file or
the environment; 3 if a run of `train` diverged.
"""
PAGE = Path(__file__).with_name("reference-commands.md")


def page() -> str:
    """Render the help of all commands as Markdown, without hidden ones."""
    command = [sys.executable, "-m", "typer", "remixup.cli", "utils", "docs", "--name", "remixup"]
    text = html.unescape(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    text = text.replace("# `remixup`", "# Commands", 1)
    text = text.replace("**Usage**", f"{INTRODUCTION}\n**Usage**", 1)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)
    return re.sub(r"## `remixup (evidence-task|run-bundle|train-ended)`.*?(?=\n## )\n", "", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
