"""Run `snakemake --lint` and allow two findings, each with its reason; exit with 1 on any other."""

import re
import subprocess
import sys

ALLOWED = (
    # The environment of every rule is the one that runs Snakemake: `.venv`, or the container made from the same lock.
    "Specify a conda environment or container for each rule.",
    # A parameter that changes makes a rule run again, and another plan changes no data (workflow/rules/data.smk).
    "Shell command directly uses variable PLAN from outside of the rule",
)


def unexpected(report: str) -> list[str]:
    """'place: finding' for each finding that is not allowed; ValueError where this is no linter's report."""
    found, allowed, place = [], 0, ""
    for line in report.splitlines():
        if header := re.match(r"Lints for (.*):$", line):
            place = header[1]
        elif finding := re.match(r"    \* (.*):$", line):
            if finding[1] in ALLOWED:
                allowed += 1
            else:
                found.append(f"{place}: {finding[1]}")
    if not found and not allowed:
        raise ValueError(f"snakemake --lint said nothing that is understood:\n{report}")
    return found


if __name__ == "__main__":
    command = [sys.executable, "-m", "snakemake", "--lint"]
    findings = unexpected(subprocess.run(command, capture_output=True, text=True, check=False).stderr)
    print("\n".join(findings))
    sys.exit(bool(findings))
