import io
import json
import re
from pathlib import Path

import jsonschema
import pytest
import torch
from remixup_benchmarks import documents, run
from remixup_benchmarks.lines import HOPPER, LINES, TWO_CORES, Line, Target, results, verdict
from rich.console import Console

from remixup.store.provenance import Code

SCHEMA = json.loads((Path(run.__file__).parent / "results.schema.json").read_text())
LOOPS = (
    Line("slow", "the slow one", "images/s"),
    Line("quick", "the quick one", "images/s", "slow", (Target(3, at_least=True, on=TWO_CORES),)),
)
TIMES = {"slow": [10.0, 40.0, 20.0], "quick": [50.0, 120.0, 40.0]}


def one(measured, hardware, line):
    (found,) = results(measured, hardware, [line])
    return found


def test_a_ratio_is_the_median_of_those_of_each_turn():
    slow, quick = results(TIMES, TWO_CORES, LOOPS)
    assert (slow["median"], slow["spread"], slow["repeats"]) == (20, [10, 40], 3)
    assert (slow["ratio"], slow["ratio_spread"]) == (None, None)
    assert (quick["median"], quick["spread"], quick["values"]) == (50, [40, 120], [50, 120, 40])
    # 5, 3 and 2: neither their mean, nor the quotient 2.5 of the medians.
    assert (quick["ratio"], quick["ratio_spread"]) == (3, [2, 5])


def test_turns_that_do_not_match_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        results({**TIMES, "quick": [1.0]}, TWO_CORES, LOOPS)


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(2.0), 2.0, True),
        (Target(2.0), 2.1, False),
        (Target(2.0, at_least=True), 2.0, True),
        (Target(2.0, at_least=True), 1.9, False),
    ],
)
def test_a_target_bounds_the_median_from_above_or_below(target, value, met):
    found = one({"it": [0.0, value, 99.0]}, HOPPER, Line("it", "it", "s", targets=(target,)))
    assert found["met"] is met
    assert found["target"]["of"] == "median"
    assert verdict(found) == ("met" if met else "not met")


def test_a_target_of_a_ratio_bounds_the_ratio():
    _, quick = results(TIMES, TWO_CORES, LOOPS)
    assert quick["target"] == {"at_least": 3, "of": "ratio", "on": TWO_CORES}
    assert quick["met"] is True


def test_a_target_for_other_hardware_is_not_measured():
    _, here, there = results(TIMES, HOPPER, [LOOPS[0], LOOPS[1]])
    assert (here["ratio"], here["target"], verdict(here)) == (3, None, "")
    assert (there["values"], there["median"], there["spread"], there["ratio"], there["met"]) == (
        [],
        None,
        None,
        None,
        None,
    )
    assert there["target"]["on"] == TWO_CORES
    assert verdict(there) == "not measured"


def test_each_target_of_this_hardware_is_judged():
    line = Line("share", "share", "%", targets=(Target(23, at_least=True, on=HOPPER), Target(40, at_least=True)))
    assert [each["met"] for each in results({"share": [30.0]}, HOPPER, [line])] == [True, False]


def test_what_was_not_measured_says_so_once():
    plain, aimed = Line("plain", "plain", "s"), Line("aimed", "aimed", "s", targets=(Target(1, on=HOPPER),))
    for line in (plain, aimed):
        for hardware in (HOPPER, TWO_CORES):
            found = one({}, hardware, line)
            assert (found["repeats"], found["met"], verdict(found)) == (0, None, "not measured")


def test_a_ratio_needs_both():
    found = one({"quick": [1.0]}, TWO_CORES, LOOPS[1])
    assert (found["median"], found["ratio"], found["met"], verdict(found)) == (1, None, None, "not measured")


def test_lines_are_divided_by_lines_that_stand_before_them():
    known = set()
    for line in LINES:
        assert line.ratio_to is None or line.ratio_to in known
        known.add(line.id)
    assert len(known) == len(LINES)


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Runs `make bench` with made-up values, on a made-up machine."""
    monkeypatch.setattr(run, "FOLDER", tmp_path / "results")
    for module, hardware in ((run, "processor"), (documents, "hardware")):
        monkeypatch.setattr(module, hardware, lambda device: "Some CPU @ 3 GHz, 2 cores")
        monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = {}

    def training(device, repeats, steps):
        asked["training"] = (device, repeats)
        speeds = {"reference": 50.0, "torchvision": 51.0, "timm": 52.0, "engine": 170.0, "compiled": 200.0}
        return {name: [speed] * repeats for name, speed in {**speeds, "product": 0.9, "step-compiled": 70.0}.items()}

    monkeypatch.setattr(run, "training", training)
    monkeypatch.setattr(run, "mixing", lambda device, repeats, steps: {"mixing": [1.0] * repeats})
    monkeypatch.setattr(run, "mixing_call", lambda repeats: {})
    monkeypatch.setattr(run, "vectorized_seeds", lambda repeats: {"uci-1": [0.1] * repeats, "uci-100": [0.9] * repeats})
    monkeypatch.setattr(run, "workflow", lambda repeats, skip_report: {} if skip_report else {"report": [360.0]})

    def call(**options):
        run.main(**options)
        (path,) = (tmp_path / "results").glob("*.json")
        return path, json.loads(path.read_text()), asked

    return call


def test_what_is_written_keeps_to_its_schema(bench, capsys):
    path, written, asked = bench(repeats=2)
    assert path.name == "some-cpu-3-ghz-2-cores.json"
    assert asked["training"] == ("cpu", 2)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(written, SCHEMA)
    assert (written["kind"], written["torch"]) == (TWO_CORES, torch.__version__)
    by_id = {}
    for each in written["lines"]:
        by_id.setdefault(each["id"], []).append(each)
    assert set(by_id) == {line.id for line in LINES}
    assert [verdict(each) for each in by_id["engine"]] == ["not met", "not measured"]
    assert [verdict(each) for each in by_id["compiled"]] == ["met", "not measured"]
    assert verdict(by_id["uci-100"][0]) == "not met"
    assert by_id["uci-100"][0]["ratio"] == pytest.approx(9)
    assert verdict(by_id["memory-graph"][0]) == "not measured"
    assert by_id["report"][0]["median"] == 360
    said = capsys.readouterr().out
    for expected in ("Some CPU", "not met", "not measured", path.name):
        assert expected in said


def test_a_report_that_is_skipped_is_not_measured(bench):
    _, written, _ = bench(repeats=1, skip_report=True)
    assert [verdict(each) for each in written["lines"] if each["id"] == "report"] == ["not measured"]


def test_parts_are_written_when_they_are_done_and_join(bench, monkeypatch):
    monkeypatch.setattr(documents, "code", lambda: Code(commit="abc", dirty=False))
    _, written, _ = bench(names=["mixing"], repeats=2)
    assert {each["id"] for each in written["lines"] if each["values"]} == {"mixing"}
    bench(names=["workflow"], repeats=1)
    monkeypatch.setattr(run, "mixing", lambda *_: pytest.fail("it is not named"))
    monkeypatch.setattr(run, "vectorized_seeds", lambda repeats: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench(names=["training", "seeds"], repeats=1)
    (path,) = run.FOLDER.glob("*.json")
    found = {each["id"]: each for each in json.loads(path.read_text())["lines"] if each["values"]}
    assert {"mixing", "report", "reference", "compiled"} <= found.keys()
    assert found["compiled"]["ratio"] == 4
    monkeypatch.setattr(documents, "code", lambda: Code(commit="def", dirty=False))
    _, written, _ = bench(names=["workflow"], repeats=1)
    assert {each["id"] for each in written["lines"] if each["values"]} == {"report"}, "of another commit"
    monkeypatch.setattr(documents, "code", lambda: Code(commit="def", dirty=True))
    monkeypatch.setattr(run, "mixing", lambda *_: {"mixing": [1.0]})
    _, written, _ = bench(names=["mixing", "training"], repeats=1)
    ids = {each["id"] for each in written["lines"] if each["values"]}
    assert {"mixing", "reference"} <= ids, "of one call"
    assert "report" not in ids, "of code that may have changed since"


def test_an_unknown_part_is_a_mistake(bench):
    with pytest.raises(SystemExit, match=r"no part 'trainin' on this device .*'training'"):
        run.main(names=["trainin"])


def test_ways_are_shown_beside_one_another():
    measured = {"reference": [100.0], "exact": [150.0], "graph": [900.0], "step-graph": [41.5], "run-graph": [98.0]}
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(run.ways_table({"lines": results({**measured, "memory-reference": [2.5]}, HOPPER)}))
    rows = [re.findall(r"[\d.]+", line.split("\u2502", 2)[-1]) for line in console.export_text().splitlines()]
    assert ["900", "9.00", "41.5", "98"] in rows
    assert ["100", "2.5"] in rows
    assert ["150", "1.50"] in rows


def test_other_hardware_is_of_its_own_kind(monkeypatch):
    monkeypatch.setattr(run, "cores", lambda: 64)
    assert run.kind(torch.device("cpu")) not in (TWO_CORES, HOPPER)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA A100")
    for capability, expected in (((8, 0), "NVIDIA A100"), ((9, 0), HOPPER)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, found=capability: found)
        assert run.kind(torch.device("cuda")) == expected


@pytest.mark.slow
def test_every_loop_of_the_contest_can_be_made(monkeypatch):
    made = {}

    class Here:
        """An object as `Hosted` makes it, in this process."""

        def __init__(self, make, *arguments):
            self.object = make(*arguments)

        def ask(self, method):
            return getattr(self.object, method)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def take_no_turns(contenders, repeats):
        made.update({name: contender.func.__self__.object for name, contender in contenders.items()})
        return {name: [1e12] if name == "product" else [(1, 1.0)] for name in contenders}

    monkeypatch.setattr(run, "Hosted", Here)
    monkeypatch.setattr(run, "interleave", take_no_turns)
    values = run.training("cpu", repeats=1, steps=1)
    assert {name for name in values if not name.startswith("step-")} == made.keys()
    # All of them train on as many images as the others: a loader's end costs time.
    loops = ("reference", "reference-kept", "torchvision", "timm")
    assert {len(made[name].loader.dataset) for name in loops} == {50_000}
    how = {name: made[name].training.spec for name in ("exact", "engine", "compiled")}
    assert {name: (spec.precision, spec.execution.compile) for name, spec in how.items()} == {
        "exact": ("float32", False),
        "engine": ("bfloat16", False),
        "compiled": ("bfloat16", True),
    }
