import json
from pathlib import Path

import jsonschema
import pytest

from remixup import build_registry
from remixup.config import registry
from remixup.config.experiment import file_schema, read_experiment, read_experiments
from remixup.config.settings import Config
from remixup.config.yaml_loader import read_yaml
from remixup.errors import UserError
from remixup.planning.jobs import make_jobs
from remixup.planning.plan import merge, read_plans, with_all_rows
from tests.unit.config.sample_experiment import plan, spec, write

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rwos": []}, r"unknown key 'rwos'; did you mean 'rows'\?"),
        ({"run__epohcs": 3}, r"small.yaml, run: unknown key 'epohcs'; did you mean 'epochs'\?"),
        ({"rows__0__lable": "x"}, r"rows\[erm\]: unknown key 'lable'; did you mean 'label'\?"),
        ({"rows__1__use": ["mixpu"]}, r"row mixup: unknown variation 'mixpu'; did you mean 'mixup'\?"),
        ({"claims__0__compare": [{"baseline": "emr", "treatment": "mixup"}]}, r"unknown row 'emr'; did you mean 'erm'"),
        ({"metrics": {"test_eror.last": {"label": "x"}}}, r"evaluation 'test_eror'; did you mean 'test_error'"),
        ({"rows__0__published": {"test_error.median10": 1.0}}, r"metric 'test_error.median10' is not described"),
        ({"rows__0__published": {"test_error.last": float("nan")}}, r"finite"),
        ({"tables__0__rows": ["emr*"]}, r"unknown row 'emr\*'"),
        ({"rows__1__id": "erm"}, r"duplicate row id 'erm'"),
        ({"rows": []}, r"claim lower: unknown row 'erm'"),
        ({"rows": [], "claims": []}, r"all: unknown row '\*'"),
        ({"seeds": "many"}, r"seeds: .*integer"),
        ({"tables__0__rows": "erm"}, r"list"),
        ({"rows__0__id": 3}, r"rows\[3\].id: .*string"),
        ({"rows__0__label": "x\x1b[2J", "rows__0__lable": "x"}, r"unknown key 'lable'"),
        ({"title": None}, r"title: .*string"),
        ({"rows__1__each": {"alpha": 3}}, r"rows\[mixup\].each.alpha: .*list"),
    ],
)
def test_mistakes_name_place_and_remedy(tmp_path, changes, expected):
    path = write(tmp_path, **changes)
    with pytest.raises(UserError, match=expected) as caught:
        read_experiment(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"run__dataset": {"name": "irsi"}}, r"unknown dataset 'irsi'; did you mean 'iris'\?"),
        ({"run__dataset": {"name": "iris", "version": "uic"}}, r"no version 'uic'; did you mean 'uci'"),
        ({"run__model": {"name": "mpl"}}, r"unknown model 'mpl'; did you mean 'mlp'"),
        ({"run__model": {"name": "mlp", "hiden": [3]}}, r"mlp has no parameter 'hiden'; did you mean 'hidden'"),
        ({"run__optimizer": {"name": "sgd"}}, r"sgd needs the parameter 'lr'"),
        ({"run__optimizer": {"name": "sgd", "lr": 0}}, r"lr is > 0, not 0"),
        ({"run__optimizer": {"name": "sgd", "lr": 10**400}}, r"lr is of type number, not 1000"),
        ({"run__optimizer": {"name": "sgd", "lr": True}}, r"lr is of type number, not True"),
        ({"run__optimizer": {"name": "sgd", "lr": float("inf")}}, r"lr is of type number, not inf"),
        ({"variations__mixup": {"run": {"mixing": {"ratio": {"name": "beta"}}}}}, r"needs the parameter 'alpha'"),
        ({"run__mixing": {"partner": "permutation", "target": "mixed"}}, None),
        ({"run__epochs": 0}, r"run at paper scale|greater than or equal to 1"),
    ],
)
def test_mistakes_in_a_run_are_found_when_it_is_resolved(tmp_path, changes, expected):
    if expected is None:
        assert plan(tmp_path, **changes).rows
        return
    with pytest.raises(UserError, match=expected) as caught:
        plan(tmp_path, **changes)
    assert "rows[" in str(caught.value)


def test_what_editors_and_macos_leave_is_no_experiment(tmp_path):
    path = write(tmp_path)
    (path.parent / ".#small.yaml").symlink_to("me@host.1234")
    (path.parent / "._small.yaml").write_bytes(b"\x00\x05\x16\x07\x00\xff")
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints/small.yaml").write_text(path.read_text())
    assert list(read_experiments(tmp_path)) == ["small"]


def test_an_experiment_file_in_another_encoding_is_named(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_text().replace("Small", "Kästchen").encode("latin-1"))
    with pytest.raises(UserError, match=r"small.yaml: not readable as YAML: 'utf-8' .* \(save it as UTF-8\)"):
        read_experiments(tmp_path)


def test_a_departure_from_the_protocol_must_be_named(tmp_path):
    changed = {"embedded": {"run": {"epochs": 1}}}
    with pytest.raises(UserError, match="surrogate"):
        plan(tmp_path, "embedded", scales=changed)
    changed["embedded"]["surrogate"] = "one epoch for two"
    row = plan(tmp_path, "embedded", scales=changed).rows[0]
    assert (row.surrogate, row.scale, row.run.epochs) == ("one epoch for two", "embedded", 1)
    changed["embedded"]["counts_as"] = "paper"
    with pytest.raises(UserError, match="cannot count as paper"):
        plan(tmp_path, "embedded", scales=changed)


def test_a_version_that_the_row_does_not_accept_is_a_surrogate(tmp_path):
    config = Config.model_validate({"data": {"versions": {"iris": "scikit-learn"}}})
    assert plan(tmp_path, config=config, accepts=["uci"]).rows[0].surrogate == "version scikit-learn of iris"
    assert plan(tmp_path, config=config, accepts=["uci", "scikit-learn"]).rows[0].surrogate is None


def test_layers_are_laid_on_in_order(tmp_path):
    rows = [
        {
            "id": "erm",
            "label": "x",
            "use": ["a"],
            "run": {"batch_size": 4},
            "scales": {"reduced": {"run": {"batch_size": 5}, "surrogate": "y"}},
        }
    ]
    a = {"run": {"batch_size": 2, "epochs": 7}, "scales": {"reduced": {"run": {"batch_size": 3}}}}
    changes = {"rows": rows, "variations": {"a": a}, "claims": []}
    assert plan(tmp_path, **changes).rows[0].run.batch_size == 4
    reduced = plan(tmp_path, "reduced", **changes).rows[0].run
    assert (reduced.batch_size, reduced.epochs) == (5, 7)


def test_merging_parts():
    base = {"model": {"name": "mlp", "hidden": [3]}, "optimizer": "adam", "epochs": 1}
    assert merge(base, {"model": {"hidden": [4]}})["model"] == {"name": "mlp", "hidden": [4]}
    assert merge(base, {"model": {"name": "wide_resnet"}})["model"] == {"name": "wide_resnet"}
    assert merge(base, {"model": "wide_resnet"})["model"] == "wide_resnet"
    assert merge(base, {"optimizer": {"lr": 1.0}})["optimizer"] == {"name": "adam", "lr": 1.0}
    assert merge(base, {"epochs": 2})["epochs"] == 2
    assert merge({"mixing": {"ratio": {"name": "beta"}}}, {"mixing": {"ratio": None}}) == {"mixing": {"ratio": None}}


def test_rows_that_stand_for_several(tmp_path):
    rows = [
        {"id": "erm", "label": "ERM"},
        {
            "id": "a{alpha}",
            "label": "alpha {alpha}",
            "each": {"alpha": [0.1, 2]},
            "run": {"mixing": {"ratio": {"name": "beta", "alpha": "{alpha}"}}},
        },
    ]
    planned = plan(tmp_path, rows=rows, claims=[]).rows
    assert [row.row.id for row in planned] == ["erm", "a0.1", "a2"]
    assert [row.run.mixing.ratio for row in planned] == [
        None,
        {"name": "beta", "alpha": 0.1},
        {"name": "beta", "alpha": 2.0},
    ]


def test_the_hash_sees_what_matters_and_nothing_else():
    assert spec().key() == spec(execution={"threads": 2}, precision="float32", schedule="constant").key()
    assert spec(model={"name": "mlp", "hidden": [128, 128]}).key() == spec().key()
    mixup = {"ratio": {"name": "beta", "alpha": 1}}
    assert spec(mixing=mixup).key() == spec(mixing={**mixup, "partner": "permutation"}).key()
    assert spec(mixing=mixup).key() == spec(mixing={"ratio": {"name": "beta", "alpha": 1.0}}).key()
    different = [
        spec(),
        spec(mixing=mixup),
        spec(mixing={"ratio": {"name": "beta", "alpha": 2}}),
        spec(epochs=3),
        spec(precision="bfloat16"),
        spec(normalization="raw"),
        spec(dataset={"name": "iris", "version": "scikit-learn", "holdout": 0.5}),
    ]
    assert len({each.digest() for each in different}) == len(different)


def test_raised_numerics_change_the_hash_of_the_runs_that_use_them(monkeypatch):
    catalog = json.loads(json.dumps(registry.load_registry()))
    catalog["kinds"]["ratio"]["beta"]["numerics"] = 2
    erm, mixup = spec(), spec(mixing={"ratio": {"name": "beta", "alpha": 1}})
    before = erm.digest(), mixup.digest()
    monkeypatch.setattr(registry, "load_registry", lambda: catalog)
    assert erm.digest() == before[0]
    assert mixup.digest() != before[1]


def test_data_that_is_not_available_runs_nothing(tmp_path):
    config = Config.model_validate({"data": {"folder": str(tmp_path / "data")}})
    found = plan(tmp_path, config=config, run__dataset={"name": "abalone", "holdout": 0.5})
    assert not any(row.available for row in found.rows)
    assert found.runs() == {}
    assert make_jobs([found]) == []


def test_a_job_is_named_by_what_it_trains(tmp_path):
    before = make_jobs([plan(tmp_path, "embedded", scales={"embedded": {"counts_as": "paper"}})])
    more = make_jobs([plan(tmp_path, "embedded", scales={"embedded": {"counts_as": "paper"}}, seeds=5)])
    assert len(before) == len(more) == 1
    assert before[0].key != more[0].key
    assert sorted(more[0].runs.values()) == [5, 5]


@pytest.mark.parametrize(
    ("scale", "dataset", "vectorized", "names"),
    [
        ("embedded", "digits", False, ["small"]),
        ("paper", "digits", True, ["small-all"]),
        ("paper", "digits", False, None),
        ("paper", "mnist", True, ["small-mnist"]),
        ("paper", "mnist", False, None),
    ],
)
def test_short_runs_on_one_dataset_are_one_job_and_others_a_job_each(tmp_path, scale, dataset, vectorized, names):
    run = {"dataset": {"name": dataset}, "normalization": "standardize", "model": "preact_resnet"}
    run["execution"] = {"vectorize_seeds": vectorized}
    found = with_all_rows(plan(tmp_path, scale, run={"optimizer": "adam", "batch_size": 16, "epochs": 4, **run}))
    jobs = make_jobs([found])
    assert [job.name for job in jobs] == (names or list(found.runs()))
    assert sorted(key for job in jobs for key in job.runs) == sorted(found.runs()), "each run once"
    assert len(found.runs()) == 2


def test_an_experiment_id_is_unique(tmp_path):
    path = write(tmp_path)
    assert list(read_experiments(tmp_path)) == ["small"]
    path.with_name("other.yaml").write_text(path.read_text())
    with pytest.raises(UserError, match="is taken by"):
        read_experiments(tmp_path)


def test_every_committed_experiment_is_valid_at_every_scale():
    plans = read_plans(Config())
    assert {plan.experiment.id for plan in plans} == set(read_experiments())


def check_by_schema(paths):
    schema = file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in paths:
        jsonschema.validate(read_yaml(path), schema)


def test_an_experiment_file_has_the_shape_of_the_schema_for_editors():
    check_by_schema([read_experiments()["toy"][0]])


@pytest.mark.slow
def test_every_experiment_file_has_the_shape_of_the_schema_for_editors():
    check_by_schema([path for path, _ in read_experiments().values()])


@pytest.mark.slow  # `make check` does the same
def test_generated_files_have_not_drifted():
    assert build_registry.drifted(ROOT) == [], "run `make schema`"
