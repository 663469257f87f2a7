"""Tuned logistic regression: its penalty is chosen on the training part, with the labels that are trained on."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold

from remixup.evaluation import baselines
from tests.unit.training.samples import start, table, table_spec


def inputs_of(*, noise: float, features: int, train: int = 120, test: int = 400) -> SimpleNamespace:
    """Three classes that one feature each tells apart, other features that tell nothing, and wrong training labels."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, train + test)
    x = random.normal(size=(train + test, features))
    x[np.arange(train + test), y] += 2.0
    labels = y[:train].copy()
    wrong = random.random(train) < noise
    labels[wrong] = random.integers(0, 3, wrong.sum())
    examples = torch.tensor(x, dtype=torch.float32)
    return SimpleNamespace(
        train=torch.arange(train)[None],
        test=torch.arange(train, train + test)[None],
        train_labels=torch.tensor(labels)[None],
        y=torch.tensor(y),
        examples=lambda rows: examples[rows],
        scale=lambda each: each,
    )


@pytest.mark.parametrize(("noise", "features"), [(0.0, 5), (0.4, 60)])
def test_the_penalty_is_the_one_of_a_grid_search(noise, features):
    inputs = inputs_of(noise=noise, features=features)
    train, labels = inputs.examples(inputs.train[0]).numpy(), inputs.train_labels[0].numpy()
    search = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": baselines.PENALTIES},
        cv=KFold(3, shuffle=True, random_state=0),
        scoring="accuracy",
    ).fit(train, labels)
    found = search.predict(inputs.examples(inputs.test[0]).numpy()) != inputs.y[inputs.test[0]].numpy()
    assert baselines._fit(inputs, 0) == pytest.approx(100 * found.mean(), abs=1.0)


def test_with_noisy_labels_a_strong_penalty_is_better_than_the_default():
    inputs = inputs_of(noise=0.4, features=60)
    train, labels = inputs.examples(inputs.train[0]).numpy(), inputs.train_labels[0].numpy()
    untuned = LogisticRegression(max_iter=1000).fit(train, labels)
    wrong = untuned.predict(inputs.examples(inputs.test[0]).numpy()) != inputs.y[inputs.test[0]].numpy()
    assert baselines._fit(inputs, 0) < 100 * wrong.mean() - 2


def test_a_class_of_a_single_example_is_no_obstacle():
    inputs = inputs_of(noise=0.0, features=5)
    inputs.train_labels[0, inputs.train_labels[0] == 2] = 1
    inputs.train_labels[0, 0] = 2
    assert baselines._fit(inputs, 0) < 50, "it is 67 by chance"


def test_each_seed_of_a_held_out_split_has_a_model_of_its_own():
    baselines._fitted.clear()
    training = start(table_spec(), table(), seeds=(0, 1))
    found = [each["test_error"] for each in baselines.logistic_regression(training)]
    assert found == [baselines._fit(training.inputs, member) for member in (0, 1)]
    assert found[0] != found[1], "their parts differ"
