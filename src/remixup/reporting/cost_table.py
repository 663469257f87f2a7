"""Print the table of `remixup plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from remixup.costs.sample_size import Needed

if TYPE_CHECKING:  # it imports torch
    from remixup.costs.estimate import CostPlan, Estimate

NOTES = (
    "PFLOP, hours: of training all seeds, 10^15 operations and hours of one device. Evaluations are not estimated.",
    "Hours are operations / the rate of runs that trained the same network on this hardware; '-' where there are none.",
    "n: the most seeds that a verdict needs, judged by how much seeds have differed (--json lists each).",
    "Runs that several experiments share are counted once in the total. no data: rows that cannot run as configured.",
)


def table(plan: CostPlan) -> Table:
    """Build the table: one line for each experiment, and the total."""
    without_data = str(sum(each.rows_without_data for each in plan.experiments))
    drawn = Table(box=box.SIMPLE_HEAD, show_footer=True, padding=(0, 1))
    drawn.add_column("experiment", footer="total")
    heads = ("runs", "seeds", "stored", "PFLOP", "hours", "n, numbers", "n, claims", "no data")
    for head, total in zip(heads, [*_cells(plan.total), "", "", without_data], strict=True):
        drawn.add_column(head, footer=total, justify="right")
    for each in plan.experiments:
        seeds = [most_seeds(each.needed, "number"), most_seeds(each.needed, "claim")]
        drawn.add_row(each.experiment, *_cells(each), *seeds, str(each.rows_without_data))
    return drawn


def _cells(found: Estimate) -> list[str]:
    counts = [str(found.runs), str(found.seeds), str(found.seeds_stored)]
    return [*counts, number(found.operations / 1e15), "-" if found.hours is None else number(found.hours)]


def number(value: float) -> str:
    """Format a number with two digits, or as an integer from 10 on."""
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{float(f'{value:.2g}'):g}"


def most_seeds(needed: list[Needed], what: str) -> str:
    """Say how many seeds the most demanding number (or claim) needs, and of how many this is unknown."""
    seeds = [each.seeds for each in needed if each.what == what]
    if not seeds:
        return "-"
    known = [each for each in seeds if isinstance(each, int)]
    most = "> 1000" if "> 1000" in seeds else str(max(known)) if known else ""
    unknown = f"{seeds.count(None)} unknown" if None in seeds else ""
    return ", ".join(filter(None, (most, unknown)))
