"""The private step against a loop over examples, the noise, the accountant, the sample, and what one example can do."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.errors import UserError
from remixup.evaluation.sensitivity import sensitivity
from remixup.mixing import soft_cross_entropy
from remixup.training import dp_sgd, runner
from remixup.training.flops import views, work

from .samples import CPU, images, interrupted

SPEC = {
    "dataset": {"name": "private-digits", "version": "generated"},
    "normalization": {"name": "given", "mean": [0.3], "std": [0.4]},
    "model": {"name": "small_cnn", "widths": [4], "groups": 2},
    "optimizer": {"name": "sgd", "lr": 1.0},
    "epochs": 3,
    "batch_size": 20,
}
SHIFT = [{"name": "random_shift"}]
OWN = {"ratio": {"name": "beta", "alpha": 0.2}, "partner": "own_views"}
NAIVE = {"ratio": {"name": "beta", "alpha": 0.2}}
SELF = {"views": 3, "self_mixtures": 4}
METHODS = {
    "plain": ({}, {}, []),
    "views": ({"views": 3}, {}, SHIFT),
    "self": (SELF, OWN, SHIFT),
    "diff": ({**SELF, "pool_views": 2}, OWN, SHIFT),
    "naive": ({"views": 3}, NAIVE, SHIFT),
}
BOUNDED = ["plain", "views", "self", "diff"]


def data(train=60, pool=12):
    found = images(train=train, test=21)
    beside = images(train=pool, test=3, seed=5).tensors
    tensors = {**found.tensors, "pool_x": beside["train_x"], "pool_y": beside["train_y"]}
    return Prepared(tensors=tensors, manifest=found.manifest)


def spec(method="plain", objective=(), **changes):
    parameters, mixing, augmentation = METHODS[method]
    asked = {"name": "dp_sgd", "epsilon": 4.0, "delta": 1e-3, **parameters, **dict(objective)}
    return RunSpec.model_validate(
        {**SPEC, "mixing": mixing, "augmentation": augmentation, "objective": asked, **changes}
    )


def start(asked, seed=0, prepared=None):
    inputs = make_inputs(asked, [seed], prepared or data(), CPU)
    training = runner.start(asked, [seed], inputs, CPU)
    assert isinstance(training, dp_sgd.DPTrainer)
    training.model.train()
    return training


def by_hand(training, x, target, clip):
    """A loop: each example's views one by one, their gradients averaged, clipped together, summed."""
    total = torch.zeros(sum(weight.numel() for weight in training.model.parameters()))
    for views_of_one, targets in zip(x, target, strict=True):
        mean = torch.zeros_like(total)
        for view, wanted in zip(views_of_one, targets, strict=True):
            loss = soft_cross_entropy(training.model(view[None]), wanted[None])
            found = torch.autograd.grad(loss, list(training.model.parameters()))
            mean += torch.cat([each.flatten() for each in found]) / len(views_of_one)
        total += mean * min(1.0, clip / float(mean.norm()))
    return total


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("clip", [0.3, 100.0])
def test_the_clipped_sum_is_that_of_a_loop_over_examples(method, clip):
    training = start(spec(method, {"max_grad_norm": clip}))
    drawn = training.minibatches()[0]
    x, target = training.sets(drawn)
    assert x.shape[:2] == (len(drawn.rows), views(training.spec))
    assert torch.allclose(training.clipped_sum(drawn), by_hand(training, x, target, clip), atol=2e-5)


@pytest.mark.parametrize("method", ["self", "naive"])
def test_a_minibatch_in_parts_is_the_same_minibatch(method):
    whole, parts = start(spec(method)), start(spec(method, micro_batch=7))
    drawn = whole.minibatches()[0]
    assert len(drawn.rows) > 14
    losses = []
    for training in (whole, parts):
        losses.append(training.accumulate(drawn))
        training.noisy.clip_and_accumulate()
        found = torch.cat([weight.summed_grad.flatten() for weight in training.noisy.params])
        assert torch.allclose(found, whole.clipped_sum(drawn), atol=1e-5)
    assert torch.allclose(*losses)


@pytest.mark.parametrize("micro", [None, 7])
def test_without_noise_a_step_divides_the_sum_by_the_expected_size(micro, monkeypatch):
    monkeypatch.setattr(dp_sgd, "noise_multiplier", lambda *_: 1e-12)
    training = start(spec("views", epochs=1, micro_batch=micro, batch_size=30))
    drawn = training.minibatches()
    monkeypatch.setattr(training, "minibatches", lambda: drawn[:1])
    monkeypatch.setattr(training, "spent", lambda _: 0.0)
    before = flat(training)
    wanted = before - training.clipped_sum(drawn[0]) / 30  # the rate is 1
    assert len(drawn[0].rows) != 30
    training.optimize()
    after = flat(training)
    assert torch.allclose(after, wanted, atol=1e-6)


@pytest.mark.parametrize(("method", "factor"), [("self", 1), ("naive", 3)])
def test_an_empty_minibatch_is_a_step_of_noise_of_the_right_size(method, factor, monkeypatch):
    training = start(spec(method, {"max_grad_norm": 0.5}, model={**SPEC["model"], "widths": [32]}))
    nobody = training.minibatches()[0]
    for _ in range(len(nobody.rows)):
        nobody = nobody.without(0)
    monkeypatch.setattr(training, "minibatches", lambda: [nobody])
    before = [weight.detach().clone() for weight in training.model.parameters()]
    values = training.optimize()
    moved = torch.cat(
        [(new.detach() - old).flatten() for new, old in zip(training.model.parameters(), before, strict=True)]
    )
    sigma = dp_sgd.noise_multiplier(4.0, 1e-3, 20 / 60, 9)
    wanted = factor * sigma * 0.5 / 20
    # The deviation of n draws has a relative standard error of 1 / sqrt(2 n).
    assert float(moved.std()) == pytest.approx(wanted, rel=4 / math.sqrt(2 * moved.numel()))
    assert abs(float(moved.mean())) < 4 * wanted / math.sqrt(moved.numel())
    assert values["train_loss"].tolist() == [0.0]


def test_the_noise_is_another_at_every_step_and_epoch_and_seed():
    seen = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        training = start(spec(optimizer={"name": "sgd", "lr": 1e-9}), seed)
        training.epoch = epoch
        training.noisy.generator = None
        training.optimize()
        seen.append(training.noisy.generator.initial_seed())
    assert len(set(seen)) == 3


def test_the_noise_of_two_steps_is_independent(monkeypatch):
    """Minibatches without examples move the weights by the noise alone."""
    training = start(spec(optimizer={"name": "sgd", "lr": 1.0}))
    nobody = training.minibatches()[0]
    for _ in range(len(nobody.rows)):
        nobody = nobody.without(0)
    monkeypatch.setattr(training, "minibatches", lambda: [nobody, nobody])
    step, seen = training.noisy.step, [flat(training)]

    def watched(*arguments):
        step(*arguments)
        seen.append(flat(training))

    monkeypatch.setattr(training.noisy, "step", watched)
    training.optimize()
    first, second = seen[1] - seen[0], seen[2] - seen[1]
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 4 / math.sqrt(len(first))


def flat(training):
    return torch.cat([weight.detach().flatten().clone() for weight in training.model.parameters()])


def test_each_epoch_has_samples_of_its_own():
    training = start(spec())
    first = [drawn.rows.tolist() for drawn in training.minibatches()]
    training.epoch = 1
    assert [drawn.rows.tolist() for drawn in training.minibatches()] != first


def test_the_sample_takes_each_example_independently_at_the_rate():
    training = start(spec(batch_size=6, passes=30))
    taken = torch.zeros(training.steps, 60)
    for step, drawn in enumerate(training.minibatches()):
        taken[step, drawn.rows] = 1
    assert training.steps == 300
    assert training.rate == 0.1
    # Each example within four deviations of a binomial mean; sizes as scattered as a binomial's.
    assert float((taken.mean(0) - 0.1).abs().max()) < 4 * math.sqrt(0.09 / 300)
    assert float(taken.sum(1).var()) == pytest.approx(60 * 0.09, rel=0.35)
    pairs = np.corrcoef(taken.T.numpy())[~np.eye(60, dtype=bool)]
    assert abs(pairs.mean()) < 0.01


def test_the_sample_does_not_depend_on_the_method():
    rows = [[drawn.rows.tolist() for drawn in start(spec(method)).minibatches()] for method in METHODS]
    assert all(each == rows[0] for each in rows)


def test_the_set_of_an_example_by_hand():
    training = start(spec("diff"))
    drawn = training.minibatches()[0]
    x, target = training.sets(drawn)
    inputs, one = training.inputs, 2
    row, label = drawn.rows[one], inputs.train_labels[0, drawn.rows[one]]
    own = training.augment(inputs.x[row].expand(1, 3, -1, -1, -1), drawn.uniforms[one][None])[0]
    assert torch.allclose(x[one, :3], own)
    assert not torch.equal(own[0], own[1])
    assert target[one, :3].argmax(1).tolist() == [int(label)] * 3
    assert inputs.pool is not None
    synthetic = inputs.pool[0, drawn.pool[one]]
    assert torch.allclose(x[one, 3:5], inputs.scale(inputs.x[synthetic]))
    assert target[one, 3:5].argmax(1).tolist() == inputs.y[synthetic].tolist()
    for k in range(4):
        ratio, first, second = drawn.ratio[one, k].float(), drawn.first[one, k], drawn.second[one, k]
        assert first != second
        assert torch.allclose(x[one, 5 + k], ratio * x[one, first] + (1 - ratio) * x[one, second], atol=1e-6)
        assert torch.allclose(target[one, 5 + k], ratio * target[one, first] + (1 - ratio) * target[one, second])


def test_naive_mixing_pairs_views_of_two_examples_by_hand():
    training = start(spec("naive"))
    drawn = training.minibatches()[0]
    assert drawn.partner is not None
    assert sorted(drawn.partner.tolist()) == list(range(len(drawn.rows)))
    x, target = training.sets(drawn)
    bare, bare_target = training.sets(replace(drawn, partner=None))
    ratio, other = drawn.ratio[1, 2].float(), drawn.partner[1]
    assert torch.allclose(x[1, 2], ratio * bare[1, 2] + (1 - ratio) * bare[other, 2], atol=1e-6)
    assert torch.allclose(target[1, 2], ratio * bare_target[1, 2] + (1 - ratio) * bare_target[other, 2])


def test_epsilon_is_opacus_own_and_above_the_exact_one():
    from opacus.accountants import PRVAccountant, RDPAccountant

    sigma, delta, rate, steps = 1.3, 1e-4, 0.05, 200
    stepwise, numeric = RDPAccountant(), PRVAccountant()
    for _ in range(steps):
        stepwise.step(noise_multiplier=sigma, sample_rate=rate)
    numeric.history = [(sigma, rate, steps)]
    found = dp_sgd.spent(sigma, delta, rate, steps)
    assert found == pytest.approx(stepwise.get_epsilon(delta), rel=1e-9)
    exact = numeric.get_epsilon(delta)
    assert exact <= found <= 1.25 * exact
    # Without sampling the composition is one Gaussian mechanism, with a known curve (Balle and Wang, 2018, theorem 8).
    whole, mean = dp_sgd.spent(10.0, delta, 1.0, 20), math.sqrt(20) / 10.0

    def failure(epsilon):
        return norm.cdf(mean / 2 - epsilon / mean) - math.exp(epsilon) * norm.cdf(-mean / 2 - epsilon / mean)

    assert failure(whole) <= delta <= failure(0.8 * whole)


@pytest.mark.parametrize(
    "epsilon", [1.0, *(pytest.param(epsilon, marks=pytest.mark.slow) for epsilon in (2.0, 4.0, 8.0))]
)
def test_what_all_epochs_spend_is_what_was_asked_for(epsilon):
    training = start(spec("self", {"epsilon": epsilon}))
    training.run(lambda _: None)
    spent = [row["epsilon"] for row in training.history]
    assert spent == sorted(spent)
    assert epsilon - 0.011 <= spent[-1] <= epsilon
    assert spent[0] == dp_sgd.spent(training.multiplier, 1e-3, 20 / 60, 3)


def test_naive_mixing_with_the_noise_of_dp_sgd_spends_more_and_says_so():
    honest, careless = start(spec("naive")), start(spec("naive", {"scale_noise_by": "max_grad_norm"}))
    assert honest.multiplier == 3 * careless.multiplier
    assert careless.multiplier == start(spec("plain")).multiplier
    assert honest.spent(3) <= 4.0
    assert careless.spent(3) == dp_sgd.spent(careless.multiplier / 3, 1e-3, 20 / 60, 9)
    assert careless.spent(3) > 2 * honest.spent(3)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(BOUNDED), st.integers(0, 10**6), st.floats(0.01, 3.0))
def test_an_example_moves_the_sum_by_no_more_than_the_clipping_norm(method, seed, clip):
    training = start(spec(method, {"max_grad_norm": clip}), seed)
    drawn = training.minibatches()[0]
    whole = training.clipped_sum(drawn)
    for example in range(0, len(drawn.rows), 5):
        assert (training.clipped_sum(drawn.without(example)) - whole).norm() <= training.sensitivity * clip * (1 + 1e-4)
    assert training.sensitivity == 1


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(BOUNDED), st.integers(0, 10**6))
def test_replacing_an_example_moves_the_sum_by_no_more_than_twice_that(method, seed):
    training = start(spec(method), seed)
    drawn = training.minibatches()[0]
    whole, row = training.clipped_sum(drawn), int(drawn.rows[0])
    training.inputs.x[row] = 255 - training.inputs.x[row]  # rows of the training part come first
    training.inputs.train_labels.unbind(0)[0][row] = (training.inputs.train_labels[0, row] + 1) % 3
    moved = float((training.clipped_sum(drawn) - whole).norm())
    assert 1e-3 < moved <= 2 * (1 + 1e-4)


def test_naive_mixing_breaks_the_bound_of_one_norm_and_keeps_that_of_three():
    largest, replaced = [], []
    for seed in range(5):
        training = start(spec("naive", {"max_grad_norm": 0.05}), seed)
        drawn = training.minibatches()[0]
        whole = training.clipped_sum(drawn)
        largest += [
            float((training.clipped_sum(drawn.without(k)) - whole).norm()) / 0.05 for k in range(len(drawn.rows))
        ]
        row = int(drawn.rows[0])
        training.inputs.x[row] = 255 - training.inputs.x[row]
        training.inputs.train_labels.unbind(0)[0][row] = (training.inputs.train_labels[0, row] + 1) % 3
        replaced.append(float((training.clipped_sum(drawn) - whole).norm()) / 0.05)
    assert 1.2 < max(largest) <= dp_sgd.MIXED_PAIRS * (1 + 1e-4)
    assert 2 < max(replaced) <= 4 * (1 + 1e-4)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(7)), st.integers(0, 6))
def test_taking_an_example_out_closes_its_cycle(order, example):
    nothing = torch.empty(7, 0)
    drawn = dp_sgd.Minibatch(torch.arange(7), *[nothing] * 5, partner=torch.tensor(order))
    left = drawn.without(example)
    assert left.partner is not None
    names = left.rows.tolist()
    assert names == [k for k in range(7) if k != example]
    pairs = {names[k]: names[partner] for k, partner in enumerate(left.partner.tolist())}
    for one, other in enumerate(order):
        if one != example:
            assert pairs[one] == (order[example] if other == example else other)
    assert sorted(pairs.values()) == names


def test_the_evaluation_measures_the_largest_move():
    training = start(spec("naive"))
    drawn = training.minibatches()[0]
    while len(drawn.rows) > 5:
        drawn = drawn.without(len(drawn.rows) - 1)
    whole = training.clipped_sum(drawn)
    moved = max(float((training.clipped_sum(drawn.without(k)) - whole).norm()) for k in range(5))
    assert sensitivity(training, examples=5) == [{"seed": 0, "removed": pytest.approx(moved)}]
    assert sensitivity(start(spec("self")), examples=5)[0]["removed"] <= 1.0001


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_equals_uninterrupted(method, tmp_path):
    def fresh():
        return start(spec(method, optimizer={"name": "sgd", "lr": 0.5, "momentum": 0.9}))

    whole = fresh()
    whole.run(lambda _: None)
    resumed = interrupted(fresh, 2, tmp_path / "point")
    assert resumed.history == whole.history
    assert all(map(torch.equal, resumed.model.parameters(), whole.model.parameters()))


def test_an_evaluation_sees_each_image_once_and_as_it_is():
    training = start(spec("diff"))
    training.run(lambda _: None)
    inputs = training.inputs
    with torch.no_grad():
        guess = training.model.eval()(inputs.scale(inputs.x[inputs.test[0]])).argmax(1)
    wanted = 100 * float((guess != inputs.y[inputs.test[0]]).double().mean())
    assert training.history[-1]["test_error"] == pytest.approx(wanted)


def test_it_learns_where_little_privacy_is_asked_for():
    training = start(spec("views", {"epsilon": 500.0}, epochs=15), prepared=data(train=200))
    training.run(lambda _: None)
    assert training.history[-1]["test_error"] < 15


@pytest.mark.parametrize(
    ("method", "changes", "objective", "where", "words"),
    [
        ("plain", {"model": "mlp"}, {}, "run.model", "one seed at a time"),
        ("plain", {"normalization": "standardize"}, {}, "run.normalization", "reveal the private examples"),
        ("views", {"augmentation": []}, {}, "run.objective.views", "are the same"),
        ("naive", {"mixing": {**NAIVE, "partner": "with_replacement"}}, {}, "run.mixing.partner", "not known"),
        ("naive", {"mixing": {**NAIVE, "partner": "second_loader"}}, {}, "run.mixing.partner", "not known"),
        ("self", {}, {"self_mixtures": 0}, "run.objective.self_mixtures", "own views"),
        ("views", {}, {"self_mixtures": 2}, "run.objective.self_mixtures", "own views"),
        ("self", {}, {"views": 1}, "run.objective", "nothing to mix"),
        ("naive", {}, {"pool_views": 1}, "run.objective.pool_views", "no pool"),
        ("plain", {"precision": "bfloat16"}, {}, "run", "precision"),
        ("plain", {"mixing": {"noise": {"name": "gaussian", "sigma": 0.1}}}, {}, "run.mixing", "noise"),
    ],
)
def test_a_plan_that_is_not_private_is_refused(method, changes, objective, where, words):
    with pytest.raises(ValueError, match=rf"{re.escape(where)}: .*{words}"):
        spec(method, objective, **changes)


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"model": {"name": "wide_resnet", "depth": 10, "widen": 1}}, "run.model", "batch norm"),
        ({"model": {"name": "preact_resnet", "width": 4, "blocks": [1]}}, "run.model", "batch norm"),
        ({"batch_size": 61}, "run.batch_size", "60 training examples"),
    ],
)
def test_data_or_networks_that_do_not_fit_are_refused(changes, where, words):
    with pytest.raises(UserError, match=words) as caught:
        start(spec("plain", **changes))
    assert caught.value.where == where


def test_a_pool_is_needed_where_one_is_asked_for():
    with pytest.raises(UserError, match="no pool"):
        start(spec("diff"), prepared=images(train=60))


def test_supervised_training_has_no_own_views():
    with pytest.raises(ValueError, match="several views"):
        RunSpec.model_validate({**SPEC, "mixing": OWN})


def test_views_are_counted_as_work():
    assert [views(spec(method)) for method in METHODS] == [1, 3, 7, 9, 3]
    plain, diff = work(spec("plain")), work(spec("diff"))
    assert plain.training == 3 * 1_000
    assert diff.training == 9 * plain.training
    assert diff.evaluation == plain.evaluation == 3 * 497


def test_a_private_minibatch_is_not_shared_among_processes():
    assert RunSpec.model_validate({**SPEC, "micro_batch": 5}).shares == 4
    assert spec(micro_batch=5).shares == 1
