"""What a freeze fixes, the commands, and the tasks of a freeze in the evidence queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.analysis.frozen import FILE, FIRST, commit, confirm, edit, freeze, plan, train
from tests.unit.config.sample_experiment import SMALL
from tests.unit.store.samples import provenance
from typer.testing import CliRunner

from remixup.analysis import freezes, records
from remixup.analysis.audit import Audit
from remixup.analysis.freezes import Freeze
from remixup.analysis.thresholds import thresholds
from remixup.cli import app
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config, Data
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.maintenance import evidence_queue
from remixup.maintenance.evidence_task import NotInformative, require_informative
from remixup.planning.plan import linear_baseline, plan_experiment
from remixup.store.blocks import EvaluatedBlock
from remixup.store.provenance import code
from remixup.store.run_store import Store

pytestmark = pytest.mark.usefixtures("repository")
NETWORK = (
    "dataset: {name: iris, holdout: 0.5}\n  model: mlp",
    "dataset: {name: digits}\n  model: {name: preact_resnet, width: 4, blocks: [1, 1]}",
)
"""Replace the network that trains its seeds together by one that trains them one by one."""


def test_a_freeze_has_all_that_decides_a_claim() -> None:
    frozen = freeze(2)
    erm, mixup = (row.key for row in plan().rows)
    content = json.loads(FIRST.read_text())
    assert content.pop("sha256") == frozen.digest
    assert content == {
        "schema_version": 2,
        "experiment": "small",
        "scale": "paper",
        "reason": "to decide",
        "claims": {
            "lower": {
                "statement": "mixup lowers the error",
                "metric": "test_error.last",
                "compare": [{"baseline": ["erm"], "treatment": ["mixup"]}],
                "smallest_effect": 0.5,
            }
        },
        "runs": {"erm": erm, "mixup": mixup},
        "evaluations": [],
        "seeds": [1000, 1001, 1002],
        "number_of_seeds": 3,
        "stopping_rule": "fixed number of seeds",
        "thresholds": thresholds(),
        "published": {"erm": {"test_error.last": {"value": 21.3, "tolerance": 1.065, "rounding": 0.05, "runs": 1}}},
    }


def test_it_has_what_else_verdicts_depend_on() -> None:
    """The gain of 0.8 makes the tolerance 0.2; a claim of another experiment is primary, too."""
    document = yaml.safe_load(SMALL)
    document["rows"][1]["published"] = {"test_error.last": {"value": 20.5, "standard_deviation": 0.3, "runs": 5}}
    document |= {"counterparts": {"erm": ["mixup"]}, "scales": {"reduced": {"surrogate": "digits for iris"}}}
    document["known_effects"] = [{"baseline": "erm", "treatment": "mixup", "metric": "test_error.last"}]
    derived = {"id": "ratio", "label": "r", "where": "w", "kind": "accuracy_ratio", "metric": "test_error.last"}
    document["derived"] = [{**derived, "baseline": "erm", "treatment": "mixup", "published": 1.1, "tolerance": 0.02}]
    document["claims"][0]["primary"] = True
    FILE.write_text(yaml.safe_dump(document))
    other = document | {"id": "other", "claims": [{**document["claims"][0], "id": "lower-still"}]}
    FILE.with_name("other.yaml").write_text(yaml.safe_dump(other))
    reduced = plan_experiment(FILE, read_experiment(FILE), Config(), "reduced")
    frozen = Freeze.read(freezes.write(reduced, ["*"], "to decide", 2, Store(Path("results")), Config()))
    erm, mixup = ({"value": value, "tolerance": 0.2, "rounding": 0.05} for value in (21.3, 20.5))
    assert frozen.published == {
        "erm": {"test_error.last": {**erm, "runs": 1}},
        "mixup": {"test_error.last": {**mixup, "runs": 5, "standard_deviation": 0.3}},
        "ratio": {"accuracy_ratio": {"value": 1.1, "tolerance": 0.02, "rounding": 0.05, "runs": 1}},
    }
    assert frozen.known_effects == document["known_effects"]
    assert frozen.surrogates == ["erm", "mixup"]
    assert frozen.primary_claims == ["other/lower-still", "small/lower"]


def test_its_seeds_are_new_to_records_to_the_store_and_to_other_freezes() -> None:
    train(0, [0, 1, 2], day=1)
    assert freeze(2, count=2).seeds == [1000, 1001]
    assert freeze(2).seeds == [2000, 2001, 2002]
    train(1, [3000], day=2)
    assert freeze(2).seeds[0] == 4000
    train(0, [4999], day=2, store=Store(Path("results")))
    assert freeze(2).seeds[0] == 5000
    assert freezes.names() == ["small-1", "small-2", "small-3", "small-4"]


def test_only_claims_about_the_chosen_rows_are_frozen() -> None:
    document = yaml.safe_load(SMALL)
    document["rows"].append({"id": "long", "label": "long", "run": {"epochs": 9}})
    claim = {**document["claims"][0], "id": "long-lower", "compare": [{"baseline": "long", "treatment": "mixup"}]}
    document["claims"].append(claim)
    FILE.write_text(yaml.safe_dump(document))
    frozen = freeze(2, patterns=["erm", "mix*"])
    assert list(frozen.claims) == ["lower"]
    assert list(frozen.runs) == ["erm", "mixup"]
    with pytest.raises(UserError, match=r"no row 'emr' at paper scale.*did you mean 'erm'"):
        freeze(2, patterns=["emr"])
    with pytest.raises(UserError, match="no claim is about these rows alone"):
        freeze(2, patterns=["erm"])


def test_rows_are_frozen_with_the_rows_that_their_evaluations_read() -> None:
    document = yaml.safe_load(SMALL)
    document["run"] |= {"dataset": {"name": "digits"}, "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1]}}
    document["rows"][1]["evaluate"] = [{"name": "attack", "method": "fgsm", "eps": 1.0, "source": "erm"}]
    FILE.write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match="the evaluation of row mixup needs another row"):
        freeze(2, patterns=["mixup"])


def run(*arguments: str) -> tuple[int, str, str]:
    code.cache_clear()
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, str(done.exception) if done.exception else done.stderr


def test_the_commands() -> None:
    asked = ("freeze", "small", "--scale", "paper", "--reason", "to decide")
    status, said, _ = run(*asked, "--rows", "erm", "--rows", "mixup", "--seeds", "7")
    assert (status, said.splitlines()[0]) == (0, str(FIRST))
    assert Freeze.read(FIRST).number_of_seeds == 7
    assert "clean source tree" in run(*asked)[2]  # the freeze itself is not committed
    commit(2)
    status, said, _ = run("audit")
    assert status == 0
    assert "0 of 7 seeds" in said
    edit("smallest_effect: 0.5", "smallest_effect: 0.1")
    done = CliRunner().invoke(app, ["audit"])
    assert (done.exit_code, "the claim was edited" in done.stderr) == (1, True)
    assert "clean source tree" in run(*asked)[2]
    FILE.write_text(SMALL)
    assert "embedded is not a real scale" in run(*asked[:3], "embedded", *asked[4:])[2]
    assert "a freeze has a reason" in run(*asked[:-1], " ")[2]


def queued(*items: dict[str, Any]) -> list[evidence_queue.Task]:
    Path("evidence.yaml").write_text(yaml.safe_dump({"cpu": list(items)}))
    wanted = evidence_queue.read_queue_file(Path("evidence.yaml"))
    return evidence_queue.tasks_of(wanted.cpu, Config(), "evidence.yaml, cpu")


def test_the_evidence_queue_has_the_seeds_of_a_freeze(tmp_path: Path) -> None:
    train(0, [0, 1, 2], day=1)
    frozen = freeze(2, count=5)
    tasks = queued({"freeze": "small-1"})
    assert [str(task) for task in tasks] == [
        f"small at paper scale, {row}: seeds 1000-1004" for row in ("erm", "mixup")
    ]
    assert not any(task.on_record for task in tasks)
    evidence_queue.write_queue(tasks, Path("queue.json"), Config(), None, 1, None)
    written = json.loads(Path("queue.json").read_text())["tasks"].values()
    assert [(each["seeds"], each["freeze"]) for each in written] == [(5, "small-1")] * 2
    train(0, frozen.seeds, day=2, freeze=frozen.digest)
    assert [task.on_record for task in tasks] == [True, False]


def test_a_freeze_is_about_its_runs_and_not_about_others_of_the_same_protocol() -> None:
    train(0, list(range(9)), day=1, version="uci")
    frozen = freeze(2)
    tasks = queued({"freeze": "small-1"})
    train(0, frozen.seeds, day=2, freeze=frozen.digest)
    assert tasks[0].on_record


def test_seeds_of_a_freeze_do_not_stand_in_for_others() -> None:
    frozen = freeze(2, count=5)
    confirm(frozen, day=2)
    assert not any(task.on_record for task in queued({"experiment": "small", "scale": "paper", "rows": ["*"]}))


def test_baselines_of_a_freeze_are_trained_before_all_other_rows() -> None:
    """Each seed is a task, and mixup is the first row of the file."""
    erm, mixup = SMALL[SMALL.index("  - {id: erm") : SMALL.index("claims:")].splitlines()
    FILE.write_text(SMALL.replace(*NETWORK).replace(f"{erm}\n{mixup}", f"{mixup}\n{erm}"))
    freeze(2, count=2)
    evidence_queue.write_queue(queued({"freeze": "small-1"}), Path("queue.json"), Config(), None, 1, None)
    written = list(json.loads(Path("queue.json").read_text())["tasks"].items())
    assert [each["label"].partition("scale, ")[2] for _, each in written] == [
        "erm: seed 1000",
        "erm: seed 1001",
        "mixup: seed 1000",
        "mixup: seed 1001",
    ]
    names = [name for name, _ in written]
    assert [each["after"] for _, each in written] == [[], names[:1], names[:2], names[:3]]


def test_a_run_that_would_decide_nothing_is_not_trained() -> None:
    """ERM must beat logistic regression, on the seeds of the freeze; a baseline is trained in any case."""
    digits = SMALL.replace("iris, holdout: 0.5", "digits").replace("smallest_effect: 0.5", "smallest_effect: 1.0")
    FILE.write_text(digits.replace("seeds: 3", "seeds: 3\nscales: {reduced: {surrogate: shorter}}"))
    short = plan_experiment(FILE, read_experiment(FILE), Config(), "reduced")
    freezes.write(short, ["*"], "to decide", 2, Store(Path("results")), Config())
    frozen = Freeze.read(FIRST)
    erm, mixup = short.rows
    require_informative(short, erm.key, "small-1")
    history = [
        {"seed": seed, "epoch": epoch, "rate": 0.1, "train_loss": 0.01, "test_error": 15.0 + seed % 2}
        for seed in frozen.seeds
        for epoch in (1, 2)
    ]
    block = Store(records.HOME).publish(erm.run, frozen.seeds, history, provenance(freeze=frozen.digest))
    with pytest.raises(NotInformative, match="surrogate of mixup decides nothing: whether ERM beats tuned logistic"):
        require_informative(short, mixup.key, "small-1")
    wanted = linear_baseline(erm)

    def compare_with_linear(error: float) -> None:
        measured = [{"seed": seed, "test_error": error} for seed in frozen.seeds]
        linear = EvaluatedBlock(evaluation=wanted.part, runs=wanted.runs, block=block.digest, measured=measured)
        linear.write(storage.path(Store(records.HOME), wanted, block))

    compare_with_linear(14.0)
    with pytest.raises(NotInformative, match=r"1\.5 points above that of tuned logistic regression"):
        require_informative(short, mixup.key, "small-1")
    compare_with_linear(20.0)
    require_informative(short, mixup.key, "small-1")


def test_precision_is_that_of_the_freeze() -> None:
    """The configuration of the queue and of the audit names none."""
    FILE.write_text(SMALL.replace(*NETWORK))
    config = Config(precision="bfloat16")
    planned = plan_experiment(FILE, read_experiment(FILE), config, "paper")
    freezes.write(planned, ["*"], "to decide", None, Store(Path("results")), config)
    commit(2)
    assert Audit(Config()).faults == []
    assert {task.run.precision for task in queued({"freeze": "small-1"})} == {"bfloat16"}


def test_versions_of_datasets_are_those_of_the_freeze() -> None:
    """They are part of a run, and the configuration of the audit does not say them."""
    FILE.write_text(SMALL.replace("iris, holdout: 0.5", "cifar10"))
    config = Config(data=Data(versions={"cifar10": "reconstructed", "uci-har": "uci"}))
    chosen = plan_experiment(FILE, read_experiment(FILE), config, "paper")
    freezes.write(chosen, ["*"], "to decide", None, Store(Path("results")), config)
    commit(2)
    assert Freeze.read(FIRST).versions == {"cifar10": "reconstructed"}
    assert Audit(Config()).faults == []
    planned = freezes.frozen_plan(Freeze.read(FIRST), FILE, read_experiment(FILE), Config())
    assert {row.run.dataset.version for row in planned.rows} == {"reconstructed"}


def test_a_freeze_does_not_depend_on_the_data_that_is_here(tmp_path: Path) -> None:
    """Rows that name no version have the one that is here; a frozen row has the frozen one."""
    FILE.write_text(SMALL.replace("iris, holdout: 0.5", "cifar10"))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/cifar-10-python.tar.gz").touch()
    here, elsewhere = (
        Config(data=Data(mirror=str(tmp_path / "mirror"))),
        Config(data=Data(versions={"cifar10": "binary"})),
    )
    for frozen_on, read_on, version in ((here, elsewhere, "python"), (elsewhere, here, "binary")):
        chosen = plan_experiment(FILE, read_experiment(FILE), frozen_on, "paper")
        freeze = Freeze.read(freezes.write(chosen, ["*"], "to decide", None, Store(Path("results")), frozen_on))
        planned = freezes.frozen_plan(freeze, FILE, read_experiment(FILE), read_on)
        assert {row.run.dataset.version for row in planned.rows} == {version}


def test_a_version_that_is_neither_named_nor_here_is_not_frozen() -> None:
    """It would be the first by name, and the data that is trained on may be another."""
    FILE.write_text(SMALL.replace("iris, holdout: 0.5", "cifar10"))
    commit(2)
    status, _, said = run("freeze", "small", "--scale", "paper", "--reason", "to decide")
    assert (status, "no version of cifar10 is here" in said) == (1, True)
    assert not FIRST.exists()
    named = ("--set", "data.versions.cifar10=reconstructed")
    assert run("freeze", "small", "--scale", "paper", "--reason", "to decide", *named)[0] == 0
    assert Freeze.read(FIRST).versions == {"cifar10": "reconstructed"}


def test_mistakes_of_a_freeze_in_the_queue() -> None:
    freeze(2)
    with pytest.raises(UserError, match=r"unknown freeze 'smal-1'.*did you mean 'small-1'"):
        queued({"freeze": "smal-1"})
    with pytest.raises(UserError, match="no other key is possible"):
        queued({"freeze": "small-1", "seeds": 2})
    edit("epochs: 2", "epochs: 3")
    with pytest.raises(UserError, match="row erm has another run than in its freeze"):
        queued({"freeze": "small-1"})
