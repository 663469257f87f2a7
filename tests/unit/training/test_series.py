"""Time series in training: augmentations, windows in the loop, macro-F1, the epoch chosen on the validation part."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import f1_score

from remixup.config.run import RunSpec
from remixup.data import Prepared, augmentation
from remixup.data.tasks import Classification, Regression
from remixup.errors import UserError
from remixup.mixing.blend import segment
from remixup.randomness import generator
from remixup.store.blocks import columns, summarize
from remixup.store.run_store import Store
from remixup.training.optimizers import adam, adamw
from tests.unit.store.samples import provenance
from tests.unit.training.samples import draw, finished, rounds, start


def series(train=40, test=21, validation=15, classes=3, channels=2, steps=32, seed=0):
    """Prepared series, float16 (n, channels, steps)."""
    source = np.random.default_rng(seed)
    tensors = {}
    for part, n in (("train", train), ("test", test), ("validation", validation)):
        y = torch.from_numpy(source.integers(classes, size=n))
        x = source.normal(size=(n, channels, steps)) + y.numpy()[:, None, None]
        tensors |= {f"{part}_x": torch.from_numpy(x).half(), f"{part}_y": y}
    return Prepared(tensors=tensors, manifest={"classes": classes, "sha256": "0" * 64})


def spec(**changes):
    base = {
        "dataset": {"name": "ecg-rhythms", "version": "generated"},
        "normalization": "raw",
        "model": {"name": "resnet1d", "width": 4, "blocks": [1, 1]},
        "optimizer": {"name": "sgd", "lr": 0.05},
        "epochs": 3,
        "batch_size": 16,
    }
    return RunSpec.model_validate({**base, **changes})


WINDOWS = {"ratio": {"name": "beta", "alpha": 0.4}, "blend": "segment"}


def uniforms(count, seed=0):
    return torch.rand((count, 2), generator=torch.Generator().manual_seed(seed))


def test_each_epoch_has_windows_of_its_own():
    training = start(spec(mixing=WINDOWS), series())
    first = draw(training)[0].rounds[0].position
    training.epoch = 1
    assert not torch.equal(first, draw(training)[0].rounds[0].position)


# Augmentations.


def test_jitter_adds_normal_noise_of_its_own_to_every_series():
    x = torch.arange(200.0)[:, None, None].expand(200, 3, 100)
    noise = augmentation.jitter(x, uniforms(200), sigma=0.03) - x
    assert stats.kstest(noise.flatten().numpy()[::7] / 0.03, "norm").pvalue > 0.01
    # neither neighbors in time, nor channels, nor series are alike
    flat = noise.double()
    for one, other in ((flat[..., 1:], flat[..., :-1]), (flat[:, 0], flat[:, 1]), (flat[1:], flat[:-1])):
        assert abs(stats.pearsonr(one.flatten(), other.flatten()).statistic) < 0.02
    means = noise.mean((1, 2)) / (0.03 / 300**0.5)
    assert stats.kstest(means.numpy(), "norm").pvalue > 0.01


def test_scaling_multiplies_each_channel_by_one_factor():
    x = torch.randn(3_000, 2, 5, generator=torch.Generator().manual_seed(1))
    factors = augmentation.scaling(x, uniforms(3_000)) / x
    assert (factors - factors[:, :, :1]).abs().max() < 1e-4
    drawn = factors[:, :, 0]
    assert stats.kstest((drawn.flatten().numpy() - 1) / 0.1, "norm").pvalue > 0.01
    assert abs(stats.pearsonr(drawn[:, 0], drawn[:, 1]).statistic) < 0.06


def test_normal_values_follow_from_the_two_numbers_alone():
    numbers = uniforms(6)
    together = augmentation._normal(numbers, 2, 50)
    alone = torch.cat([augmentation._normal(numbers[k : k + 1], 2, 50) for k in range(6)])
    assert torch.equal(together, alone)
    nearly = numbers.clone()
    nearly[:, 1] += 2**-23  # the next number but one: nothing in common
    assert abs(stats.pearsonr(together.flatten(), augmentation._normal(nearly, 2, 50).flatten()).statistic) < 0.1


def test_the_hash_is_splitmix64():
    """The first outputs for the seed 1234567, as published with its reference implementation."""
    state = torch.tensor([1234567]) + torch.arange(1, 6) * -0x61C8864680B583EB
    found = [value % 2**64 for value in augmentation._scrambled(state).tolist()]
    assert found[:2] == [6457827717110365317, 3203168211198807973]

    def scrambled(z):  # in Python's integers
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    assert found == [scrambled((1234567 + k * 0x9E3779B97F4A7C15) % 2**64) for k in range(1, 6)]


@pytest.mark.parametrize("longer", [True, False])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.99])
def test_window_warp_by_hand(longer, place):
    """A ramp shows where each step comes from: outside the window one rate, inside half or twice as fast."""
    count, window = 200, 20
    ramp = torch.arange(float(count)).view(1, 1, count)
    chosen = torch.tensor([[0.2 if longer else 0.7, place]])
    warped = augmentation.window_warp(ramp, chosen)[0, 0]
    factor = 2.0 if longer else 0.5
    begin = int(place * (count - window))
    length = count - 1 + window * (factor - 1)
    at = np.arange(count) * length / (count - 1)
    knots = [0, begin, begin + window * factor, length]
    expected = np.interp(at, knots, [0, begin, begin + window, count - 1])
    np.testing.assert_allclose(warped.numpy(), expected, atol=2e-3)
    assert (warped[0], warped[-1]) == (0, pytest.approx(count - 1, abs=1e-3))


def test_window_warp_treats_channels_alike_and_series_apart():
    x = torch.randn(50, 3, 64, generator=torch.Generator().manual_seed(0))
    x[:, 1] = 2 * x[:, 0]
    warped = augmentation.window_warp(x, uniforms(50))
    torch.testing.assert_close(warped[:, 1], 2 * warped[:, 0])
    alone = augmentation.window_warp(x[7:8], uniforms(50)[7:8])
    torch.testing.assert_close(warped[7:8], alone)


@pytest.mark.parametrize("name", ["jitter", "scaling", "window_warp"])
def test_series_in_half_precision_come_back_whole(name):
    x = torch.randn(4, 2, 40, generator=torch.Generator().manual_seed(0)).half()
    made = getattr(augmentation, name)(x, uniforms(4))
    assert (made.shape, made.dtype) == (x.shape, torch.float32)
    torch.testing.assert_close(made, getattr(augmentation, name)(x.float(), uniforms(4)))
    assert not torch.equal(made, x.float())


@pytest.mark.parametrize(
    ("name", "shape", "kind"), [("jitter", (2, 1, 8, 8), "series"), ("horizontal_flip", (2, 3, 8), "images")]
)
def test_a_part_for_other_data_is_refused(name, shape, kind):
    with pytest.raises(UserError, match=f"for {kind}"):
        getattr(augmentation, name)(torch.zeros(shape), uniforms(2))


@pytest.mark.parametrize("name", ["jitter", "scaling", "window_warp"])
def test_augmented_series_differ_from_epoch_to_epoch_and_are_the_same_again(name):
    training = start(spec(augmentation=[name]), series())
    raw = training.inputs.examples(training.inputs.train[:, :4])
    first, again = (training.augment(raw, draw(training)[0].uniforms[:, :4]) for _ in range(2))
    training.epoch = 1
    later = training.augment(raw, draw(training)[0].uniforms[:, :4])
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, raw.float())


# Windows in the loop.


def test_the_loop_cuts_where_the_draws_say_and_asks_for_what_was_kept(monkeypatch):
    training = start(spec(mixing=WINDOWS), series())
    seen = []
    monkeypatch.setattr(training, "_stages", lambda x, start, end: seen.append(x) or x)
    monkeypatch.setattr(training.inputs.task, "loss", lambda outputs, target: seen.append(target) or target.sum())
    batch = draw(training)[0]
    x = training.inputs.scale(training.inputs.examples(batch.order))
    y = training.inputs.train_labels.gather(1, batch.order)
    training.loss(x, y, batch)
    [(ratio, partner)], position = rounds(batch), batch.rounds[0].position
    own = torch.rand(3, 1, generator=generator(0, "window", 0))[0]  # three minibatches of one round
    assert torch.equal(position, own.view(1, 1))
    blended, kept = segment(x, x[0][partner[0]][None], ratio, position)
    assert torch.equal(seen[-2], blended)
    hot = torch.nn.functional.one_hot(y[0], 3).float()
    torch.testing.assert_close(seen[-1][0], (kept * hot + (1 - kept) * hot[partner[0]]).float())


def test_windows_are_drawn_apart_from_ratios_and_partners():
    """Cutmix and mixup of one seed have the same ratios, partners and order."""
    cut, linear = (draw(start(spec(mixing={**WINDOWS, "blend": blend}), series())) for blend in ("segment", "linear"))
    for one, other in zip(cut, linear, strict=True):
        assert torch.equal(one.order, other.order)
        assert torch.equal(one.rounds[0].ratio, other.rounds[0].ratio)
        assert torch.equal(one.rounds[0].partner, other.rounds[0].partner)
        assert other.rounds[0].position is None


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_a_network_learns_with_windows_at_any_cut(cut):
    training = finished(spec(mixing={**WINDOWS, "cut": cut}, epochs=8), series(train=120))
    losses = [row["train_loss"] for row in training.history]
    assert losses[-1] < losses[0]


def test_a_window_of_several_partners_is_refused():
    with pytest.raises(ValueError, match="segment mixes two examples, and the ratio dirichlet mixes several"):
        spec(mixing={"ratio": {"name": "dirichlet", "alpha": 1}, "blend": "segment"})


# What is measured.


@pytest.mark.parametrize("missing", [None, 3])
def test_macro_f1_is_scikit_learns(missing):
    source = np.random.default_rng(0)
    y = torch.from_numpy(source.integers(5, size=(2, 300)))
    outputs = torch.from_numpy(source.normal(size=(2, 300, 5))) + 1.5 * torch.nn.functional.one_hot(y, 5)
    if missing is not None:  # of this class there is nothing, and nothing is guessed to be
        y[y == missing] = 0
        outputs[..., missing] = -100
    task = Classification(5)
    halves = [task.measure(outputs[:, part], y[:, part], f1=True) for part in (slice(120), slice(120, 300))]
    total = halves[0]["f1_error"] + halves[1]["f1_error"]
    found = task.summarize("f1_error", total / 300)
    expected = [100 * (1 - f1_score(y[k], outputs[k].argmax(-1), average="macro")) for k in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_macro_f1_is_measured_where_it_is_asked_for():
    data = series()
    plain, asked = finished(spec(), data), finished(spec(measure_f1=True), data)
    assert set(asked.history[0]) - set(plain.history[0]) == {"test_f1_error", "validation_f1_error"}
    for row, with_f1 in zip(plain.history, asked.history, strict=True):
        assert {name: with_f1[name] for name in row} == row
    guesses = asked.logits(asked.inputs.examples(asked.inputs.test))[0].argmax(-1)
    expected = 100 * (1 - f1_score(data.tensors["test_y"], guesses, average="macro"))
    assert asked.history[-1]["test_f1_error"] == pytest.approx(expected)
    numbers = Regression().measure(torch.zeros(3, 1), torch.zeros(3), f1=True)
    assert set(numbers) == {"loss", "error", "mape"}


def rows(seed, validation, test):
    pairs = enumerate(zip(validation, test, strict=True), 1)
    return [
        {"seed": seed, "epoch": k, "train_loss": 1.0, "validation_error": held, "test_error": other}
        for k, (held, other) in pairs
    ]


def test_the_chosen_epoch_is_the_first_with_the_least_validation_error():
    history = rows(0, [9, 4, 4, 6], [9, 7, 1, 3]) + rows(1, [3, 5, 2, 2], [5, 4, 8, 0])
    found = summarize([0, 1], columns(history), choose_epoch=True)[1]
    assert found["test_error.chosen"] == [7, 8]
    assert found["validation_error.chosen"] == [4, 2]
    assert found["test_error.best"] == [1, 0]
    plain = summarize([0, 1], columns(history))[1]
    assert {name: found[name] for name in plain} == plain
    assert set(found) - set(plain) == {f"{each}.chosen" for each in ("train_loss", "validation_error", "test_error")}


def test_a_run_that_chooses_its_epoch_keeps_what_it_gives(tmp_path):
    training = finished(spec(choose_epoch=True, measure_f1=True), series())
    store = Store(tmp_path / "results", tmp_path / "checkpoints", tmp_path / "scratch")
    block = store.publish(training.spec, [0], training.history, provenance())
    values = block.values
    best = min(training.history, key=lambda row: row["validation_error"])
    assert values["test_f1_error.chosen"] == [best["test_f1_error"]]


def test_choosing_needs_a_validation_part():
    data = series()
    without = Prepared({name: x for name, x in data.tensors.items() if "validation" not in name}, data.manifest)
    with pytest.raises(UserError, match="validation"):
        start(spec(choose_epoch=True), without)


def test_decay_is_decoupled():
    """A step is Adam's, after the weights have lost the share rate times decay (Loshchilov and Hutter, algorithm 2)."""
    ours, theirs = (torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(2))
    decoupled, plain = adamw([ours], lr=0.1, weight_decay=0.3), adam([theirs], lr=0.1)
    for step in range(5):
        for weight in (ours, theirs):
            weight.grad = torch.tensor([0.1, 1.0, -1.0]) * (step + 1)
        decoupled.step()
        with torch.no_grad():
            theirs *= 1 - 0.1 * 0.3
        plain.step()
    assert torch.allclose(ours, theirs)
