"""Thousands of files with mistakes: one line for each, or the value that YAML 1.2 and the reader give."""

import contextlib
import datetime
import random
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from ruamel.yaml.error import YAMLError

from remixup.config.base import validate
from remixup.config.expansion import expand
from remixup.config.experiment import Experiment
from remixup.config.settings import SCALES, Config, read_config
from remixup.config.yaml_loader import parse_yaml
from remixup.errors import UserError
from remixup.planning.plan import plan_experiment
from tests.unit.config.mutations import in_yaml_1_1, in_yaml_1_2, leaves, mutate
from tests.unit.config.sample_experiment import SMALL

CONFIG = Path("config.yaml").read_text(encoding="utf-8")
FILES = [path.read_text(encoding="utf-8") for path in sorted(Path("experiments").glob("*/*.yaml"))]
SHORT = [SMALL, *sorted(FILES, key=len)[:12]]


def check(text, seed):
    """Read a text as a user's file; return whether it is accepted."""
    try:
        value = parse_yaml(text, "file.yaml")
        compare_with_other_readers(text, value)
        if seed % 5 == 0:
            assert_same(read_config(value, "file.yaml"), value or {})
        else:
            experiment = validate(Experiment, expand(value), "file.yaml")
            assert_same(experiment, expand(value))
            plan_experiment(Path("file.yaml"), experiment, Config(), SCALES[seed % len(SCALES)])
    except UserError as error:
        said = str(error)
    else:
        return True
    assert said.isprintable()
    assert said.startswith(("file.yaml", "configuration, data.mirror: "))
    return False


def compare_with_other_readers(text, value):
    """YAML 1.2 gives the same values; YAML 1.1 does, too, but for numbers such as 1e-4, and dates."""
    own = list(leaves(value))
    with contextlib.suppress(YAMLError):  # libyaml takes some tabs and tags that ruamel.yaml refuses
        assert list(leaves(in_yaml_1_2(text))) == own
    try:
        other = {path: (kind, shown) for path, kind, shown in leaves(in_yaml_1_1(text))}
    except ValueError:
        return  # a day that does not exist
    assert other.keys() == {path for path, _, _ in own}
    for path, kind, shown in own:
        if other[path] != (kind, shown):
            exponent = kind is float and other[path][0] is str and "e" in other[path][1].lower()
            assert exponent or (kind is str and other[path][0] in (datetime.date, datetime.datetime)), (path, shown)


def assert_same(model, given):
    """Nothing was converted but an integer to a number or a folder's name, a name to its component, a row to a list."""
    if isinstance(model, BaseModel):
        for key, value in given.items():
            assert_same(getattr(model, key), value)
    elif isinstance(given, dict):
        kept = {key: value for key, value in given.items() if key in model}  # a component drops what is the default
        assert kept.keys() == model.keys()
        for key, value in kept.items():
            assert_same(model[key], value)
    elif isinstance(given, list):
        for item, value in zip(model, given, strict=True):
            assert_same(item, value)
    elif isinstance(given, str) and isinstance(model, list | dict):
        assert model in ([given], {"name": given})
    else:
        assert model == given or repr(model) == repr(given) or (type(given) is int and model == str(given))
        assert type(model) is type(given) or (type(model), type(given)) in ((float, int), (str, int))


def mistakes(count, start):
    for seed in range(start, start + count):
        rng = random.Random(seed)
        yield seed, mutate(rng, CONFIG if seed % 5 == 0 else rng.choice(SHORT))


def test_the_files_themselves_are_read_as_other_readers_do():
    for text in (*SHORT, CONFIG):
        compare_with_other_readers(text, parse_yaml(text, "file.yaml"))


def test_a_few_hundred_mistakes():
    accepted = sum(check(text, seed) for seed, text in mistakes(300, start=0))
    assert 60 < accepted < 240


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1_000, 11_000, 1_000))
def test_ten_thousand_mistakes(start):
    for seed, text in mistakes(1_000, start):
        check(text, seed)


def test_a_reader_of_yaml_1_1_would_be_found_out():
    for text in ("epochs: 010", "epochs: 1:30", "seeds: yes"):
        with pytest.raises(AssertionError):
            compare_with_other_readers(text, yaml.safe_load(text))
