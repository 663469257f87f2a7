"""The article as it is typeset from what is on record, without a run store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from remixup.analysis import aggregate, records
from remixup.analysis.pairs import find_pairs
from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.config.experiment import Experiment
from remixup.config.settings import Config
from remixup.costs.estimate import seed_costs
from remixup.planning.plan import plan_experiment, read_plans
from remixup.reporting import article
from remixup.reporting.build import write_macros
from remixup.reporting.missing_runs import Outstanding, outstanding
from remixup.reporting.outcome import reason_for_none
from remixup.reporting.page.build import write_page
from remixup.reporting.typeset import typeset
from remixup.store.run_store import Store

from .minimal_report import PAPER

MOST_PAGES = 25


def collected(config: Config) -> tuple[list[Experiment], list[ExperimentResult], Replication, Outstanding]:
    """The results of all experiments."""
    plans = read_plans(config)
    for plan in plans:
        aggregate.collect(config, plan, Store(records.HOME))
    aggregate.join(config, [plan.experiment.id for plan in plans])
    results, whole = aggregate.read_all(config, [plan.experiment.id for plan in plans])
    at_paper = [plan_experiment(plan.path, plan.experiment, config, "paper") for plan in plans]
    return [plan.experiment for plan in plans], results, whole, outstanding(at_paper, results, seed_costs(at_paper))


@pytest.mark.slow
def test_the_article_from_records(tmp_path: Path) -> None:
    config = Config(results=str(tmp_path))
    experiments, results, whole, missing = collected(config)
    assert reason_for_none(config.scale, [each.id for each in experiments]) == ""
    write_macros(whole, config.generated)
    pairs = find_pairs(experiments, results)
    article.write_sections(experiments, results, whole, pairs, missing, config.generated)
    article.draw_figures(results, pairs, config.generated)
    typeset(PAPER / "article.tex", config.generated, tmp_path / "latex", tmp_path / "article.pdf")
    log = (tmp_path / "latex" / "article.log").read_text(encoding="utf-8", errors="replace")
    pages = re.search(r"Output written on \S+ \((\d+) pages", log)
    assert pages is not None
    assert int(pages[1]) <= MOST_PAGES
    boxes = re.findall(r"Overfull \\[hv]box \(([0-9.]+)pt too \w+\).*", log)
    assert [width for width in boxes if float(width) > 1] == []
    assert "Float too large" not in log
    assert "LaTeX Font Warning" not in log
    labels = (tmp_path / "latex" / "article.aux").read_text(encoding="utf-8")
    assert r"\newlabel{tab:findings}{{1}{1}" in labels, "the first table is on the first page"
    page = write_page(config, read_plans(config)).read_text(encoding="utf-8")
    assert linked(config.generated) - set(re.findall(r' id="([^"]+)"', page)) == set()


def linked(sections: Path) -> set[str]:
    """The rows of `results.html` to which the article leads."""
    source = "".join(path.read_text(encoding="utf-8") for path in sections.glob("article-*.tex"))
    found = set(re.findall(r"\\result\{([^{}]+)\}|results\.html\\#([^{}]+)\}", source))
    assert len(found) > 50
    return {number or claim for number, claim in found}
