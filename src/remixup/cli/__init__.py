"""The command line. Commands import what they need when they run: importing torch costs seconds."""

import os
import sys
from pathlib import Path

from remixup.cli import evidence, maintenance, pipeline  # noqa: F401  (they register their commands)
from remixup.cli.options import app, configuration
from remixup.errors import UserError

__all__ = ["app", "configuration", "main", "one_thread"]


def one_thread() -> None:
    """Make NumPy, SciPy and scikit-learn compute with one thread, if they are loaded after this.

    A job has the cores that its specification asks for, and PyTorch uses them. More threads would mostly wait for each
    other: a logistic regression beside another job took ten times as long. Variables that the environment sets stay.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def main() -> None:
    """Run the command line; a user's mistake is one line and exit status 2."""
    one_thread()
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        from remixup.files import no_space

        if not no_space(error):
            raise
        print(f"error: no space left below {Path.cwd()} (free some; the same command goes on)", file=sys.stderr)
        sys.exit(2)
