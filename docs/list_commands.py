"""Write docs/reference-commands.md from the command line's help texts."""

import html
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("reference-commands.md")


def page() -> str:
    """Render the help of all commands as Markdown, without hidden ones."""
    command = [sys.executable, "-m", "typer", "remixup.cli", "utils", "docs", "--name", "remixup"]
    text = html.unescape(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    text = text.replace("# `remixup`", "# Commands", 1)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)
    return re.sub(r"## `remixup (evidence-task|run-bundle|train-ended)`.*?(?=\n## )\n", "", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
