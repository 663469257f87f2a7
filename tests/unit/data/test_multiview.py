"""Images with a second view: pairing, whose image is the second view, weights redrawn, and zeros where none is seen."""

from dataclasses import replace

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.augmentation import view_weights
from remixup.data.inputs import make_inputs
from remixup.data.multiview import pairing, partners, with_second_view
from remixup.errors import UserError
from remixup.evaluation import baselines
from remixup.randomness import generator
from remixup.training.flops import shape
from tests.unit.training.samples import CPU, draw, finished, image_spec, images, spectrograms, start, table

SMALL = {"name": "preact_resnet", "width": 8, "blocks": [1, 1]}
VECTORIZED = {"vectorize_seeds": True}
VIEWS = {"name": "digits", "version": "scikit-learn", "second_view": True}
MIDPOINT = {"ratio": {"name": "constant", "value": 0.5}, "partner": "second_loader"}


def view_spec(dataset=(), **changes):
    execution = {} if "model" in changes else VECTORIZED
    given = {"model": SMALL, "augmentation": ["view_weights"], "epochs": 2, "execution": execution, **changes}
    return image_spec(dataset={**VIEWS, **dict(dataset)}, **given)


def four(**changes):
    return images(classes=4, channels=2, **changes)


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_the_pairing_is_an_involution_without_fixed_points(classes):
    partner = pairing(classes, torch.Generator().manual_seed(3))
    everyone = torch.arange(classes)
    assert torch.equal(partner[partner], everyone)
    assert bool((partner != everyone).all())


def test_every_pairing_of_four_classes_is_as_likely():
    drawn = [int(pairing(4, torch.Generator().manual_seed(seed))[0]) for seed in range(600)]
    counts = torch.tensor(drawn).bincount(minlength=4).tolist()
    assert counts[0] == 0
    assert all(150 < count < 250 for count in counts[1:])  # 200 expected, deviation 11.5


def test_an_odd_number_of_classes_has_no_pairing():
    with pytest.raises(UserError, match="3 classes cannot be paired"):
        make_inputs(view_spec(), [0], images(classes=3), CPU)


def test_the_second_view_by_hand():
    x = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1) * 51  # 0, 0.2, 0.4, 0.6 in [0, 1]
    train, labels = torch.tensor([[0, 2]]), torch.tensor([[0, 1]])
    views = with_second_view(x, torch.tensor(0.2), torch.tensor(0.2), train, labels, 2, [7])
    assert views.dtype == torch.float16
    expected = torch.tensor([[-1.0, 1.0], [0.0, 0.0], [1.0, -1.0], [2.0, 0.0]])
    assert torch.allclose(views.view(4, 2).float(), expected, atol=1e-3)


def test_every_second_view_is_a_training_image_of_the_partner_class():
    data, seeds = four(train=80), [0, 5]
    inputs = make_inputs(view_spec({"subset": 60}), seeds, data, CPU)
    plain = image_spec(dataset={"subset": 60}, model=SMALL, execution=VECTORIZED, augmentation=[])
    before = make_inputs(plain, seeds, data, CPU)
    for member, seed in enumerate(seeds):
        partner = pairing(4, generator(seed, "second view"))
        own, other = inputs.x[inputs.train[member]].chunk(2, dim=1)
        known = before.scale(before.x[before.train[member]]).half()
        assert torch.equal(own, known)
        labels = inputs.train_labels[member]
        for image, label in zip(other, labels, strict=True):
            same = (known == image).flatten(1).all(1)
            assert same.any()
            assert bool((labels[same] == partner[label]).all())
    assert torch.equal(inputs.y[inputs.train[1]], inputs.train_labels[1])
    assert torch.equal(inputs.y[inputs.test[1]], data.tensors["test_y"])


def test_second_views_are_drawn_uniformly_and_anew_for_each_seed():
    labels = torch.tensor([0] * 2000 + [1] * 5).expand(2, -1)
    first, second = partners(labels, 2, [0, 1])
    counts = (first[:2000] - 2000).bincount(minlength=5).tolist()
    assert all(330 < count < 470 for count in counts)  # 400 expected, deviation 18
    assert bool((first[2000:] < 2000).all())
    assert not torch.equal(first, second)
    assert torch.equal(partners(labels[:1], 2, [1])[0], second)


def test_labels_that_are_noisy_decide_the_view_and_held_out_images_have_none():
    inputs = make_inputs(view_spec({"label_noise": 0.5, "validation": 0.2}), [0], four(), CPU)
    assert torch.equal(inputs.y[inputs.validation], inputs.validation_labels) is False  # some were replaced
    assert not inputs.x[inputs.validation[0]].chunk(2, dim=1)[1].any()
    partner = pairing(4, generator(0, "second view"))
    rows, labels = inputs.train[0], inputs.train_labels[0]
    pool = inputs.x[rows, :2]
    for row, label in zip(rows, labels, strict=True):
        same = (pool == inputs.x[row, 2:]).flatten(1).all(1)
        assert bool((labels[same] == partner[label]).any())


def test_weights_by_hand():
    images = torch.tensor([[1.0, 3.0, 10.0, 20.0], [1.0, 3.0, 10.0, 20.0]]).half().view(2, 4, 1, 1)
    weighed = view_weights(images, torch.tensor([[0.25, 0.9], [0.0, 0.1]]))
    assert weighed.dtype == torch.float32
    assert weighed.flatten(1).tolist() == [[0.25, 0.75, 7.5, 15.0], [0.0, 0.0, 10.0, 20.0]]


def seen(training):
    """What reaches the network, pass by pass."""
    found = []
    training.model.stem.register_forward_pre_hook(lambda module, given: found.append(given[0].clone()))
    return found


def test_weights_are_drawn_for_every_epoch_example_and_seed():
    training = start(view_spec(), four(), seeds=(0, 1))
    drawn = []
    for epoch in (0, 1):
        training.epoch = epoch
        drawn.append(torch.cat([batch.uniforms[:, :, 0, 0] for batch in draw(training)], dim=1))
    every = torch.stack(drawn).flatten()
    assert len(every.unique()) == len(every) == 200
    assert 0.4 < every.mean() < 0.6
    uniforms = torch.cat([batch.uniforms for batch in draw(training)], dim=1)
    batch = training.augment(training.inputs.examples(training.inputs.train), uniforms)
    own, other = batch.chunk(2, dim=2)
    raw_own, raw_other = training.inputs.x[training.inputs.train].float().chunk(2, dim=2)
    weight = uniforms[:, :, 0, 0].view(2, 50, 1, 1, 1)
    assert torch.equal(own, weight * raw_own)
    assert torch.equal(other, (1 - weight) * raw_other)


def test_partners_from_the_training_set_have_weights_of_their_own():
    training = start(view_spec(mixing=MIDPOINT), four(), seeds=(0, 1))
    batches = draw(training)
    assert not any((batch.rounds[0].uniforms == batch.uniforms).any() for batch in batches)
    found = seen(training)
    training.optimize()
    rows, places = training.inputs.train, batches[0].order
    [drawn] = batches[0].rounds
    theirs = drawn.partner
    weights = (batches[0].uniforms[:, :, 0, 0], drawn.uniforms[:, :, 0, 0])
    mixed = torch.zeros_like(found[0])
    for positions, weight in zip((places, theirs), weights, strict=True):
        own, other = training.inputs.x[rows.gather(1, positions)].float().chunk(2, dim=2)
        weight = weight.view(2, 16, 1, 1, 1)
        mixed += 0.5 * torch.cat([weight * own, (1 - weight) * other], dim=2)
    assert torch.allclose(found[0], mixed, atol=1e-6)


def test_the_second_view_of_test_images_is_exactly_zero_at_the_network():
    training = start(view_spec(normalization={"name": "given", "mean": [0.5, 0.2], "std": [0.5, 0.3]}), four())
    found = seen(training)
    training.evaluate(training.inputs.test)
    (x,) = found
    assert x.shape[-3:] == (4, 8, 8)
    assert not x[:, :, 2:].any()
    assert x[:, :, :2].any()


def test_a_network_of_one_seed_trains_on_both_views():
    spec = view_spec(model={"name": "preact_resnet", "width": 4, "blocks": [1, 1]}, mixing=MIDPOINT)
    training = finished(spec, four())
    assert training.model.stem[0].in_channels == 4
    assert training.history[-1]["train_loss"] < training.history[0]["train_loss"]


def test_the_baseline_sees_both_views_and_is_fitted_for_each_seed(monkeypatch):
    monkeypatch.setattr(baselines, "PENALTIES", (0.01, 1.0))
    baselines._fitted.clear()
    training = start(view_spec(), four(train=100, test=100), seeds=(0, 1))
    baselines.logistic_regression(training)
    assert len(baselines._fitted) == 2
    assert baselines._flat(training.inputs, training.inputs.train[1]).shape == (100, 4 * 8 * 8)


def test_the_workload_counts_the_channels_that_the_network_gets():
    assert shape(RunSpec.model_validate(view_spec().model_dump())) == (2, 8, 8)


def test_what_has_no_second_view_is_refused():
    with pytest.raises(UserError, match="only images with classes"):
        make_inputs(view_spec(normalization="raw"), [0], spectrograms(), CPU)
    with pytest.raises(UserError, match="only images with classes"):
        make_inputs(view_spec({"holdout": 0.5}, model={"name": "mlp"}, normalization="raw"), [0], table(classes=4), CPU)
    data = four()
    files = replace(data, images="somewhere")
    with pytest.raises(UserError, match="image files have no second view"):
        make_inputs(view_spec(), [0], files, CPU)
    lonely = {**data.tensors, "train_y": torch.zeros(50, dtype=torch.int64)}
    with pytest.raises(UserError, match=r"class [1-3] has no training example"):
        make_inputs(view_spec(), [0], Prepared(lonely, data.manifest), CPU)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": {"second_view": False}}, "second_view is off"),
        ({"augmentation": ["view_weights", "random_crop"]}, "would not be black"),
    ],
)
def test_specifications_that_mean_nothing_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        view_spec(**changes)
