import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.unit.config.small import SMALL, plan
from tests.unit.evaluation.linear import trained
from typer.testing import CliRunner

from remixup.cli import app
from remixup.config import registry
from remixup.config.experiment import read_experiments
from remixup.config.settings import Config
from remixup.costs import run_costs
from remixup.costs.costs import Bound, devices, estimate, hours, wall_time
from remixup.costs.flops import Examples, operations
from remixup.costs.run_costs import RunCosts, passes, prepared_bytes
from remixup.costs.throughput import StepTime, StepTimes, kind
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.evaluation.runner import find
from remixup.reporting.cost_table import bound, number, seeds_needed
from remixup.store.run_store import Store, write_json
from remixup.training.supervised import Training

ROOT = Path(__file__).parents[3]
CONVOLUTIONAL = {
    "dataset": {"name": "digits"},
    "model": {"name": "preact_resnet", "width": 8, "blocks": [1]},
    "optimiser": {"name": "sgd", "lr": 0.1},
    "epochs": 2,
    "batch_size": 64,
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Config(results="results", scale="paper")


def measured(planned, training=1.0, evaluation=0.5, rows=None):
    """Made-up step times of the runs of some rows (default: all)."""
    Path("times/made-up-gpu.json").unlink(missing_ok=True)
    times = StepTimes("Made-up GPU", "cuda", Path("times"))
    for row in planned.rows:
        if rows is None or row.row.id in rows:
            times.add(kind(row.run, row.seeds), StepTime(training, evaluation), 1)
    return times


def history(seeds):
    fields = {"epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 2.0, "test_error": 3.0}
    return [{"seed": seed, **fields} for seed in seeds]


def test_hours_of_a_population_are_those_of_one_block(config, tmp_path):
    planned = plan(tmp_path, config=config)
    document = estimate(config, [planned], measured(planned), devices=1)
    # Iris, half held out: 2 epochs of 75 examples trained on at a second, and 75 tested at half a second; two runs.
    seconds = 2 * 2 * (75 * 1.0 + 75 * 0.5)
    found = document.experiments[0]
    assert (found.runs, found.jobs, found.seeds, found.seeds_stored) == (2, 1, 6, 0)
    assert found.hours == found.hours_left
    assert found.hours.complete
    assert found.hours.value == pytest.approx(seconds / 3600)
    assert document.totals.wall_hours.value == pytest.approx(seconds / 3600)
    operation = operations(planned.rows[0].run)
    assert found.pflop == pytest.approx(2 * 3 * 2 * 75 * (operation.training + operation.evaluation) / 1e15)
    assert operation.training == 3 * operation.evaluation > 0


def test_hours_of_other_networks_are_those_of_each_seed(config, tmp_path):
    planned = plan(tmp_path, config=config, run=CONVOLUTIONAL)
    found = estimate(config, [planned], measured(planned), devices=2)
    seconds = 3 * 2 * (600 * 1.0 + 600 * 0.5)  # of a run: seeds, epochs, examples
    assert found.experiments[0].hours.value == pytest.approx(2 * seconds / 3600)
    assert found.totals.wall_hours.value == pytest.approx(seconds / 3600)  # two devices for two runs


def test_what_was_not_measured_is_not_made_up(config, tmp_path):
    planned = plan(tmp_path, config=config)
    nothing = estimate(config, [planned], measured(planned, rows=[]), devices=1)
    assert nothing.experiments[0].hours == Bound(value=0.0, complete=False)
    assert bound(nothing.experiments[0].hours) == "not measured"
    part = estimate(config, [planned], measured(planned, rows=["mixup"]), devices=1)
    assert not part.experiments[0].hours.complete
    assert part.experiments[0].hours.value == pytest.approx(2 * 112.5 / 3600)
    assert bound(part.totals.wall_hours, " h") == "> 0.062 h"
    assert nothing.experiments[0].pflop > 0


def test_what_the_store_has_is_not_left(config, tmp_path):
    planned = plan(tmp_path, config=config, run=CONVOLUTIONAL)
    erm = planned.rows[0]
    store = Store(Path("results"))
    for seed in (0, 1):
        store.publish(erm.run, [seed], history([seed]), {})
    found = estimate(config, [planned], measured(planned), devices=1).experiments[0]
    seed_of_a_run = 2 * (600 * 1.0 + 600 * 0.5)
    assert (found.seeds, found.seeds_stored) == (6, 2)
    assert found.hours.value == pytest.approx(6 * seed_of_a_run / 3600)
    assert found.hours_left.value == pytest.approx(4 * seed_of_a_run / 3600)
    store.publish(erm.run, [2], history([2]), {})
    # What is stored needs no time, so that it has none does not matter.
    unknown = estimate(config, [planned], measured(planned, rows=["mixup"]), devices=1).experiments[0]
    assert (unknown.hours.complete, unknown.hours_left.complete) == (False, True)


def test_evaluations_add_their_passes_until_they_are_stored(config, tmp_path):
    attack = {"name": "attack", "method": "ifgsm", "eps": 0.1, "steps": 4, "examples": 100}
    planned = plan(tmp_path, config=config, run=CONVOLUTIONAL, rows__0__evaluate=[attack], rows__0__published={})
    trained_alone = replace(planned, rows=[replace(row, evaluate=[]) for row in planned.rows])
    times = measured(planned, training=1.0, evaluation=0.5)
    more, less = (estimate(config, [each], times, devices=1) for each in (planned, trained_alone))
    added = 3 * (4 * 100 * 1.0 + 2 * 100 * 0.5)
    assert more.totals.hours.value - less.totals.hours.value == pytest.approx(added / 3600)
    assert more.totals.disk.checkpoints == 3 * operations(planned.rows[0].run).weights
    assert less.totals.disk.checkpoints == 0
    block = Store(Path("results")).publish(planned.rows[0].run, [0], history([0]), {})
    (wanted,) = planned.evaluations().values()
    write_json(storage.path(Path("results"), wanted, block), {"block": block.digest, "measured": []})
    costs = RunCosts(config, planned, times)
    assert [each.left for each in costs.evaluations.values()] == [pytest.approx(2 / 3 * added)]


METHODS = {
    "fgsm": {},
    "ifgsm": {"steps": 4},
    "pgd_linf": {"steps": 3},
    "pgd_l2": {"steps": 2},
}


@pytest.fixture
def counting(monkeypatch):
    """A network, and how many examples pass through it with gradients and without; the sizes of its data are known."""
    training, seen = trained(), {True: 0, False: 0}
    forward = Training.forward

    def counted(self, x):
        seen[x.requires_grad] += x.shape[1]
        return forward(self, x)

    sizes = Examples(training.inputs.train.shape[1], training.inputs.test.shape[1], 0)
    monkeypatch.setattr(Training, "forward", counted)
    monkeypatch.setattr(run_costs, "examples", lambda spec: sizes)
    return training, seen


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["attack", "attack_curve"])
@pytest.mark.parametrize("examples", [20, 0])
def test_an_attack_passes_as_many_examples_as_are_counted(method, name, examples, counting):
    training, seen = counting
    eps = [0.1, 0.2, 0.3] if name == "attack_curve" else 0.1
    named = {"eps": eps, "method": method, "examples": examples, **METHODS[method]}
    find(name)(training, **named)
    assert passes({"name": name, **named}, training.spec) == (seen[True], seen[False])


@pytest.mark.parametrize("name", ["memorisation", "generalisation", "in_between"])
def test_an_evaluation_passes_as_many_examples_as_are_counted(name, counting):
    training, seen = counting
    named = {"pairs": 30, "points": 3} if name == "in_between" else {}
    find(name)(training, **named)
    assert passes({"name": name, **named}, training.spec) == (seen[True], seen[False])


def test_every_evaluation_of_the_catalogue_is_counted_or_known_to_be_small(tmp_path):
    run = plan(tmp_path, run=CONVOLUTIONAL).rows[0].run
    needs = {"attack": {"method": "fgsm", "eps": 0.1}, "attack_curve": {"method": "fgsm", "eps": [0.1]}}
    needs |= {name: {"alpha": 1.0} for name in ("approximation", "robustness", "collisions")}
    needs |= {"collinearity": {"eps": 0.1}, "guaranteed": {"radius": 0.1}}
    for name in registry.catalogue()["kinds"]["evaluation"]:
        found = passes({"name": name, **needs.get(name, {})}, run)
        assert found is not None, name
        assert (found == (0, 0)) == (name in run_costs.NOT_COUNTED), name
    assert passes({"name": "of a later day"}, run) is None


def test_wall_time_puts_the_longest_first():
    # On two devices 5 | 4, then 3 after the 4, 3 after the 5, 3 after those 7 hours: ten, though nine would do.
    jobs = [[each * 3600.0] for each in (3, 3, 5, 3)] + [[3600.0, 0.0, 3 * 3600.0]]
    assert wall_time(jobs, 2) == Bound(value=10.0, complete=True)
    assert wall_time(jobs, 1) == Bound(value=18.0, complete=True)
    assert wall_time(jobs, 9) == Bound(value=5.0, complete=True)
    assert wall_time([*jobs, [None]], 2) == Bound(value=10.0, complete=False)
    assert wall_time([[3600.0, None], [None]], 2) == Bound(value=1.0, complete=False)
    assert wall_time([], 3) == Bound(value=0.0, complete=True)


def test_hours_are_a_sum_that_says_whether_it_is_whole():
    assert hours([3600.0, 1800.0]) == Bound(value=1.5, complete=True)
    assert hours([3600.0, None]) == Bound(value=1.0, complete=False)


def test_a_run_that_experiments_share_is_counted_once_together(config, tmp_path):
    first = plan(tmp_path, config=config)
    second = plan(tmp_path, config=config, id="other", seeds=3)
    alone = estimate(config, [first], measured(first), devices=1)
    both = estimate(config, [first, second], measured(first), devices=1)
    assert [each.runs for each in both.experiments] == [2, 2]
    for field in ("runs", "seeds", "hours", "hours_left", "pflop", "disk", "wall_hours"):
        assert getattr(both.totals, field) == getattr(alone.totals, field), field


def test_rows_without_data_are_counted_and_named(config, tmp_path):
    planned = plan(tmp_path, config=config, run__dataset={"name": "iris", "version": "uci", "holdout": 0.5})
    assert not planned.runnable
    found = estimate(config, [planned], measured(planned), devices=1).experiments[0]
    assert (found.rows, found.rows_without_data, found.runs) == (2, 2, 2)


def test_resume_points_are_those_of_the_jobs_at_a_time(config, tmp_path):
    planned = plan(tmp_path, config=config)
    block = 3 * (1 + 2) * operations(planned.rows[0].run).weights  # seeds side by side; Adam keeps two of each
    one, three = (estimate(config, [planned], measured(planned), devices=n).totals for n in (1, 3))
    assert (one.resume_points, three.resume_points) == (block, 2 * block)


def test_sizes_of_datasets_come_from_manifests_or_from_the_registry(config):
    assert prepared_bytes(config, "cifar10", "python") == 60_000 * (3 * 32 * 32 + 8)
    assert prepared_bytes(config, "imagenet", "ilsvrc2012") is None
    path = config.manifest("imagenet", "ilsvrc2012")
    write_json(path, {"bytes": 1000, "images.bin": {"bytes": 140_000}})
    assert prepared_bytes(config, "imagenet", "ilsvrc2012") == 141_000


def test_prepared_datasets_are_as_large_as_the_registry_has_it(tmp_path):
    from remixup.data import prepare

    for name, version in (("digits", "scikit-learn"), ("formant-words", "generated"), ("waves", "generated")):
        said = json.loads(prepare(name, version, folder=tmp_path).read_text())["bytes"]
        estimated = prepared_bytes(Config(data={"folder": str(tmp_path / "elsewhere")}), name, version)
        assert 0 <= said - estimated < 1000  # the header of the file


def test_devices_are_given_or_one_gpu_or_all_cores():
    assert devices("gpu=4", "cuda") == 4
    assert devices(None, "cuda") == 1
    assert devices(None, "cpu") >= 1
    for wrong in ("gpu", "gpu=0", "4", "gpu=-1", "cpu=2"):
        with pytest.raises(UserError, match="gpu=N"):
            devices(wrong, "cuda")


def test_numbers_are_printed_with_what_they_are_good_for():
    printed = [number(value) for value in (0, 0.01234, 1.26, 9.96, 12.6, 123_456.7)]
    assert printed == ["0", "0.012", "1.3", "10", "13", "123,457"]


def test_the_most_seeds_that_any_verdict_needs(config, tmp_path):
    found = estimate(config, [plan(tmp_path, config=config)], StepTimes("x", "cpu", tmp_path), 1).experiments[0].needed
    assert seeds_needed(found, "number") == "1 unknown"
    known = [found[0].model_copy(update={"seeds": each}) for each in (3, 12, None)]
    assert seeds_needed(known, "number") == "12, 1 unknown"
    known[0].seeds = "> 1000"
    assert seeds_needed(known, "number") == "> 1000, 1 unknown"
    assert seeds_needed([], "claim") == "-"


@pytest.fixture
def project(config, tmp_path):
    """A folder with the small experiment."""
    Path("experiments/paper").mkdir(parents=True)
    Path("experiments/paper/small.yaml").write_text(SMALL)
    Path("config.yaml").write_text("scale: embedded\n")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *arguments])


def test_table_and_json_agree(project):
    path, experiment = read_experiments()["small"]
    planned = plan(project)
    times = StepTimes("Made-up GPU", "cuda")
    for row in planned.rows:
        times.add(kind(row.run, row.seeds), StepTime(40.0, 20.0), 1)
    arguments = ("--scale", "paper", "--hardware", "made-up-gpu", "--resources", "gpu=2")
    printed, said = run(*arguments), json.loads(run(*arguments, "--json").stdout)
    assert said["scale"] == "paper"
    assert said["hardware"] == "Made-up GPU"
    (found,), totals = said["experiments"], said["totals"]
    assert found["experiment"] == experiment.id
    cells = next(line for line in printed.stdout.splitlines() if "small" in line).split()
    assert cells[1:5] == [str(found[name]) for name in ("runs", "jobs", "seeds", "seeds_stored")]
    assert [float(each) for each in cells[5:7]] == [5.0, 5.0]
    assert found["hours"]["value"] == found["hours_left"]["value"] == pytest.approx(5.0)
    assert float(cells[7]) == pytest.approx(found["pflop"], rel=0.05)
    assert f"2 at a time, the longest first: {totals['wall_hours']['value']:.2g} h" in printed.stdout
    assert totals["wall_hours"]["value"] == pytest.approx(5.0), "both runs are one job, which has one device"
    assert {each["id"]: each["seeds"] for each in found["needed"]} == {"erm test_error.last": None, "lower": None}
    assert path.exists()


def test_measuring_makes_the_file_and_says_beforehand_what_it_times(project):
    before = run("--scale", "paper")
    assert "not measured" in before.stdout
    assert "remixup plan --measure" in before.stdout
    done = run("--measure", "--json", "--set", "scale=embedded")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["experiments"][0]["hours"]["complete"]
    assert done.stderr.splitlines()[0].startswith("2 kinds of steps to measure on ")
    (file,) = Path("benchmarks/step_times").glob("*.json")
    assert len(json.loads(file.read_text())["times"]) == 2


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--hardware", "abacus"), "no step times of 'abacus'"),
        (("--resources", "gpu=many"), "not of the form gpu=N"),
        (("--measure", "--hardware", "abacus"), "only this machine can be measured"),
        (("--scale", "papre"), "scale"),
    ],
)
def test_mistakes_are_told(project, arguments, what):
    result = run(*arguments)
    assert isinstance(result.exception, UserError)
    assert what in str(result.exception)


def test_the_plan_of_every_scale_of_the_experiments_here_is_made(monkeypatch):
    monkeypatch.chdir(ROOT)
    for scale in ("embedded", "paper"):
        result = run("--scale", scale, "--json", "--set", "experiments=[uci, gan, toy]")
        assert result.exit_code == 0, result.output
        assert [each["experiment"] for each in json.loads(result.stdout)["experiments"]] == ["uci", "gan", "toy"]
    assert yaml.safe_load(Path("config.yaml").read_text())["scale"] == "embedded"
