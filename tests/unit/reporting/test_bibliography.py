"""The bibliography: every key that is cited, and entries that BibTeX accepts."""

import re
import shutil
from pathlib import Path

from remixup.data import REGISTRY
from remixup.reporting.typeset import typeset

from .minimal_report import PAPER, minimal


def keys_of_the_bibliography() -> list[str]:
    return re.findall(r"@(?!string)\w+\{([^,\s]+),", (PAPER / "references.bib").read_text())


def test_all_that_is_cited_is_in_the_bibliography() -> None:
    keys = keys_of_the_bibliography()
    assert len(keys) == len(set(keys))
    root = PAPER.parent
    cited = {dataset.origin.citation for dataset in REGISTRY.values()} - {""}
    for folder, pattern, expression in (
        (root / "experiments", "*/*.yaml", r"(?m)^paper: *(\w+)|\\cite[tp]?\{(.*?)\}"),
        (PAPER, "*/*.tex", r"\\cite[tp]?\{([a-z][\w,]*)\}"),
    ):
        found = [match for path in folder.glob(pattern) for match in re.findall(expression, path.read_text())]
        assert found, folder
        names = (name for match in found for name in (match if isinstance(match, tuple) else (match,)))
        cited |= {key.strip() for name in names for key in name.split(",") if key}
    assert cited <= set(keys)


def test_bibtex_takes_every_entry(tmp_path: Path) -> None:
    body = r"\nocite{*}\bibliographystyle{plainnat}\bibliography{references}"
    arguments = minimal(tmp_path, body)
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,natbib,hyperref}\begin{document}"
    arguments["source"].write_text(head + body + r"\end{document}")
    shutil.copy(PAPER / "references.bib", arguments["source"].parent)
    typeset(**arguments)
    log = (arguments["work"] / "short.blg").read_text()
    assert "Warning" not in log
    assert f"You've used {len(keys_of_the_bibliography())} entries" in log
