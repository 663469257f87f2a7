"""`remixup plan` on a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from remixup.analysis.sample_size import Needed
from remixup.costs.costs import Bound, CostPlan, Disk, ExperimentCost, Totals


def table(plan: CostPlan) -> Table:
    """A line for each experiment, and one for all of them together."""
    name = "GPU" if plan.device == "cuda" else "CPU"
    drawn = Table(box=box.SIMPLE_HEAD, show_footer=True, padding=(0, 1))
    heads = ("runs", "jobs", "seeds", "stored", f"{name} hours", "left", "PFLOP", "GB", "n, numbers", "n, claims")
    totals = [*_cells(plan.totals), "", "", str(sum(each.rows_without_data for each in plan.experiments))]
    drawn.add_column("experiment", footer="together")
    for head, foot in zip((*heads, "no data"), totals, strict=True):
        drawn.add_column(head, footer=foot, justify="right")
    for each in plan.experiments:
        seeds = [seeds_needed(each.needed, "number"), seeds_needed(each.needed, "claim")]
        drawn.add_row(each.experiment, *_cells(each), *seeds, str(each.rows_without_data))
    return drawn


def remarks(plan: CostPlan) -> list[str]:
    """What the table leaves to be said."""
    totals = plan.totals
    lines = [
        f"Scale {plan.scale}, on {plan.hardware}; step times from {plan.step_times}.",
        f"Wall time of what is left, {totals.devices} at a time, the longest first: {bound(totals.wall_hours, ' h')}.",
        f"Disk: {_disk(totals.disk)} GB, and up to {number(totals.resume_points / 1e9)} GB of resume points meanwhile.",
        "n: the most seeds that a verdict needs, by how much seeds have differed so far (--json: each, and whence).",
        "Runs that several experiments share are counted once together; `no data`: rows that cannot run as configured.",
    ]
    if not totals.hours.complete:
        lines.append("Some steps have not been measured on this hardware: `remixup plan --measure` does it.")
    return lines


def bound(value: Bound, unit: str = "") -> str:
    """A sum, as a lower bound where some of it is not known."""
    if not value.complete and not value.value:
        return "not measured"
    return f"{'' if value.complete else '> '}{number(value.value)}{unit}"


def number(value: float) -> str:
    """Two digits, or all those before the point."""
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{float(f'{value:.2g}'):g}"


def seeds_needed(needed: list[Needed], what: str) -> str:
    """The most seeds that any number (or claim) of an experiment needs, and of how many it is not known."""
    asked = [each.seeds for each in needed if each.what == what]
    if not asked:
        return "-"
    known = [each for each in asked if isinstance(each, int)]
    most = "> 1000" if "> 1000" in asked else str(max(known)) if known else ""
    unknown = f"{asked.count(None)} unknown" if None in asked else ""
    return ", ".join(filter(None, (most, unknown)))


def _cells(cost: ExperimentCost | Totals) -> list[str]:
    counts = [str(each) for each in (cost.runs, cost.jobs, cost.seeds, cost.seeds_stored)]
    return [*counts, bound(cost.hours), bound(cost.hours_left), number(cost.pflop), _disk(cost.disk)]


def _disk(disk: Disk) -> str:
    """GB of checkpoints and prepared datasets."""
    known = disk.checkpoints + disk.datasets.value
    if not disk.datasets.complete and not known:
        return "unknown"
    return f"{'' if disk.datasets.complete else '> '}{number(known / 1e9)}"
