import math

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.errors import UserError
from remixup.evaluation.forecast import last_value
from tests.unit.training.samples import numbers, start

RUN = {
    "normalization": "raw",
    "optimizer": {"name": "adam"},
    "epochs": 1,
    "batch_size": 2,
    "model": {"name": "lstnet", "filters": 2, "kernel": 2, "hidden": 2, "skip": 2, "skip_hidden": 1, "highway": 2},
}


def test_the_last_value_by_hand():
    x = torch.zeros(6, 2, 5)
    x[:, 0, -1], x[:, 1, -1] = 3.0, 1.0
    y = torch.tensor([[2.0, 0.0]] * 5 + [[4.0, 2.0]])
    tensors = {f"{part}_{name}": value for part in ("train", "test") for name, value in (("x", x), ("y", y))}
    data = Prepared(tensors=tensors, manifest={"classes": 2, "sha256": ""})
    spec = RunSpec.model_validate({**RUN, "dataset": {"name": "exchange-rate"}})
    (found,) = last_value(start(spec, data))
    assert found["seed"] == 0
    assert found["rmse"] == pytest.approx(1.0)  # every entry is off by 1
    assert found["mape"] == pytest.approx(100 * (5 * (1 / 2) + 1 / 4 + 1 / 2) / 7)
    assert math.isfinite(found["mape"])


def test_a_table_has_no_last_value():
    spec = RunSpec.model_validate({**RUN, "model": "mlp", "dataset": {"name": "iris", "holdout": 0.2}})
    with pytest.raises(UserError, match="no series with one label each"):
        last_value(start(spec, numbers()))
