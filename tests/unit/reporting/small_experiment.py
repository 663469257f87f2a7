"""The smallest made-up experiment, and how a table is read back."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from remixup.analysis.result_schema import ExperimentResult, Replicated
from remixup.config.experiment import Experiment

from .sample_results import result_with

PAPER = Path(__file__).parents[3] / "paper"


def exactly(mean: float, std: float | None, n: int = 5) -> Replicated:
    """A sample with these very statistics."""
    return Replicated(mean=mean, std=std, n=n, ci95=None, values=[mean] * n, seeds=list(range(n)))


def small(**row: Any) -> Experiment:
    """An experiment with one row and one metric."""
    return Experiment.model_validate(
        {
            "id": "small",
            "paper": "zhang2018mixup",
            "title": "t",
            "where": "w",
            "summary": "s",
            "metrics": {"test_error.last": {"label": "test error"}},
            "rows": [{"id": "r", "label": "a_b & c", **row}],
            "tables": [{"id": "all", "caption": "C."}],
        }
    )


def result_of(*entries: Any, claims: Any = ()) -> ExperimentResult:
    return result_with(
        experiment="small",
        entries=list(entries),
        claims=list(claims),
    )


def body_of(table: str) -> str:
    """What is below the head."""
    return table.partition("\\repeated{")[2].partition("\n")[2]


def lines_of(table: str) -> list[list[str]]:
    """The cells of the lines below the head, without what limits their width."""
    plain = [re.sub(r" \\\\\*?$", "", line) for line in body_of(table).splitlines() if re.search(r" \\\\\*?$", line)]
    lines = [line for line in plain if "&" in line and "multicolumn" not in line]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)&", line)] for line in lines]
    return [[re.sub(r"^\\(?:rowlabel|dataversion)\{(.*)\}$", r"\1", cell) for cell in line] for line in cells]


def log_of(folder: Path, body: str) -> str:
    """Typeset LaTeX as the report would, in a new folder, and return the log."""
    preamble = (PAPER / "supplement.tex").read_text(encoding="utf-8").partition(r"\begin{document}")[0]
    (folder / "t.tex").write_text(f"{preamble}\\begin{{document}}\n{body}\n\\end{{document}}\n", encoding="utf-8")
    names = ("ScaleName", "Commit", "DirtyNote")
    (folder / "macros.tex").write_text("".join(rf"\newcommand{{\{name}}}{{x}}" for name in names))
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    environment = {**os.environ, "TEXINPUTS": f"{folder}:{PAPER}:"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout
