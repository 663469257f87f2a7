"""Make the documents from the records alone, without training and without torch; archive those of a report."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, app, configuration
from remixup.cli.pipeline import article, draw_experiments, page, supplement
from remixup.config.settings import Config
from remixup.planning.plan import Plan, read_plans
from remixup.planning.workflow import Workflow

DOCUMENTS = (article, supplement, page)
"""Commands that typeset a document from what is collected and drawn, and print its path."""
PROCESSES = 2


@app.command()
def read(config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """Make the documents from records/ alone, in the folder `read` of the results."""
    from remixup.analysis import aggregate

    settings = configuration(config, set_)
    settings = settings.model_copy(update={"results": f"{settings.results}/read"})
    workflow = Workflow(settings, read_plans(settings), jobs={})
    plan_file = workflow.write()
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(partial(collect_recorded, settings), workflow.plans))
        aggregate.join(settings, [plan.experiment.id for plan in workflow.plans])
        list(pool.map(partial(draw_experiments, settings), [[plan] for plan in workflow.plans]))
        for done in [pool.submit(document, plan_file) for document in DOCUMENTS]:
            done.result()


def collect_recorded(settings: Config, plan: Plan) -> None:
    """Collect an experiment's results with the records as run store."""
    from remixup.analysis import aggregate, records
    from remixup.store.run_store import Store

    aggregate.collect(settings, plan, Store(records.HOME))


@app.command()
def release(
    folder: Annotated[Path | None, typer.Argument(help="default: `release` in the folder of results")] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Write a folder for Zenodo or Software Heritage: sources, documents, weights, and a Workflow Run RO-Crate."""
    from remixup.maintenance.release import write_release

    settings = configuration(config, set_)
    print(write_release(settings, read_plans(settings), folder or Path(settings.results) / "release"))
