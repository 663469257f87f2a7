"""Measure the linear baselines that the records lack, from the data alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from remixup.analysis import records
from remixup.analysis.records import REAL, RecordedResults
from remixup.config.experiment import read_experiments
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.planning.plan import Evaluation, linear_baseline, plan_experiment
from remixup.store.blocks import SeedBlock
from remixup.store.run_store import Store


@dataclass(frozen=True)
class Missing:
    """A run on record, some of whose seeds have no linear baseline there."""

    spec: RunSpec
    blocks: list[SeedBlock]
    wanted: Evaluation


def missing(config: Config) -> list[Missing]:
    """Return the surrogates on record that lack a linear baseline and whose data is available, each run once."""
    found: dict[str, Missing] = {}
    files = read_experiments().values()
    for scale in REAL:
        for path, experiment in ((path, each) for path, file in files for each in file.with_earlier(scale)):
            results = RecordedResults(plan_experiment(path, experiment, config, scale))
            rows = {row.key: row for row in results.plan.rows}
            for each in results.plan.linear_baselines():
                run = results.run(rows[each.run])
                if run is None or run in found:
                    continue
                blocks = results.stored(run)
                spec = blocks[0].specification
                wanted = linear_baseline(replace(rows[each.run], run=spec, seeds=blocks[-1].seeds[-1] + 1))
                lacking = [block for block in blocks if storage.find(results.store, wanted, block) is None]
                if lacking and config.available(spec.dataset.name, spec.dataset.version):
                    found[run] = Missing(spec, lacking, wanted)
    return list(found.values())


def measure(lacking: list[Missing], config: Config, until: float | None) -> Iterator[str]:
    """Measure and record linear baselines until a Unix time, if one is given; yield a line for each run."""
    from remixup import data  # torch is not needed to find out that nothing is missing
    from remixup.evaluation.runner import evaluate
    from remixup.training.runner import Runner, pick_device

    store = Store(records.HOME)
    store.evaluations = Path(config.results) / "evaluations"  # written there first, then copied
    runner = Runner(store, Path(config.data.folder), pick_device([]), lambda *_: None)
    for each in lacking:
        if until is not None and time.time() > until:
            return
        name, version = each.spec.dataset.name, each.spec.dataset.version
        try:
            data.prepare_as_configured(config, name, version)
        except UserError as error:
            yield f"{each.wanted.run}: no linear baseline, since {name} is not available: {error}"
            continue
        evaluate(runner, each.wanted, (each.spec, each.wanted.seeds))
        for block in each.blocks:
            records.write_evaluation(store, each.wanted, block)
        yield f"{each.wanted.run}: linear baseline of {sum(len(block.seeds) for block in each.blocks)} seeds"
