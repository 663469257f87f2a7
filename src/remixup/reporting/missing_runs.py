"""What has no evidence of the published protocol yet, and what it would take to have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from remixup.analysis.best_evidence import best_evidence
from remixup.analysis.result_schema import Entry, ExperimentResult
from remixup.config.experiment import Experiment
from remixup.costs.paper_costs import PaperCosts
from remixup.planning.plan import Plan
from remixup.reporting import latex
from remixup.reporting.evidence import in_order, judge, of

UNKNOWN = "not known"


@dataclass(frozen=True)
class Lacking:
    """What an experiment lacks."""

    experiment: Experiment
    numbers: int
    """Published numbers whose best evidence is not the published protocol."""
    claims: int
    """Claims of the paper of which the same is true, or that choose among rows not all of which have runs."""
    runs: dict[str, int]
    """Run at paper scale -> seeds."""
    evaluations: dict[str, int]


@dataclass(frozen=True)
class Outstanding:
    """What the experiments lack, in the order of the report, and what runs at paper scale take."""

    parts: list[Lacking]
    costs: PaperCosts

    @property
    def together(self) -> dict[str, dict[str, int]]:
        """Seeds of all `runs` and `evaluations`; one that several experiments share counts once, with the most."""
        found: dict[str, dict[str, int]] = {"runs": {}, "evaluations": {}}
        for part in self.parts:
            for kind, total in found.items():
                total |= {key: seeds for key, seeds in getattr(part, kind).items() if seeds > total.get(key, 0)}
        return found

    def operations(self, runs: dict[str, int], evaluations: dict[str, int]) -> str:
        """Of so many seeds, in 10^15."""
        each = [(self.costs.costs.get(key), seeds) for key, seeds in (runs | evaluations).items()]
        return amount(None if cost is None else seeds * cost.flop / 1e15 for cost, seeds in each)

    def hours(self, runs: dict[str, int], evaluations: dict[str, int]) -> str:
        """Of one GPU, for so many seeds."""
        each = [(self.costs.costs.get(key), seeds) for key, seeds in (runs | evaluations).items()]
        return amount(
            None if cost is None or cost.seconds is None else seeds * cost.seconds / 3600 for cost, seeds in each
        )


def outstanding(plans: list[Plan], results: list[ExperimentResult], costs: PaperCosts) -> Outstanding:
    """What each experiment lacks; those that lack nothing are left out.

    Args:
        plans: of the experiments at paper scale.
        results: of the same experiments, with what is on record.
        costs: of runs and evaluations at paper scale.
    """
    by_id = {plan.experiment.id: plan for plan in plans}
    found = {result.experiment: result for result in results}
    parts = [_lacking(by_id[each.id], found[each.id]) for each in in_order([plan.experiment for plan in plans])]
    return Outstanding([each for each in parts if each.numbers or each.claims], costs)


def _lacking(plan: Plan, result: ExperimentResult) -> Lacking:
    """Rows are wanted for a number that they lack, or for a claim's metric that they lack; and so are their sources."""
    entries: dict[tuple[str, str], Entry] = {(entry.row, entry.metric): entry for entry in result.entries}

    def there(row: str, metric: str) -> bool:
        return (row, metric) in entries and best_evidence(entries[row, metric])[0] == "paper"

    numbers = [(row.row.id, metric) for row in plan.rows for metric in row.row.published if row.row.transcribed(metric)]
    numbers = [each for each in numbers if not there(*each)]
    derived = [each for each in plan.experiment.derived if not there(each.id, each.kind)]
    judged = of("paper", judge([plan.experiment], [result]))
    claims = [each.stated for each in judged if each.kind != "paper" or (each.test and each.test.untried)]
    rows = {row for row, _ in numbers} | {row for each in derived for row in (each.baseline, each.treatment)}
    rows |= {row for claim in claims for row in claim.rows if not there(row, claim.metric or "")}
    rows |= {part["source"] for row in plan.rows if row.row.id in rows for part in row.evaluate if "source" in part}
    wanted = replace(plan, rows=[replace(row, at_hand=True) for row in plan.rows if row.row.id in rows])
    runs = {key: seeds for key, (_, seeds) in wanted.runs().items()}
    evaluations = {key: each.seeds for key, each in wanted.evaluations().items()}
    return Lacking(plan.experiment, len(numbers) + len(derived), len(claims), runs, evaluations)


def amount(terms: Iterable[float | None]) -> str:
    """A sum to two digits, or to whole ones; a lower bound where some terms are not known."""
    listed = list(terms)
    known = [each for each in listed if each is not None]
    total, whole = sum(known), len(known) == len(listed)
    if not whole and total < 0.01:
        return UNKNOWN
    if 0 < total < 0.01:
        return r"$<\num{0.01}$"
    shown = f"{total:.0f}" if total >= 10 or total == 0 else f"{float(f'{total:.2g}'):g}"
    return ("" if whole else r"$>$\,") + latex.number(shown)


def table(found: Outstanding) -> str:
    """A line for each experiment, and one for all together; hours where they were measured."""
    lines: list[list[str] | str] = []
    for each in found.parts:
        counted = [str(each.numbers), str(each.claims), *_cells(found, each.runs, each.evaluations)]
        lines.append([rf"\ref{{exp:{each.experiment.id}}}", latex.prose(each.experiment.title), *counted])
    sums = [str(sum(each.numbers for each in found.parts)), str(sum(each.claims for each in found.parts))]
    lines.append([r"\totalrule All", "(runs in common once)", *sums, *_cells(found, **found.together)])
    timed = ["GPU hours"] if found.costs.hardware else []
    wide = 3 + len(timed)
    over = rf"& & \multicolumn{{2}}{{c}}{{Open}} & \multicolumn{{{wide}}}{{c}}{{To be run at paper scale}} \\"
    over += f"\n\\cmidrule(lr){{3-4}}\\cmidrule(l){{5-{4 + wide}}}\n"
    head = [over, "Experiment", "numbers", "claims", "runs", "trainings", r"$10^{15}$ operations", *timed]
    return latex.table(["@{}l", "l", *["r"] * (len(head) - 3), "r@{}"], head, lines)


def _cells(found: Outstanding, runs: dict[str, int], evaluations: dict[str, int]) -> list[str]:
    cells = [str(len(runs)), latex.number(str(sum(runs.values()))), found.operations(runs, evaluations)]
    return [*cells, found.hours(runs, evaluations)] if found.costs.hardware else cells


def macros(found: Outstanding) -> list[str]:
    """The lines that define what the text says of it."""
    both = found.together
    hours = found.hours(**both)
    values: dict[str, str | int] = {
        "NumOpenNumbers": sum(each.numbers for each in found.parts),
        "NumOpenClaims": sum(each.claims for each in found.parts),
        "NumOpenRuns": len(both["runs"]),
        "NumOpenTrainings": latex.number(str(sum(both["runs"].values()))),
        "OpenOperations": found.operations(**both),
        "OpenTimed": int(found.costs.hardware is not None and hours != UNKNOWN),
        "OpenHours": hours,
        "OpenHardware": latex.escape(found.costs.hardware or ""),
    }
    return [latex.macro(name, value) for name, value in values.items()]
