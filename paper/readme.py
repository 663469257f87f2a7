"""Write the results in the README: counts of verdicts and the figure of all claims, from the embedded report.

python paper/readme.py            write README.md and docs/claims.png
python paper/readme.py --check    exit with 1 where the README's counts differ from the report's
"""

import json
import re
import subprocess
import sys
from pathlib import Path

RESULTS = Path("results/embedded/replication.json")
FIGURE = Path("results/embedded/generated/evidence-forest.pdf")
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


CONVENTIONS = {"last": "the last epoch", "median10": "the median of the last ten", "best": "the best test epoch"}


def numbers(summary: dict) -> str:
    """Return the README's paragraph on published numbers, from the summary of replication.json."""
    verdicts, differences = summary["by_verdict"], summary["differences_by_verdict"]
    conventions = summary["by_convention"].items()
    compatible = ", ".join(f"{each['compatible']} if it is {CONVENTIONS[name]}" for name, each in conventions)
    fits = ", ".join(f"{CONVENTIONS[name]} for {each['best_fit']}" for name, each in conventions)
    compared = max((each["compared"] for _, each in conventions), default=0)
    judged = sum(verdicts.get(name, 0) for name in ("replicated", "not replicated", "inconclusive"))
    return (
        f"Of {summary['published_numbers']} published numbers, {judged} were run with the published protocol:"
        f" {_verdicts(verdicts)}. The other {verdicts.get('stand-in', 0)} that were run have surrogate settings only."
        f" Of the published differences between ERM and mixup, {_verdicts(differences)}.\n\n"
        f"Papers seldom say from which epoch an error is. Of {compared} compared errors, those compatible with"
        f" ours are {compatible}. Where one epoch fits best, it is {fits}.\n\n"
    )


def _verdicts(found: dict) -> str:
    count = found.get
    return (
        f"**{count('replicated', 0)} are replicated**, {count('not replicated', 0)} are not,"
        f" {count('inconclusive', 0)} are inconclusive"
    )


def claims(summary: dict) -> str:
    """Return the README's paragraph on claims."""
    found = summary["paper_claims"]
    claim, surrogate = found["published_protocol"].get, found["surrogate"].get
    return (
        f"Of {found['claims']} claims that runs can decide, the published protocol"
        f" **supports {claim('supported', 0)}**, contradicts {claim('contradicted', 0)}, and shows no effect of"
        f" interest for {claim('no effect', 0)};"
        f" {claim('positive', 0)} have the claimed sign and an open size, {claim('open', 0)} are open, and for"
        f" {claim('protocol not recovered', 0)} the baseline was not replicated. Informative surrogates agree with"
        f" {surrogate('agrees', 0)} more and disagree with {surrogate('disagrees', 0)}; {surrogate('open', 0)} are open"
        f" on them. For {surrogate('not informative', 0)} the surrogate is not informative, and"
        f" {found['not_run']} were not run.\n"
    )


def main() -> None:
    """Write the README, or check it."""
    text = Path("README.md").read_text(encoding="utf-8")
    summary = json.loads(RESULTS.read_text(encoding="utf-8"))["summary"]
    new = numbers(summary) + claims(summary)
    written = re.sub(f"{BEGIN}.*{END}", f"{BEGIN}\n{new}{END}", text, flags=re.DOTALL)
    if "--check" in sys.argv:
        sys.exit(written != text and "README.md differs from the report; run `python paper/readme.py`")
    Path("README.md").write_text(written, encoding="utf-8")
    command = ["pdftoppm", "-png", "-r", "130", "-singlefile", str(FIGURE), "docs/claims"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
