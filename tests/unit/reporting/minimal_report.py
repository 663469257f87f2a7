"""A document of one line."""

import shutil
from pathlib import Path
from typing import Any

PAPER = Path(__file__).parents[3] / "paper"


def minimal(folder: Path, body: str) -> dict[str, Any]:
    """The arguments of `typeset` for a document of one line."""
    paper, generated = folder / "paper", folder / "generated"
    paper.mkdir()
    generated.mkdir()
    (generated / "macros.tex").write_text(r"\newcommand{\CommitDate}{2021-02-03}")
    source = paper / "short.tex"
    source.write_text(f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n")
    shutil.copy(PAPER / "latex-requirements.txt", paper)
    return {"source": source, "generated": generated, "work": folder / "work", "target": folder / "out" / "short.pdf"}
