"""Whatever an experiment file or a configuration holds, it is read or one short message: no crash, hang or file."""

import json
import os
import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remixup.cli import configuration
from remixup.config.experiment import read_experiment
from remixup.config.registry import catalogue
from remixup.config.settings import SCALES, Config
from remixup.errors import UserError
from remixup.planning.plan import plan_experiment
from tests.unit.config.mutants import change, mutant
from tests.unit.config.watching import TooSlowError, is_one_message, watched

ROOT = Path(__file__).parents[3]
EXPERIMENTS = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("experiments/*/*.yaml"))]
CONFIG = (ROOT / "config.yaml").read_text(encoding="utf-8")


def is_read(path):
    """What the program does with an experiment file when it reads the workflow; False where it is refused."""
    with watched():
        try:
            experiment = read_experiment(path)
            for scale in SCALES:
                plan = plan_experiment(path, experiment, Config(), scale)
                assert all(re.fullmatch(r"[a-z0-9.-]+", pack.key) for pack in plan.packs())
                json.dumps([plan.evaluation_key(), *plan.evaluations(), *plan.runs()])
        except UserError as error:
            is_one_message(error, path.name)
            return False
    return True


def is_configuration(path, changes):
    """The same for a configuration with changes from the command line."""
    with watched():
        try:
            config = configuration(path, changes)
            for dataset, entry in catalogue()["datasets"].items():
                assert isinstance(config.at_hand(dataset, next(iter(entry["versions"]))), bool)
            assert config.mirror is None or config.mirror.is_dir()
        except UserError as error:
            is_one_message(error, path.name, "--set")
            return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutants")


def holds_for_an_experiment(folder, random):
    path = folder / "mutant.yaml"
    path.write_bytes(mutant(random, random.choice(EXPERIMENTS)))
    is_read(path)


def holds_for_a_configuration(folder, random):
    path = folder / "config.yaml"
    path.write_bytes(mutant(random, CONFIG) if random.random() < 0.5 else CONFIG.encode())
    is_configuration(path, [change(random) for _ in range(random.choice([0, 1, 2]))])


RANDOM = st.randoms(use_true_random=False)
BRIEF = settings(max_examples=400, suppress_health_check=list(HealthCheck))
LONG_TEST = settings(max_examples=5_000, suppress_health_check=list(HealthCheck))


@BRIEF
@given(random=RANDOM)
def test_mutated_experiments(folder, random):
    holds_for_an_experiment(folder, random)


@BRIEF
@given(random=RANDOM)
def test_mutated_configurations(folder, random):
    holds_for_a_configuration(folder, random)


@pytest.mark.slow
@LONG_TEST
@given(random=RANDOM)
def test_thousands_of_mutated_experiments(folder, random):
    holds_for_an_experiment(folder, random)


@pytest.mark.slow
@LONG_TEST
@given(random=RANDOM)
def test_thousands_of_mutated_configurations(folder, random):
    holds_for_a_configuration(folder, random)


def test_the_real_files_are_read_and_the_mutants_are_not_all_alike(folder):
    path = folder / "real.yaml"
    for text in EXPERIMENTS:
        path.write_text(text, encoding="utf-8")
        assert is_read(path)
    path.write_text(CONFIG, encoding="utf-8")
    assert is_configuration(path, ["scale=paper", "data.versions.iris=uci"])
    read = []
    for seed in range(100):
        random = Random(seed)
        path.write_bytes(mutant(random, random.choice(EXPERIMENTS)))
        read.append(is_read(path))
    assert 5 < sum(read) < 60


def test_the_watch_sees_what_is_written_started_and_slow(tmp_path):
    with pytest.raises(AssertionError, match="open"), watched():
        (tmp_path / "x").write_text("x")
    with pytest.raises(AssertionError, match=r"os\.system"), watched():
        os.system("true")
    with pytest.raises(TooSlowError), watched(0.05):
        sum(number % 7 for number in range(10**9))
