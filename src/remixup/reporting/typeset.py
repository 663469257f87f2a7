"""Typeset a document in LaTeX."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from remixup.errors import UserError
from remixup.files import write_atomically

OPTIONS = ("-interaction=nonstopmode", "-halt-on-error", "-file-line-error", "-no-shell-escape")
_SEARCH_PATH = re.compile(r"\w*(INPUTS|FONTS|FONTMAPS|FORMATS)([_.]\w+)?")
"""Names of variables in which a user may name folders that programs of TeX search, also those of one program alone."""


def typeset(source: Path, generated: Path, work: Path, target: Path) -> None:
    """Typeset a document with latexmk and pdfLaTeX; the same sources give the same bytes.

    Args:
        source: LaTeX file, beside references.bib and latex-requirements.txt.
        generated: folder of macros.tex and what else the source inputs.
        work: folder of LaTeX's own files; those of an earlier build are removed.
        target: path of the PDF, which is replaced in one move.

    Raises:
        UserError: LaTeX is missing or stopped at an error, or a reference is undefined.
    """
    paper, name = source.parent, source.stem
    missing = [program for program in ("latexmk", "pdflatex") if shutil.which(program) is None]
    if missing:
        required = (paper / "latex-requirements.txt").read_text(encoding="utf-8").splitlines()
        packages = [line.split()[1] for line in required if line.startswith("package ")]
        hint = f"run paper/get-latex, or install {' '.join(packages)}"
        raise UserError(f"{' and '.join(missing)} not found; the documents are set in LaTeX", hint=hint)
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob(f"{name}.*"):
        old.unlink()
    # LaTeX gets names without the characters that mean something to it, which the path of a clone may have.
    with tempfile.TemporaryDirectory(prefix="remixup-latex-") as folder:
        for link, place in {"paper": paper, "generated": generated}.items():
            Path(folder, link).symlink_to(place.resolve())
        command = ["latexmk", "-norc", "-pdf", *OPTIONS, f"paper/{source.name}"]
        done = subprocess.run(
            command, cwd=folder, env=_surroundings(generated), capture_output=True, text=True, errors="replace"
        )
        for made in Path(folder).glob(f"{name}.*"):
            shutil.copyfile(made, work / made.name)
    log = work / f"{name}.log"
    said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else done.stdout + done.stderr
    if done.returncode:
        raise UserError(f"LaTeX stopped: {_first_error(said)}", where=str(log))
    if lost := re.search(r"(?:Citation|Reference) `([^']*)'.*undefined", said):
        raise UserError(f"the {name} cites {lost[1]!r}, which is nowhere", where=str(log), hint="see references.bib")
    with write_atomically(target) as part:
        shutil.copyfile(work / f"{name}.pdf", part)


def _surroundings(generated: Path) -> dict[str, str]:
    """Return LaTeX's environment: it finds files of the paper and of the TeX system, and none of the user's."""
    day = re.search(r"\\CommitDate\}\{([0-9-]+)\}", (generated / "macros.tex").read_text(encoding="utf-8"))
    epoch = int(datetime.fromisoformat(day[1]).replace(tzinfo=UTC).timestamp()) if day else 0
    return {
        **{name: value for name, value in os.environ.items() if not _SEARCH_PATH.fullmatch(name)},
        **dict.fromkeys(("TEXMFHOME", "TEXMFCONFIG", "TEXMFVAR"), "no-texmf"),  # else folders in the home folder
        "TEXINPUTS": "paper:generated:",
        "BIBINPUTS": "paper:",
        "SOURCE_DATE_EPOCH": str(epoch),
        "FORCE_SOURCE_DATE": "1",
        "TZ": "UTC",
        "max_print_line": "10000",  # else the log breaks its lines, and errors with them
    }


def _first_error(log: str) -> str:
    """Return the first error in LaTeX's log, with the source line that it names."""
    lines = log.splitlines()
    for line in lines:
        if re.match(r"(! |[^ ]+:[0-9]+: )", line):
            return line.removeprefix("! ").strip()
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")
