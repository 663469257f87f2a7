"""The text of the supplement: sections S0 to S5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from remixup.analysis.best_evidence import is_smoke_test, without_smoke_test
from remixup.analysis.result_schema import Entry, ExperimentResult, Replication
from remixup.config.experiment import Experiment, Figure
from remixup.reporting.claim_tables import claim_tables, sort_claims
from remixup.reporting.evidence import Judged, in_order, judge
from remixup.reporting.missing_runs import Outstanding
from remixup.reporting.number_tables import count_numbers, measurement_tables, number_tables
from remixup.reporting.provenance import provenance, spent_by
from remixup.reporting.settings import Settings
from remixup.reporting.templates import render


def sections(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
    missing: Outstanding,
) -> tuple[dict[str, str], list[Judged]]:
    """Write the sections of the supplement.

    Returns:
        File name -> LaTeX, and the claims as they are numbered.
    """
    ordered, found = in_order(experiments), {result.experiment: result for result in results}
    papers = list(dict.fromkeys(each.paper for each in ordered))
    entries, settings = list(map(without_smoke_test, replication.entries)), Settings(results)
    claims = sort_claims(judge(experiments, results))
    # Tables name settings in this order.
    claimed = claim_tables(claims, settings)
    numbers = number_tables(ordered, found, settings)
    measured = measurement_tables(ordered, found, settings)
    costs = {cost.run: cost for result in results for cost in result.costs}
    smoke_tests = [entry for entry in replication.entries if is_smoke_test(entry)]
    smoke_runs = {run for entry in smoke_tests for run in entry.runs}
    texts = {
        "claims.tex": render(
            "claims.tex",
            tables=claimed,
            claims=claims,
            drawn=[each for each in claims if each.drawn and each.claim.source == "paper"],
        ),
        "numbers.tex": render(
            "numbers.tex",
            settings=settings.table(),
            fits=settings.fits(ordered, found),
            numbers=count_numbers(entries),
            papers={paper: count_numbers(entry for entry in entries if entry.paper == paper) for paper in papers},
            differences=count_numbers(map(without_smoke_test, replication.differences)),
            not_transcribed=sum(not entry.transcribed for entry in entries),
            tables=numbers,
            measured=measured,
            smoke=spent_by([cost for key, cost in costs.items() if key in smoke_runs]),
            failed=Counter(entry.verdict for entry in smoke_tests),
        ),
        "experiments.tex": render(
            "experiments.tex",
            experiments=[
                (each, _failed(each, found[each.id]), list(_shown_figures(each, found[each.id], settings)))
                for each in ordered
                if each.rows  # without rows it has sentences alone, which are in S4
            ],
        ),
        "sentences.tex": render("sentences.tex", papers=_sentences(ordered, found)),
        "provenance.tex": provenance(ordered, results, replication, claims, environment, missing),
    }
    return texts, claims


def _failed(experiment: Experiment, result: ExperimentResult) -> list[tuple[str, Entry]]:
    """List the rows whose runs failed or diverged, each with its label."""
    labels = {row.id: row.label for row in experiment.rows}
    found = {entry.row: entry for entry in result.entries if entry.verdict in ("failed", "diverged")}
    return [(labels.get(row, row), entry) for row, entry in found.items()]


def _shown_figures(
    experiment: Experiment, result: ExperimentResult, settings: Settings
) -> Iterator[tuple[Figure, str]]:
    """Give the figures that have something to show beyond the smoke test, with the names of their surrogates."""
    from remixup.reporting import figures  # these imports take a second
    from remixup.reporting.figures.drawing import is_empty

    for figure in experiment.figures:
        selected = experiment.select(figure.rows)
        if is_empty(figures.components()[figure.draw["name"]], result, selected):
            continue
        rows = {row.id for row in selected}
        own = [entry for entry in result.entries if entry.row in rows and entry.replicated]
        if any(not is_smoke_test(entry) for entry in own):
            surrogates = dict.fromkeys(entry.surrogate for entry in own if entry.surrogate)
            yield figure, settings.names(surrogates, experiment.id)


def _sentences(experiments: list[Experiment], results: dict[str, ExperimentResult]) -> dict[str, list[tuple[Any, Any]]]:
    """List for each paper the sentences that no run decides, each with the test of a definition."""
    found: dict[str, list[tuple[Any, Any]]] = {}
    for experiment in experiments:
        definitions = {claim.id: claim.definition for claim in experiment.claims}
        own = [(claim, definitions[claim.id]) for claim in results[experiment.id].claims if claim.kind != "measured"]
        found.setdefault(experiment.paper, []).extend(own)
    return {paper: own for paper, own in found.items() if own}
