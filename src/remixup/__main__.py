"""The command `remixup`, also as `python -m remixup` for rules that call it with the interpreter that runs them."""

import io
import sys

EXTRAS = {"opacus": "private", "wfdb": "physio", "pyedflib": "physio"}
"""Packages that no workflow needs -> the extra of remixup that installs them."""


def main() -> None:
    """Run the command line; a package that is not installed is one line and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Write a line in one piece: with PYTHONUNBUFFERED, the end of a line is a write of its own, and processes that
        # share an output, as the jobs of Snakemake do, write into each other's lines.
        sys.stdout.reconfigure(line_buffering=True, write_through=False)
    try:
        from remixup.cli import main as run

        run()
    except ModuleNotFoundError as error:
        missing = (error.name or "remixup").partition(".")[0]
        if missing == "remixup":
            raise
        extra = EXTRAS.get(missing, "workflow")
        print(f"error: {missing} is not installed: pip install 'remixup[{extra}]'", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
