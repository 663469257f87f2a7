"""Write the results page: all numbers and claims in one HTML file that needs no network."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from remixup.analysis.aggregate import read_all
from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.config.run import RunSpec
from remixup.config.settings import SCALES, Config
from remixup.errors import UserError
from remixup.files import write_text
from remixup.planning.plan import Plan, plan_experiment
from remixup.reporting.evidence import in_order
from remixup.reporting.page.claims import claim_rows
from remixup.reporting.page.numbers import NumberRows, Row
from remixup.reporting.page.records import Attachments, Links, Records, repository
from remixup.reporting.page.text import CLAIM_OUTCOMES, NUMBER_OUTCOMES, Paper, read_papers
from remixup.reporting.templates import FOLDER

BIBLIOGRAPHY = FOLDER.parent / "references.bib"
CITATION = FOLDER.parents[1] / "CITATION.cff"
RULES = Path("docs/reference-verdicts.md")
LIBRARY = "itables"
"""The package that ships DataTables as two files."""


class Table:
    """Rows, and how many of them each filter chooses."""

    def __init__(self, rows: Sequence[Row], *filters: str) -> None:
        self.rows = rows
        self.filters = {name: Counter(str(getattr(row, name)) for row in rows) for name in filters}


def write_page(config: Config, plans: list[Plan]) -> Path:
    """Write `results/<scale>/results.html` from the results of experiments; return its path.

    The same results, records and configuration give the same bytes.
    """
    results, whole = read_all(config, [plan.experiment.id for plan in plans])
    target = config.home / "results.html"
    every = [plan_experiment(plan.path, plan.experiment, config, scale) for plan in plans for scale in SCALES]
    planned = {row.key: row.run for plan in [*every, *plans] for row in plan.rows}
    write_text(target, page(plans, results, whole, Links(target, repository(CITATION)), planned))
    return target


def page(
    plans: list[Plan],
    results: list[ExperimentResult],
    whole: Replication,
    links: Links,
    planned: Mapping[str, RunSpec],
) -> str:
    """Return the page as HTML.

    Args:
        plans: of the experiments.
        results: of the same experiments.
        whole: all results.
        links: from where, and to where.
        planned: the specifications of runs that need not be on record, by key.
    """
    records, attachments, papers = Records(), Attachments(planned), read_papers(BIBLIOGRAPHY)
    found, by_id = {result.experiment: result for result in results}, {plan.experiment.id: plan for plan in plans}
    sources = [
        NumberRows(by_id[each.id], found[each.id], _paper(by_id[each.id], papers), links, records, attachments)
        for each in in_order([plan.experiment for plan in plans])
    ]
    claims = [row for source in sources for row in claim_rows(source)]
    numbers = [row for source in sources for row in source]
    published = [row for row in numbers if row.kind != "measurement"]
    measured = [row for row in numbers if row.kind == "measurement"]
    environment = _environment(attachments)
    details: Any = environment.get_template("results-details.html").module
    shared = {
        "details": {
            **{row.id: details.claim_detail(row) for row in claims},
            **{row.id: details.number_detail(row) for row in [*published, *measured]},
        },
        "specifications": attachments.specifications,
        "curves": attachments.curves,
    }
    return environment.get_template("results.html").render(
        whole=whole,
        commit=links.commit(whole.code.commit),
        rules=links.file(RULES),
        papers=list(dict.fromkeys(source.paper for source in sources)),
        claims=Table(claims, "paper", "outcome", "scale", "standing", "kind"),
        published=Table(published, "paper", "outcome", "scale", "standing", "kind"),
        measured=Table(measured, "paper", "scale", "standing"),
        # Compressed, since the details of the rows repeat each other.
        shared=base64.b64encode(gzip.compress(json.dumps(shared).encode(), mtime=0)).decode(),
        script=base64.b64encode(library("dt_bundle.js").encode()).decode(),
        style=library("dt_bundle.css"),
    )


def library(name: str) -> str:
    """Return a file of the table library."""
    found = importlib.util.find_spec(LIBRARY)  # to import the package would import pandas
    if found is None or found.origin is None:
        raise UserError(f"the package {LIBRARY} is not installed", hint="`make report` installs it")
    return (Path(found.origin).parent / "html" / name).read_text(encoding="utf-8")


def _paper(plan: Plan, papers: Mapping[str, Paper]) -> Paper:
    key = plan.experiment.paper
    if key not in papers:
        raise UserError(f"paper {key!r} is nowhere", where=str(plan.path), hint=f"see {BIBLIOGRAPHY.name}")
    return papers[key]


def _environment(attachments: Attachments) -> Environment:
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "claim_outcomes": CLAIM_OUTCOMES,
        "number_outcomes": NUMBER_OUTCOMES,
        "specifications": attachments.specifications,
    }
    return found
