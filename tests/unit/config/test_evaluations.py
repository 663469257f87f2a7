"""What is measured on trained networks: its metrics, its identity, and the networks of another row that it uses."""

import json

import pytest

from remixup.config import registry
from remixup.config.experiment import read_experiment
from remixup.config.metrics import metric_names
from remixup.config.run import short_digest
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.planning.jobs import make_jobs
from remixup.planning.plan import plan_experiment
from tests.unit.config.sample_experiment import plan, write

STRING, NUMBER = {"type": "string", "default": ""}, {"type": "number", "default": 1.0}
ENTRY = {"numerics": 1, "summary": "", "weights": True, "classes": 0, "objectives": ["supervised"]}
ROWS = [
    {"id": "source", "label": "x"},
    {"id": "same", "label": "x", "evaluate": [{"name": "probe", "source": "source"}]},
    {
        "id": "other",
        "label": "x",
        "run": {"epochs": 3},
        "evaluate": [{"name": "probe", "source": "source", "eps": 2.0}],
    },
    {"id": "alone", "label": "x", "evaluate": ["probe"]},
]
IMAGES = {
    "dataset": {"name": "digits"},
    "model": "preact_resnet",
    "optimizer": "adam",
    "epochs": 2,
    "batch_size": 16,
}


@pytest.fixture(autouse=True)
def _with_probe(monkeypatch):
    """An evaluation that measures two numbers, with or without a source, and one that measures no number."""
    catalog = json.loads(json.dumps(registry.load_registry()))
    evaluations = catalog["kinds"]["evaluation"]
    evaluations["probe"] = {**ENTRY, "parameters": {"source": STRING, "eps": NUMBER}, "values": ["top1", "top5"]}
    evaluations["drawing"] = {**ENTRY, "parameters": {}, "values": []}
    monkeypatch.setattr(registry, "load_registry", lambda: catalog)


def planned(tmp_path, rows=ROWS, **changes):
    return plan(tmp_path, **{"run": IMAGES, "rows": rows, "claims": [], **changes})


def evaluation(found, row):
    row = next(each for each in found.rows if each.row.id == row)
    return found.evaluation(row, row.evaluate[0])


def test_numbers_of_evaluations_are_metrics_where_they_are_declared(tmp_path):
    metrics = {"probe.top1": {"label": "Top 1"}, "test_error.last": {"label": "x"}}
    found = planned(tmp_path, [{**ROWS[3], "published": {"probe.top1": 9.0}}], metrics=metrics).experiment
    assert found.rows[0].printed("probe.top1").value == 9.0
    assert {"probe.top1", "probe.top5"} < set(metric_names())
    assert not any(name.startswith("drawing") for name in metric_names())


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("probe.topp1", r"probe has no 'topp1'; did you mean 'top1'"),
        ("probe.last", r"probe has no 'last'"),
        ("probe", r"probe has no ''; valid: top1, top5"),
        ("drawing.top1", r"unknown quantity or evaluation 'drawing'"),
        ("prob.top1", r"unknown quantity or evaluation 'prob'; did you mean 'probe'"),
        ("test_error.top1", r"test_error has no 'top1'"),
    ],
)
def test_metrics_that_nothing_gives_are_refused(tmp_path, metric, expected):
    with pytest.raises(UserError, match=expected):
        read_experiment(write(tmp_path, metrics={metric: {"label": "x"}}))


def test_an_evaluation_stands_once(tmp_path):
    """Its results are filed under its name."""
    with pytest.raises(UserError, match=r"duplicate evaluation 'probe'"):
        planned(tmp_path, [{**ROWS[3], "evaluate": ["probe", {"name": "probe", "eps": 2.0}]}])


def test_later_settings_replace_what_is_measured(tmp_path):
    row = {"id": "erm", "label": "x", "scales": {"embedded": {"evaluate": [], "surrogate": "nothing measured"}}}
    changes = {"evaluate": ["probe"], "run": IMAGES, "rows": [row], "claims": []}
    assert [part["name"] for part in plan(tmp_path, "paper", **changes).rows[0].evaluate] == ["probe"]
    assert plan(tmp_path, "embedded", **changes).rows[0].evaluate == []
    row["scales"]["embedded"].pop("surrogate")
    with pytest.raises(UserError, match="departs from the published protocol"):
        plan(tmp_path, "embedded", **changes)


def test_the_source_is_the_run_of_the_row_that_is_named(tmp_path):
    found = planned(tmp_path)
    keys = {row.row.id: row.key for row in found.rows}
    same, other, alone = (evaluation(found, name) for name in ("same", "other", "alone"))
    assert same.source == other.source == keys["source"]
    assert other.runs == [keys["other"], keys["source"]]
    assert other.part == {"name": "probe", "eps": 2.0}
    assert (alone.source, alone.runs) == (None, [keys["alone"]])
    assert set(found.evaluations()) == {same.key, other.key, alone.key}
    assert len({same.key, other.key, alone.key}) == 3


def test_an_evaluation_is_known_by_its_runs_and_parameters(tmp_path):
    before = planned(tmp_path)
    renamed = [{**ROWS[0], "id": "renamed"}, {**ROWS[1], "evaluate": [{"name": "probe", "source": "renamed"}]}]
    assert evaluation(planned(tmp_path, renamed), "same").key == evaluation(before, "same").key
    changed = planned(tmp_path, [{**ROWS[0], "run": {"epochs": 9}}, *ROWS[1:]])
    for name in ("same", "other"):
        assert evaluation(changed, name).run == evaluation(before, name).run
        assert evaluation(changed, name).key != evaluation(before, name).key
    assert evaluation(changed, "alone").key == evaluation(before, "alone").key


def test_an_evaluation_without_a_source_keeps_the_name_that_it_always_had(tmp_path):
    """Evidence is found by it: hashed over part and run, as before there were sources."""
    alone = evaluation(planned(tmp_path), "alone")
    assert alone.key == f"probe-{short_digest({'evaluation': {'name': 'probe'}, 'runs': [alone.run]})}"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ROWS[0], {**ROWS[1], "evaluate": [{"name": "probe", "source": "sorce"}]}], r"'sorce'.*did you mean 'source'"),
        ([{**ROWS[0], "at": ["embedded"]}, ROWS[1]], r"unknown row 'source' as a source"),
        ([{**ROWS[0], "run": {"model": "mlp"}}, ROWS[1]], r"row source cannot be a source"),
        ([{**ROWS[0], "seeds": 1}, ROWS[1]], r"row source cannot be a source: it needs two seeds or more"),
        ([ROWS[0], {**ROWS[1], "run": {"model": "mlp"}}], r"row same cannot have a source"),
    ],
)
def test_rows_that_cannot_be_a_source(tmp_path, rows, expected):
    with pytest.raises(UserError, match=expected) as caught:
        planned(tmp_path, rows)
    assert "rows[same] at paper scale, evaluate" in str(caught.value)


def test_a_claim_may_compare_evaluations_of_one_run_but_not_one_with_itself(tmp_path):
    """Black box and white box on one network differ in the evaluation alone."""
    claim = {"id": "c", "statement": "x", "where": "y", "metric": "probe.top1", "smallest_effect": 1.0}
    changes = {"metrics": {"probe.top1": {"label": "x"}}}
    pair = {"baseline": "same", "treatment": "alone"}
    assert planned(tmp_path, claims=[{**claim, "compare": [pair]}], **changes).rows
    twin = {**ROWS[3], "id": "twin"}
    pair = {"baseline": "twin", "treatment": "alone"}
    with pytest.raises(UserError, match="twin and alone are the same run"):
        planned(tmp_path, [*ROWS, twin], claims=[{**claim, "compare": [pair]}], **changes)


@pytest.mark.parametrize(("kind", "needed"), [("compare", "erm"), ("bound", "erm"), ("untested", None)])
def test_the_rows_of_a_claim_on_a_surrogate_are_compared_with_logistic_regression(tmp_path, kind, needed):
    """The baseline of a comparison and the row of a bound, each by its ERM counterpart; real data need not be."""
    mixup = {"mixing": {"ratio": {"name": "beta", "alpha": 1.0}}}
    rows = [{"id": "erm", "label": "x"}, {"id": "mixup", "label": "x", "run": mixup}]
    claim = {"id": "c", "statement": "x", "where": "y", "metric": "test_error.last"}
    claim |= {
        "compare": {"compare": [{"baseline": "mixup", "treatment": "erm"}], "smallest_effect": 1.0},
        "bound": {"bound": {"row": "mixup", "at_most": 5.0}},
        "untested": {"untested": "no time", "metric": None},
    }[kind]
    changes = {"metrics": {"test_error.last": {"label": "x"}}, "claims": [claim]}
    stands_in = planned(tmp_path, rows, surrogate="digits for CIFAR-10", **changes)
    keys = {row.row.id: row.key for row in stands_in.rows}
    found = [(each.part["name"], each.run) for each in stands_in.evaluations().values()]
    assert found == ([("logistic_regression", keys[needed])] if needed else [])
    assert planned(tmp_path, rows, **changes).evaluations() == {}


def test_an_evaluation_is_in_the_job_that_trains_all_runs_it_reads_else_in_a_job_after_them(tmp_path):
    """Rows source, same and alone are one run. The row other is another, in a job of its own above embedded scale."""
    apart = planned(tmp_path)
    same, other, alone = (evaluation(apart, name).key for name in ("same", "other", "alone"))
    *training, joint = make_jobs([apart])
    assert [job.evaluations for job in training] == [{same: 3, alone: 3}, {}]
    assert (joint.runs, joint.evaluations, joint.after) == ({}, {other: 3}, sorted(job.key for job in training))
    (job,) = make_jobs([plan_experiment(tmp_path, apart.experiment, Config(), "embedded")])
    assert job.evaluations.keys() == {same, other, alone}


def test_the_most_seeds_asked_for_are_evaluated(tmp_path):
    more = {**ROWS[3], "id": "more", "seeds": 7}
    found = planned(tmp_path, [more, ROWS[3]])
    assert [each.seeds for each in found.evaluations().values()] == [7]
    assert [seeds for _, seeds in found.runs().values()] == [7], "the two rows are one run"


AIRFOIL = {**IMAGES, "dataset": {"name": "airfoil"}, "model": {"name": "mlp", "hidden": [8]}}
RATES = {**IMAGES, "dataset": {"name": "exchange-rate"}, "model": "lstnet", "normalization": "raw"}
MOONS = {**AIRFOIL, "dataset": {"name": "two-moons"}}
RING = {**AIRFOIL, "dataset": {"name": "ring-of-gaussians"}, "model": "gan", "objective": "gan", "normalization": "raw"}


@pytest.mark.parametrize(
    ("run", "evaluate", "expected"),
    [
        (AIRFOIL, "memorization", "memorization needs 2 classes or more, which dataset airfoil does not have"),
        (RATES, "memorization", "memorization needs 2 classes or more, which dataset exchange-rate does not have"),
        (MOONS, {"name": "collisions", "alpha": 1.0}, "collisions needs 3 classes or more"),
        (IMAGES, "modes", "modes needs the objective gan, not supervised"),
        (IMAGES, "sensitivity", "sensitivity needs the objective dp_sgd, not supervised"),
        (RING, "generalization", "generalization needs the objective dp_sgd or supervised, not gan"),
    ],
)
def test_an_evaluation_that_does_not_fit_the_run_is_rejected_when_it_is_planned(tmp_path, run, evaluate, expected):
    rows = [{"id": "row", "label": "x", "evaluate": [evaluate]}]
    with pytest.raises(UserError, match=rf"rows\[row\] at paper scale, evaluate: {expected}"):
        planned(tmp_path, rows, run=run)


def test_an_evaluation_that_fits_is_planned(tmp_path):
    rows = [{"id": "row", "label": "x", "evaluate": ["memorization", "generalization"]}]
    assert len(planned(tmp_path, rows, run=MOONS).evaluations()) == 2
    assert len(planned(tmp_path, [{**rows[0], "evaluate": ["modes"]}], run=RING).evaluations()) == 1
