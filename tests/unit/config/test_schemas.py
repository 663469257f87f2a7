"""What an editor offers: every name with what it is, every key with a description, and no more than is valid."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from remixup.config.registry import load_registry

ROOT = Path(__file__).parents[3]
EXPERIMENT, CONFIG, EVIDENCE = "experiments/experiment.schema.json", "config.schema.json", "evidence.schema.json"


def schema(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def validator(path):
    return jsonschema.Draft202012Validator(schema(path))


def properties(value):
    """Yield (key, schema) for each property of a schema, however deep."""
    if isinstance(value, dict):
        if isinstance(found := value.get("properties"), dict):
            yield from found.items()
        for key, each in value.items():
            if key != "if":
                yield from properties(each)
    elif isinstance(value, list):
        for each in value:
            yield from properties(each)


def component(kind, value):
    """Return whether the schema takes a component of a kind."""
    whole = schema(EXPERIMENT)
    part = {"$ref": f"#/$defs/component-{kind}", "$defs": whole["$defs"]}
    return jsonschema.Draft202012Validator(part).is_valid(value)


@pytest.mark.parametrize("path", [EXPERIMENT, CONFIG, EVIDENCE])
def test_a_schema_is_one_and_describes_every_key(path):
    found = schema(path)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["$schema"].endswith("2020-12/schema")
    assert found["$id"] == Path(path).name
    assert {key for key, each in properties(found) if "description" not in each} == set()


@pytest.mark.parametrize("kind", ["ratio", "partner", "blend", "target", "noise", "optimizer", "model", "evaluation"])
def test_every_name_is_offered_with_its_summary(kind):
    (mapping,) = [each for each in schema(EXPERIMENT)["$defs"][f"component-{kind}"]["anyOf"] if "properties" in each]
    offered = {each["const"]: each["description"] for each in mapping["properties"]["name"]["anyOf"]}
    assert offered == {name: entry["summary"] for name, entry in load_registry()["kinds"][kind].items()}


def test_every_dataset_is_offered():
    names, _ = schema(EXPERIMENT)["$defs"]["Dataset"]["properties"]["name"]["anyOf"]
    assert set(names["enum"]) == set(load_registry()["datasets"])


@pytest.mark.parametrize(
    ("kind", "value", "valid"),
    [
        ("optimizer", "adam", True),
        ("optimizer", "sgd", False),  # it needs lr
        ("optimizer", {"name": "sgd"}, False),
        ("optimizer", {"name": "sgd", "lr": 0.1}, True),
        ("optimizer", {"name": "sgd", "lr": -0.1}, False),
        ("optimizer", {"name": "adam", "momentum": 0.9}, False),  # of sgd
        ("optimizer", {"momentum": 0.9}, True),  # an overlay over sgd
        ("ratio", {"name": "betaa", "alpha": 1.0}, False),
        ("ratio", {"name": "beta", "alpha": "{alpha}"}, True),  # a row with `each`
        ("ratio", {"name": "beta", "alhpa": 1.0}, False),
    ],
)
def test_parameters_follow_from_the_name(kind, value, valid):
    assert component(kind, value) == valid


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_experiment_files_are_valid(path):
    validator(EXPERIMENT).validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_other_files_are_valid_and_name_their_schema():
    for name, path in (("config.yaml", CONFIG), ("evidence.yaml", EVIDENCE)):
        text = (ROOT / name).read_text(encoding="utf-8")
        validator(path).validate(yaml.safe_load(text))
        assert text.startswith(f"# yaml-language-server: $schema={path}\n")


def test_an_item_of_the_evidence_has_rows_or_is_a_freeze():
    evidence = validator(EVIDENCE)
    rows = {"experiment": "uci", "scale": "paper", "rows": ["*"]}
    assert evidence.is_valid({"cpu": [rows, {"freeze": "cifar-1"}]})
    assert not evidence.is_valid({"cpu": [{**rows, "freeze": "cifar-1"}]})
    assert not evidence.is_valid({"cpu": [{"experiment": "uci"}]})
