"""The command line. Commands import what they need when they run: importing torch costs seconds."""

import os
import sys
from pathlib import Path

# NumPy, SciPy and scikit-learn read these when they are loaded. PyTorch uses the cores that a run asks for; more
# threads would mostly wait for each other. Variables that the environment sets stay.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from remixup.cli import evidence, export, freezes, lists, maintenance, pipeline, read, release  # noqa: E402, F401  (they register their commands)
from remixup.cli.options import app, configuration  # noqa: E402
from remixup.errors import UserError  # noqa: E402

__all__ = ["app", "configuration", "main"]


def main() -> None:
    """Run the command line; a user's mistake is one line and exit status 2."""
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
