"""Write the results in the README: the article's first table, counts, the last lines of a report, and a figure.

python paper/readme.py            write README.md and docs/claims.png from the embedded report
python paper/readme.py --check    exit with 1 where the README's results differ from the report's
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from pylatexenc.latex2text import LatexNodes2Text

from remixup.reporting import outcome

REPORT = Path("results/embedded")
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
HEAD = """\
| What the paper says | Best evidence | What we can say |
|---|---|---|
"""
LEGEND = """
*Supported*, *contradicted* and *no effect* are decided under the published protocol. *Agrees* is said of other settings
in which plain training (ERM) shows that they can speak about the claim, *open* where the interval then decides nothing;
all else is *undecided*. *Protocol not recovered*: our baseline does not replicate the published one. *Unchecked*: no
number of the baseline is published, as for most supported claims. † marks what was tested on seeds and rules that were
frozen before. Brackets are 95 % intervals.
"""


def table(front: str) -> str:
    r"""Return the first table of the article in Markdown.

    Args:
        front: `article-front.tex`, whose table has the columns claim, paper, evidence and finding.
    """
    body = re.search(r"\\midrule(.*?)\\bottomrule", front, flags=re.DOTALL)
    if body is None:
        sys.exit("the front page of the article has no table")
    rows = [[plain(cell) for cell in row.split("&")] for row in re.split(r"\\\\\s", body[1]) if row.strip()]
    return HEAD + "".join(f"| {said} ({paper}) | {evidence} | {found} |\n" for said, paper, evidence, found in rows)


def plain(tex: str) -> str:
    """Return a cell without its links and commands."""
    tex = re.sub(r"\\num\{-?([^{}]*)\}", lambda found: found[0][5:-1].replace("-", "−"), tex)
    tex = re.sub(r"\\(?:href|result)\{[^{}]*\}\{([^{}]*)\}", r"\1", tex).replace(r"\confirmatory", "†")
    return " ".join(LatexNodes2Text(math_mode="text").latex_to_text(tex).split())


def counts(summary: dict) -> str:
    """Return the paragraph of counts, from the summary of replication.json."""
    verdicts, differences = summary["by_verdict"], summary["differences_by_verdict"]
    judged = sum(verdicts.get(name, 0) for name in ("replicated", "not replicated", "inconclusive"))
    found = summary["paper_claims"]
    claim, surrogate = found["published_protocol"].get, found["surrogate"].get
    return (
        f"Of {summary['published_numbers']} published numbers, {judged} were run with the published protocol:"
        f" {_verdicts(verdicts)}. Of the published differences between ERM and mixup, {_verdicts(differences)}."
        f" Of {found['claims']} claims that runs can decide, the published protocol"
        f" **supports {claim('supported', 0)}**, contradicts {claim('contradicted', 0)}, and shows no effect of"
        f" interest for {claim('no effect', 0)}. Claims whose sign is as claimed and whose size is open:"
        f" {claim('positive', 0)}; open: {claim('open', 0)}; whose baseline was not replicated:"
        f" {claim('protocol not recovered', 0)}. Informative surrogates agree with {surrogate('agrees', 0)} more,"
        f" disagree with {surrogate('disagrees', 0)}, and leave {surrogate('open', 0)} open. For"
        f" {surrogate('not informative', 0)} the surrogate is not informative, and {found['not_run']} were not run.\n"
    )


def _verdicts(found: dict) -> str:
    count = found.get
    return (
        f"**{count('replicated', 0)} are replicated**, {count('not replicated', 0)} are not,"
        f" {count('inconclusive', 0)} are inconclusive"
    )


def written(text: str, results: str, summary: dict) -> str:
    """Return the README with these results, and with what a report of them prints in the example of its output."""
    text = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{results}{END}", text, flags=re.DOTALL)
    for line in (outcome.numbers(summary), outcome.claims(summary)):
        text = re.sub(rf"^{line.partition(':')[0]}: .*$", line, text, flags=re.MULTILINE)
    return text


def main() -> None:
    """Write the README, or check it."""
    text = Path("README.md").read_text(encoding="utf-8")
    summary = json.loads((REPORT / "replication.json").read_text(encoding="utf-8"))["summary"]
    front = (REPORT / "generated/article-front.tex").read_text(encoding="utf-8")
    new = written(text, f"{table(front)}{LEGEND}\n{counts(summary)}", summary)
    if "--check" in sys.argv:
        sys.exit(new != text and "README.md differs from the report; run `python paper/readme.py`")
    Path("README.md").write_text(new, encoding="utf-8")
    command = ["pdftoppm", "-png", "-r", "130", "-singlefile", str(REPORT / "generated/evidence-forest.pdf")]
    subprocess.run([*command, "docs/claims"], check=True)


if __name__ == "__main__":
    main()
