"""The command line. Commands import what they need when they run: importing torch costs seconds."""

import os
import sys

# NumPy, SciPy and scikit-learn read these when they are loaded. PyTorch uses the cores that a run asks for; more
# threads would mostly wait for each other. Variables that the environment sets stay.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from remixup.cli import (  # noqa: E402  (they register their commands)
    bundles,  # noqa: F401
    evidence,  # noqa: F401
    export,  # noqa: F401
    freezes,  # noqa: F401
    lists,  # noqa: F401
    maintenance,  # noqa: F401
    pipeline,  # noqa: F401
    read,  # noqa: F401
)
from remixup.cli.options import app, configuration  # noqa: E402
from remixup.cli.startup import check_code, check_packages  # noqa: E402
from remixup.errors import UserError  # noqa: E402
from remixup.files import disk_problem  # noqa: E402
from remixup.training.malloc import use_huge_pages  # noqa: E402

__all__ = ["app", "configuration", "main"]


def main() -> None:
    """Run the command line; a user's mistake and an error of the disk are one line and exit status 2."""
    use_huge_pages()
    try:
        check_code()
        check_packages()
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if (problem := disk_problem(error)) is None:
            raise
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)
