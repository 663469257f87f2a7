"""Finds what the store keeps and no row asks for any more."""

from __future__ import annotations

import shutil
from pathlib import Path

from remixup.config.experiment import read_experiments
from remixup.config.settings import SCALES, Config
from remixup.planning.plan import plan_experiment
from remixup.store.run_store import Store


def leftovers(config: Config, delete: bool) -> list[Path]:
    """Runs, checkpoints, evaluations and receipts of the store that no experiment file leads to at any scale.

    Rows without data at hand count as asked for.
    """
    store, results = Store(Path(config.results)), Path(config.results)
    runs: set[str] = set()
    evaluations: set[str] = set()
    receipts: set[str] = set()
    for path, experiment in read_experiments().values():
        for scale in SCALES:
            plan = plan_experiment(path, experiment, config, scale)
            runs |= {row.key for row in plan.rows}
            evaluations |= set(plan.evaluations())
            receipts |= {pack.key for pack in plan.packs()} | {plan.evaluation_key()}
    kept = {store.runs: runs, store.checkpoints: runs, results / "evaluations": evaluations}
    found = [path for home, names in kept.items() for path in sorted(home.glob("*")) if path.name not in names]
    for kind in ("receipts", "evaluated"):
        found += [path for path in sorted(results.glob(f"*/{kind}/*.json")) if path.stem not in receipts]
    if delete:
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found
