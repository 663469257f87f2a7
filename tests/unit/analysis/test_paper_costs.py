"""The committed costs of runs at paper scale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.config.small import plan

from remixup.costs import paper_costs
from remixup.costs.flops import operations
from remixup.costs.paper_costs import PaperCosts, count, plans, read
from remixup.costs.throughput import StepTime, StepTimes, kind
from remixup.planning.plan import Plan

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def committed() -> PaperCosts:
    return read(ROOT / paper_costs.FILE)


@pytest.fixture
def all_plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    monkeypatch.chdir(ROOT)
    return plans()


def test_the_file_has_every_run_and_evaluation(committed: PaperCosts, all_plans: list[Plan]) -> None:
    wanted = {key for each in all_plans for key in (*each.runs(), *each.evaluations())}
    assert set(committed.costs) == wanted, "run `make hashes`"


def test_the_file_says_what_the_code_says(committed: PaperCosts, all_plans: list[Plan]) -> None:
    some = [each for each in all_plans if each.experiment.id in ("uci", "gan", "moons", "corruption", "line")]
    assert len(some) == 5
    counted = count(some)
    assert counted.hardware == committed.hardware
    assert counted.costs == {key: committed.costs[key] for key in counted.costs}, "run `make hashes`"


def test_costs_are_those_of_one_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan(tmp_path)
    erm, mixup = planned.rows
    # Iris, half held out: 2 epochs of 75 examples trained on, and of 75 tested.
    each = operations(erm.run)
    flop = pytest.approx(2 * 75 * (each.training + each.evaluation), rel=1e-3)
    unmeasured = count([planned])
    assert unmeasured.hardware is None
    assert [unmeasured.costs[row.key].flop for row in (erm, mixup)] == [flop, flop]
    assert {cost.seconds for cost in unmeasured.costs.values()} == {None}
    times = StepTimes("Made-up GPU", "cuda")
    times.add(kind(erm.run, erm.seeds), StepTime(1.0, 0.5), 1)
    StepTimes("Made-up CPU", "cpu").add(kind(mixup.run, mixup.seeds), StepTime(1.0, 0.5), 1)
    measured = count([planned])
    assert measured.hardware == "Made-up GPU"
    assert measured.costs[erm.key].seconds == pytest.approx(2 * 75 * 1.5 / 3), (
        "a population's block, by its three seeds"
    )
    assert measured.costs[mixup.key].seconds is None, "those of a CPU are not a GPU's"


def test_what_is_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan(tmp_path)
    monkeypatch.setattr(paper_costs, "plans", lambda: [planned])
    file = tmp_path / "costs.json"
    paper_costs.write(file)
    assert read(file) == count([planned])
    assert len(file.read_text().splitlines()) == 2 + len(planned.rows), "a line for each, so that changes are seen"
    assert read(tmp_path / "nowhere.json") == PaperCosts(hardware=None, costs={})


def test_the_report_reads_them_without_torch() -> None:
    program = (
        "import sys; from remixup.analysis import paper_costs; from remixup.reporting import build, outstanding\n"
        f"assert paper_costs.read(paper_costs.Path({str(ROOT / paper_costs.FILE)!r})).costs\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
