"""Find what is stored and no row asks for any more."""

from __future__ import annotations

import shutil
from pathlib import Path

from remixup.config.experiment import read_experiments
from remixup.config.settings import SCALES, Config
from remixup.planning.jobs import make_jobs
from remixup.planning.plan import plan_experiment
from remixup.store.run_store import Store


def leftovers(config: Config, delete: bool) -> list[Path]:
    """Return the runs, checkpoints, evaluations and manifests that no experiment file asks for at any scale.

    Rows whose data is not available count, too.

    Args:
        config: where the store is.
        delete: whether to delete them.
    """
    store, results = Store(Path(config.results)), Path(config.results)
    runs: set[str] = set()
    evaluations: set[str] = set()
    jobs: set[str] = set()
    files = read_experiments().values()
    for scale in SCALES:
        plans = [plan_experiment(path, experiment, config, scale) for path, experiment in files]
        runs |= {row.key for plan in plans for row in plan.rows}
        evaluations |= {key for plan in plans for key in plan.evaluations()}
        jobs |= {job.key for job in make_jobs(plans)}
    asked = {store.runs: runs, store.checkpoints: runs, store.evaluations: evaluations}
    found = [path for home, names in asked.items() for path in sorted(home.glob("*")) if path.name not in names]
    found += [path for path in sorted(results.glob("*/manifests/*.json")) if path.stem not in jobs]
    if delete:
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found
