"""Section S5: conventions, freezes, data, records, costs and software."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from remixup.analysis import freezes, records
from remixup.analysis.best_evidence import best_sample, finding
from remixup.analysis.result_schema import Cost, Entry, ExperimentResult, OnSurrogate, Outcome, Replication, Source
from remixup.analysis.run_results import sources_of
from remixup.config.experiment import Experiment
from remixup.config.metrics import CONVENTIONS
from remixup.reporting import latex
from remixup.reporting.evidence import Judged
from remixup.reporting.missing_runs import Outstanding
from remixup.reporting.number_tables import CONVENTION_NAMES
from remixup.reporting.table_builder import NOTHING, TableBuilder
from remixup.reporting.templates import render


def provenance(
    experiments: list[Experiment],
    results: list[ExperimentResult],
    replication: Replication,
    claims: list[Judged],
    environment: dict[str, Any],
    missing: Outstanding,
) -> str:
    """Print section S5."""
    used = [*sources_of(records.read_all()), *(source for result in results for source in result.sources)]
    sources = {(source.name, source.version): source for source in used}
    costs = {(cost.run, *cost.seeds): cost for result in results for cost in result.costs}
    spent = {result.experiment: spent_by(result.costs) for result in results}
    lacking = {each.experiment.id: each for each in missing.experiments}
    return render(
        "provenance.tex",
        conventions=[(CONVENTION_NAMES[name], each) for name, each in replication.summary.by_convention.items()],
        by_number=convention_table(experiments, results),
        freezes=[(name, freezes.read(name), _findings(name, claims)) for name in freezes.names()],
        records=records_table(replication.entries),
        sources=[_described(source) for _, source in sorted(sources.items())],
        experiments=[(each, spent[each.id], lacking.get(each.id)) for each in experiments if each.rows],
        total=spent_by(list(costs.values())),
        missing=missing,
        code=replication.code,
        environment=environment,
        packages=", ".join(f"{name} {version}" for name, version in environment["versions"].items() if version),
    )


def convention_table(experiments: list[Experiment], results: list[ExperimentResult]) -> str:
    """Print, for each compared error, its verdict had the paper meant each of the conventions."""
    table = TableBuilder()
    found = {result.experiment: result.entries for result in results}
    for experiment in experiments:
        labels = {row.id: ": ".join(filter(None, [row.group, row.label])) for row in experiment.rows}
        for entry in found[experiment.id]:
            sample = best_sample(entry)
            if entry.published is None or sample is None or not sample.by_convention:
                continue
            table.heading(rf"\ref{{exp:{experiment.id}}} {latex.prose(experiment.title)}")
            decimals = experiment.metrics[entry.metric].decimals
            cells = [latex.prose(labels[entry.row]), latex.number(latex.printed(entry.published, decimals))]
            for name in CONVENTIONS:
                each = sample.by_convention.get(name)
                mean = each and latex.number(latex.fixed(each.mean, decimals))
                cells += [mean, latex.verdict(each.verdict)] if each and mean else [NOTHING, ""]
            table.line(*cells, CONVENTION_NAMES[sample.best_fit] if sample.best_fit else "")
    columns = (r"\multicolumn{2}{l}{" + name + "}" for name in ("Last epoch", "Median of ten", "Best"))
    head = " & ".join(["", "Published", *columns, "Fits best"])
    caption = "Each compared error: our mean under each convention, and the verdict had the paper meant it."
    return table.render("@{}L{40mm}rrlrlrll@{}", head, caption, "tab:conventions-each")


def _findings(freeze: str, claims: list[Judged]) -> list[tuple[int, Outcome | OnSurrogate, int]]:
    """Return the number of each claim of a freeze, the finding on the seeds of the freeze, and how many these are."""
    tests = [(number, test) for number, each in enumerate(claims, 1) for test in each.claim.recorded]
    return [(number, finding(test), test.n) for number, test in tests if test.freeze == freeze]


def records_table(entries: list[Entry]) -> str:
    """Print where the numbers on record come from, a line for each day, scale and commit."""
    counts: Counter[tuple[str, str, str]] = Counter()
    details: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for record in (record for entry in entries for record in entry.recorded):
        commit = latex.code(record.code.commit[:12]) if record.code.commit else NOTHING
        commit += "" if record.code.dirty is False else " (changed)"
        key = (record.date, record.scale, commit)
        counts[key] += 1
        details[key][f"{record.hardware}, {record.precision}"] = None
    table = TableBuilder()
    for (date, scale, commit), count in sorted(counts.items()):
        where = "; ".join(map(latex.escape, details[date, scale, commit]))
        table.line(date, scale, commit, where, str(count))
    caption = "Where the numbers on record come from. Records keep their specification, seeds and history."
    head = "Day & Scale & Commit & Hardware, precision & Numbers"
    return table.render("@{}lllL{90mm}r@{}", head, caption, "tab:records", "Records")


def _described(source: Source) -> str:
    """Describe a dataset: terms, checksum, note."""
    cited = rf" \citep{{{source.citation}}}" if source.citation else ""
    note = f" {latex.prose(source.note)}" if source.note else ""
    terms = f"{latex.escape(source.license)}; SHA-256 {latex.code(source.sha256[:12])}."
    return rf"\item \emph{{{latex.escape(source.name)}}}, {latex.escape(source.version)}{cited}: {terms}{note}"


@dataclass(frozen=True)
class Spent:
    """How much was trained: distinct runs, seeds of all runs, seconds, rounded for print, and machines."""

    runs: int
    seeds: int
    seconds: str
    machines: str


def spent_by(costs: list[Cost]) -> Spent:
    """Sum what runs took; list their machines, most used first."""
    seconds = sum(cost.seconds for cost in costs)
    machines = Counter(f"{cost.device}, {cost.hardware}" for cost in costs).most_common()
    return Spent(
        len({cost.run for cost in costs}),
        sum(len(cost.seeds) for cost in costs),
        f"{seconds:.{0 if seconds >= 10 else 1}f}",
        "; ".join(name for name, _ in machines),
    )
