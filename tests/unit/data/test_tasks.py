import math

import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    mean_absolute_percentage_error,
    mean_squared_error,
    root_mean_squared_error,
    top_k_accuracy_score,
    zero_one_loss,
)
from torch.nn import functional as F

from remixup.data.inputs import make_inputs
from remixup.data.tasks import Classification, Regression
from remixup.errors import UserError
from remixup.randomness import generator
from tests.unit.training.samples import (
    CPU,
    MIXUP,
    finished,
    image_spec,
    numbers,
    spectrograms,
    start,
    table,
    table_spec,
)


@pytest.mark.parametrize("classes", [6, 10])
def test_errors_of_one_and_five_guesses_are_those_of_scikit_learn(classes):
    source = torch.Generator().manual_seed(0)
    outputs = torch.randn(2, 300, classes, generator=source)
    y = torch.randint(classes, (2, 300), generator=source)
    task = Classification(classes)
    found = {name: task.summarize(name, total / 300) for name, total in task.measure(outputs, y).items()}
    assert set(found) == {"loss", "error", "top5_error"}
    for member in range(2):
        top5 = top_k_accuracy_score(y[member], outputs[member], k=5, labels=range(classes))
        assert found["top5_error"][member].item() == pytest.approx(100 * (1 - top5))
        wrong = zero_one_loss(y[member], outputs[member].argmax(-1))
        assert found["error"][member].item() == pytest.approx(100 * wrong)
        assert found["loss"][member].item() == pytest.approx(F.cross_entropy(outputs[member], y[member]).item())


def test_five_guesses_are_not_counted_where_there_are_no_more_classes():
    outputs = torch.eye(5).unsqueeze(0)
    assert set(Classification(5).measure(outputs, torch.zeros(1, 5, dtype=torch.int64))) == {"loss", "error"}


def test_squared_errors_by_hand():
    task = Regression()
    outputs = torch.tensor([[[1.0], [2.0], [5.0]], [[0.0], [0.0], [0.0]]])
    y = torch.tensor([[1.0, 4.0, 4.0], [3.0, 0.0, 3.0]])
    assert torch.equal(task.target(y, torch.float32), y.unsqueeze(-1))
    assert task.loss(outputs, task.target(y, torch.float32)).tolist() == pytest.approx([5 / 3, 6.0])
    sums = task.measure(outputs, y)
    assert sums["loss"].tolist() == sums["error"].tolist() == [5.0, 18.0]
    assert task.summarize("loss", sums["loss"] / 3).tolist() == pytest.approx([5 / 3, 6.0])
    assert task.summarize("error", sums["error"] / 3).tolist() == pytest.approx([math.sqrt(5 / 3), math.sqrt(6)])


def test_numbers_are_learnt_as_linear_regression_learns_them():
    """A network without hidden layers; labels keep their unit, and a thousand rows are evaluated in parts."""
    data = numbers(rows=2_600)
    model, optimizer = {"name": "mlp", "hidden": []}, {"name": "sgd", "lr": 0.05}
    training = finished(table_spec(model=model, optimizer=optimizer, epochs=3), data, seeds=(0, 1))
    inputs = training.inputs
    assert inputs.classes == 1
    for member, row in enumerate(training.history[-2:]):
        train, test = inputs.train[member], inputs.test[member]
        best = LinearRegression().fit(inputs.x[train], inputs.y[train])
        predicted = training.logits(inputs.x[test].unsqueeze(0).expand(2, -1, -1))[member, :, 0]
        torch.testing.assert_close(predicted, torch.from_numpy(best.predict(inputs.x[test])), atol=0.01, rtol=0)
        y = inputs.y[test]
        assert row["test_loss"] == pytest.approx(mean_squared_error(y, predicted), rel=1e-4)
        assert row["test_error"] == pytest.approx(root_mean_squared_error(y, predicted), rel=1e-4)
        assert set(row) == {"seed", "epoch", "rate", "train_loss", "test_loss", "test_error", "test_mape"}
        assert row["test_mape"] == pytest.approx(100 * mean_absolute_percentage_error(y, predicted), rel=1e-4)


def test_relative_errors_leave_out_labels_of_zero():
    task = Regression()
    outputs, y = torch.tensor([[[1.0], [3.0], [5.0]]]), torch.tensor([[2.0, 0.0, -4.0]])
    sums = task.measure(outputs, y)["mape"]
    assert sums.tolist() == [[0.5 + 9 / 4, 2]]
    assert task.summarize("mape", sums / 3).tolist() == pytest.approx([100 * (0.5 + 9 / 4) / 2])


def test_several_numbers_by_hand():
    task = Regression(2)
    outputs, y = torch.tensor([[[1.0, 2.0], [0.0, 4.0]]]), torch.tensor([[[1.0, 4.0], [0.0, 1.0]]])
    assert task.loss(outputs, task.target(y, torch.float32)).tolist() == [(0 + 4 + 0 + 9) / 4]
    sums = task.measure(outputs, y)
    assert sums["error"].tolist() == [4 / 2 + 9 / 2]
    assert sums["mape"].tolist() == [[2 / 4 + 3 / 1, 3]]


def test_standardized_labels_are_trained_on_and_errors_keep_their_unit():
    task = Regression(mean=10.0, std=4.0)
    y = torch.tensor([[6.0, 14.0]])
    assert task.target(y, torch.float32).tolist() == [[[-1.0], [1.0]]]
    sums = task.measure(torch.tensor([[[0.0], [1.0]]]), y)  # says 10 and 14
    assert sums["error"].tolist() == [16.0]
    assert sums["mape"].tolist() == [[4 / 6, 2]]


def test_mixed_numbers_are_what_is_learnt(monkeypatch):
    """λ y_i + (1 - λ) y_j."""
    seen, loss = [], Regression.loss
    monkeypatch.setattr(Regression, "loss", lambda self, outputs, y: seen.append(y) or loss(self, outputs, y))
    mixing = {"ratio": {"name": "constant", "value": 0.25}, "partner": "second_loader"}
    training = start(table_spec(mixing=mixing, batch_size=64), numbers())
    training._train_epoch()
    y = training.inputs.train_labels[0]
    order = y[torch.randperm(len(y), generator=generator(0, "order"))]
    partner = y[torch.randperm(len(y), generator=generator(0, "partner"))]
    torch.testing.assert_close(seen[0][0, :, 0], 0.25 * order + 0.75 * partner)


def test_spectrograms_are_passed_on_as_they_are():
    data = spectrograms()
    inputs = make_inputs(image_spec(normalization="raw"), [0], data, CPU)
    assert inputs.x.dtype == torch.float16
    assert inputs.shape == (1, 10, 6)
    for rows in (inputs.train, inputs.test[0], inputs.test[0, 0]):  # of members, of one, a single one
        scaled = inputs.scale(inputs.x[rows])
        assert scaled.dtype == torch.float32
        assert torch.equal(scaled, inputs.x[rows].float())
    assert torch.equal(inputs.x[inputs.train[0]], data.tensors["train_x"])
    assert inputs.unit.tolist() == [1.0]
    training = finished(image_spec(normalization="raw", mixing=MIXUP), data)
    assert training.history[-1]["train_loss"] < training.history[0]["train_loss"]


@pytest.mark.parametrize("scaling", ["standardize", {"name": "given", "mean": [0.5], "std": [0.5]}])
def test_spectrograms_are_not_scaled_again(scaling):
    with pytest.raises(UserError, match=r"run\.normalization: .*`raw`"):
        make_inputs(image_spec(normalization=scaling), [0], spectrograms(), CPU)


def test_five_guesses_are_in_the_history():
    classes = 7
    training = finished(table_spec(), table(rows=301, classes=classes))
    test = training.inputs.test
    logits, y = training.logits(training.inputs.x[test])[0], training.inputs.y[test[0]]
    top5 = top_k_accuracy_score(y, logits, k=5, labels=range(classes))
    assert training.history[-1]["test_top5_error"] == pytest.approx(100 * (1 - top5))
    assert training.history[-1]["test_top5_error"] < training.history[-1]["test_error"]
