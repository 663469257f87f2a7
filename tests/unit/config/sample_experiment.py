"""A small experiment, and what becomes of it when it is changed."""

import yaml

from remixup.config.experiment import read_experiment
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.planning.plan import plan_experiment

SMALL = """
id: small
paper: zhang2018mixup
title: Small
where: Table 0
summary: none
seeds: 3
run:
  dataset: {name: iris, holdout: 0.5}
  model: mlp
  optimizer: adam
  epochs: 2
  batch_size: 16
metrics:
  test_error.last: {label: Test error}
variations:
  mixup: {run: {mixing: {ratio: {name: beta, alpha: 1.0}}}}
rows:
  - {id: erm, label: ERM, published: {test_error.last: 21.3}}
  - {id: mixup, label: mixup, use: [mixup]}
claims:
  - id: lower
    statement: mixup lowers the error
    where: Table 0
    metric: test_error.last
    compare: [{baseline: erm, treatment: mixup}]
    smallest_effect: 0.5
tables:
  - {id: all, caption: All}
"""


def write(tmp_path, text=SMALL, **changes):
    document = yaml.safe_load(text)
    for key, value in changes.items():
        place = document
        *path, last = key.split("__")
        for step in path:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    path = tmp_path / "paper" / "small.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def plan(tmp_path, scale="paper", config=None, **changes):
    path = write(tmp_path, **changes)
    return plan_experiment(path, read_experiment(path), config or Config(), scale)


def spec(**changes):
    base = {
        "dataset": {"name": "iris", "version": "uci", "holdout": 0.5},
        "model": "mlp",
        "optimizer": "adam",
        "epochs": 2,
        "batch_size": 16,
    }
    return RunSpec.model_validate({**base, **changes})
