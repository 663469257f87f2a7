"""Steps of the loop against steps written by hand: where is mixed, with whom, how often, and what the loss sees."""

import copy
import itertools

import pytest
import torch
from torch.nn import functional as F

from remixup.data import augmentation
from remixup.errors import UserError
from remixup.mixing import TrainingSet
from remixup.mixing.partner.training_set import nearest, second_loader
from remixup.randomness import generator
from tests.unit.training.samples import (
    MIXUP,
    draw,
    finished,
    image_spec,
    images,
    rounds,
    spectrograms,
    start,
    table,
    table_spec,
)

PLAIN = {"name": "sgd", "lr": 0.05}
SETTINGS = {"optimizer": PLAIN, "schedule": "constant"}
CALM = {**SETTINGS, "augmentation": [], "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1]}}
FAMILIES = {
    "preact_resnet": {"width": 4, "blocks": [1, 1]},
    "wide_resnet": {"depth": 10, "widen": 1, "base": 4},
    "densenet_bc": {"depth": 10, "growth": 4},
    "resnet": {"layers": [1, 1], "width": 8, "stem": "small", "zero_init_residual": False},
}


def check(training, step):
    """An epoch of a training equals one of torch's own SGD, on the losses (members,) that `step` gives.

    Args:
        training: before an epoch, with the optimizer of `SETTINGS`.
        step: called with the network and, for each batch, the batch, its number and its rows in the epoch's order.
    """
    network = copy.deepcopy(training.model).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    total, start = 0.0, 0
    for number, batch in enumerate(draw(training)):
        size = batch.size
        loss = step(network, batch, number, slice(start, start + size))
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        total, start = total + size * loss.detach(), start + size
    before = copy.deepcopy(training.model.state_dict())
    training._train_epoch()
    moved = 0
    for (name, ours), theirs in zip(training.model.state_dict().items(), network.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
        moved += not torch.equal(ours, before[name])
    assert moved == len(before)
    last = training.history[-len(training.seeds) :]
    assert [row["train_loss"] for row in last] == pytest.approx((total / start).tolist(), rel=1e-4)


def examples(training, batch):
    """Scaled examples (members, n, ...) and labels of a batch, not augmented."""
    chosen = batch.order
    inputs = training.inputs
    return inputs.scale(inputs.x[inputs.train.gather(1, chosen)]), inputs.train_labels.gather(1, chosen)


@pytest.mark.parametrize(
    ("family", "cut"), [*itertools.product(FAMILIES, [1, 2]), ("preact_resnet", 0), ("preact_resnet", 3)]
)
def test_mixing_at_a_cut_is_mixing_the_output_of_the_stages_before(family, cut):
    model = {"name": family, **FAMILIES[family]}
    spec = image_spec(**{**CALM, "model": model}, mixing={**MIXUP, "cut": cut}, batch_size=25)
    training = start(spec, images())

    def step(network, batch, number, rows):
        (x,), (y,) = examples(training, batch)
        [(ratio, partner)] = rounds(batch)
        lam, other = ratio.float().item(), partner[0]
        before = network[:cut](x)
        out = network[cut:](lam * before + (1 - lam) * before[other])
        return (lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, y[other])).unsqueeze(0)

    check(training, step)


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_members_are_mixed_at_a_cut_each_by_itself(cut):
    spec = table_spec(**SETTINGS, mixing={**MIXUP, "cut": cut})
    training = start(spec, table(missing=True), seeds=(0, 4))

    def step(network, batch, number, rows):
        x, y = examples(training, batch)
        [(ratio, partner)] = rounds(batch)
        before = network[:cut](x)
        mixed = [
            lam * hidden + (1 - lam) * hidden[other]
            for lam, hidden, other in zip(ratio.float(), before, partner, strict=True)
        ]
        out = network[cut:](torch.stack(mixed))
        losses = [
            lam * F.cross_entropy(logits, label) + (1 - lam) * F.cross_entropy(logits, label[other])
            for lam, logits, label, other in zip(ratio.float(), out, y, partner, strict=True)
        ]
        return torch.stack(losses)

    check(training, step)


@pytest.mark.parametrize(
    ("spec", "data", "stages"),
    [
        (image_spec(mixing={**MIXUP, "cut": 4}), images(), 4),
        (table_spec(mixing={**MIXUP, "cut": 9}), table(), 4),
    ],
)
def test_a_cut_beyond_the_stages_is_refused(spec, data, stages):
    wanted = rf"run\.mixing\.cut: .* has {stages} stages: .* after 1 to {stages - 1} of them, not {spec.mixing.cut}"
    with pytest.raises(UserError, match=wanted):
        start(spec, data)
    assert start(spec.model_copy(update={"mixing": spec.mixing.model_copy(update={"cut": stages - 1})}), data)


@pytest.mark.parametrize(
    ("spec", "data", "where"),
    [
        (table_spec(mixing={"noise": {"name": "gaussian", "sigma": 1.0, "of": "pixels"}}), table(), "mixing.noise"),
        (
            image_spec(normalization="raw", mixing={"noise": {"name": "gaussian", "sigma": 1.0, "of": "pixels"}}),
            spectrograms(),
            "mixing.noise",
        ),
    ],
)
def test_what_the_data_does_not_have_is_refused(spec, data, where):
    with pytest.raises(UserError, match=where):
        start(spec, data)


def augmented(examples, uniforms):
    return augmentation.horizontal_flip(augmentation.random_crop(examples, uniforms[:, 0]), uniforms[:, 1])


@pytest.mark.parametrize(
    ("partner", "cut"),
    [
        ({"name": "nearest", "k": 5}, 0),
        ({"name": "nearest", "k": 3, "same_class": True}, 1),
        ("second_loader", 0),
        ("uniform", 0),
    ],
)
def test_partners_of_the_whole_training_set_are_drawn_and_augmented_by_themselves(partner, cut):
    """All draws made anew from the seed: partners in raw pixels, then the numbers that crop and mirror them."""
    augment = ["random_crop", "horizontal_flip"]
    spec = image_spec(**{**CALM, "augmentation": augment}, mixing={**MIXUP, "partner": partner, "cut": cut})
    data = images(channels=3)
    training = start(spec, data, seeds=(2,))
    training.epoch = 1
    raw, labels = data.tensors["train_x"], data.tensors["train_y"]
    order = torch.randperm(50, generator=generator(2, "order", 1))
    source = generator(2, "partner", 1)
    if partner == "second_loader":
        partners = second_loader(TrainingSet(raw, labels), order, generator=source)
    elif partner == "uniform":  # each of the 50 for itself: some more than once, some never
        partners = torch.randint(50, (50,), generator=source)
        assert len(partners.unique()) < 50
    else:
        named = {name: value for name, value in partner.items() if name != "name"}
        partners = nearest(TrainingSet(raw, labels), order, **named, generator=source)
    theirs = torch.rand(50, 2, 2, generator=source)
    own = torch.rand(50, 2, 2, generator=generator(2, "augmentation", 1))
    ratios = training.mixing.ratio((4,), generator=generator(2, "ratio", 1)).float()

    def step(network, batch, number, rows):
        x = training.inputs.scale(augmented(raw[order[rows]], own[rows]))
        other = training.inputs.scale(augmented(raw[partners[rows]], theirs[rows]))
        lam, y, other_y = ratios[number], labels[order[rows]], labels[partners[rows]]
        out = network[cut:](lam * network[:cut](x) + (1 - lam) * network[:cut](other))
        return (lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, other_y)).unsqueeze(0)

    check(training, step)


@pytest.mark.parametrize("mixing", [{"smoothing": 0.2}, {**MIXUP, "smoothing": 0.2}])
def test_smoothed_and_replaced_labels_reach_the_loss(mixing):
    spec = table_spec(dataset={"label_noise": 0.5}, **SETTINGS, mixing=mixing)
    training = start(spec, table())
    y = training.inputs.train_labels[0]
    assert (y != training.inputs.y[training.inputs.train[0]]).sum() > 5

    def step(network, batch, number, rows):
        x, _ = examples(training, batch)
        label = y[batch.order[0]]
        if training.mixing.ratio is None:
            return F.cross_entropy(network(x)[0], label, label_smoothing=0.2).unsqueeze(0)
        [(lam, partner)] = rounds(batch)
        lam, other = lam[0].float(), partner[0]
        out = network(lam * x + (1 - lam) * x[:, other])[0]
        losses = [F.cross_entropy(out, each, label_smoothing=0.2) for each in (label, label[other])]
        return (lam * losses[0] + (1 - lam) * losses[1]).unsqueeze(0)

    check(training, step)


def test_partners_have_the_labels_that_they_are_trained_on():
    spec = table_spec(dataset={"label_noise": 0.6}, **SETTINGS, mixing={**MIXUP, "partner": "second_loader"})
    training = start(spec, table())
    x, y = training.inputs.x[training.inputs.train[0]], training.inputs.train_labels[0]

    def step(network, batch, number, rows):
        [(lam, partner)] = rounds(batch)
        lam, own, other = lam[0].float(), batch.order[0], partner[0]
        out = network((lam * x[own] + (1 - lam) * x[other]).unsqueeze(0))[0]
        return (lam * F.cross_entropy(out, y[own]) + (1 - lam) * F.cross_entropy(out, y[other])).unsqueeze(0)

    check(training, step)


@pytest.mark.parametrize("partner", ["same_class", {"name": "nearest", "k": 5, "same_class": True}])
def test_the_same_class_is_that_which_is_trained_on(partner):
    """Nobody knows the true labels of a training set: who looks for the same class takes those that there are."""
    spec = table_spec(dataset={"label_noise": 0.6}, mixing={**MIXUP, "partner": partner})
    training = start(spec, table(rows=121), seeds=(0, 1))
    moved = 0
    for batch in draw(training):
        [(_, positions)] = rounds(batch)
        own = batch.order
        other = own.gather(1, positions) if training.mixing.partner.scope == "batch" else positions
        labels = training.inputs.train_labels
        assert torch.equal(labels.gather(1, own), labels.gather(1, other))
        moved += (own != other).sum().item()
    assert moved > 60


def test_each_epoch_has_noise_of_its_own():
    training = start(table_spec(mixing={"noise": {"name": "gaussian", "sigma": 0.5}}), table())
    first = draw(training)[0].noise[0].initial_seed()
    training.epoch = 1
    assert draw(training)[0].noise[0].initial_seed() != first


@pytest.mark.parametrize("partner", ["permutation", "second_loader"])
def test_noise_is_added_to_examples_and_partners_before_they_are_mixed(partner):
    noise = {"name": "gaussian", "sigma": 0.5}
    spec = table_spec(**SETTINGS, mixing={**MIXUP, "partner": partner, "noise": noise})
    training = start(spec, table(), seeds=(3,))
    x, y = training.inputs.x[training.inputs.train[0]], training.inputs.train_labels[0]
    source = generator(3, "noise")

    def step(network, batch, number, rows):
        [(lam, partners)] = rounds(batch)
        lam, own = lam[0].float(), batch.order[0]
        first = x[own] + 0.5 * torch.randn(len(own), 5, generator=source)
        if partner == "permutation":
            second, other = first[partners[0]], own[partners[0]]
        else:
            other = partners[0]
            second = x[other] + 0.5 * torch.randn(len(other), 5, generator=source)
        out = network((lam * first + (1 - lam) * second).unsqueeze(0))[0]
        return (lam * F.cross_entropy(out, y[own]) + (1 - lam) * F.cross_entropy(out, y[other])).unsqueeze(0)

    check(training, step)


def test_noise_in_units_of_pixels_is_noise_on_the_image():
    """A tenth of black to white, whatever the channels are divided by."""
    scaling = {"name": "given", "mean": [0.5, 0.1, 0.3], "std": [0.25, 0.5, 2.0]}
    noise = {"name": "gaussian", "sigma": 0.1, "of": "pixels"}
    spec = image_spec(**CALM, normalization=scaling, mixing={"noise": noise})
    training = start(spec, images(channels=3))
    raw, labels = training.inputs.x[:50].float() / 255, training.inputs.y[:50]
    source = generator(0, "noise")
    mean, std = (torch.tensor(scaling[name]).view(3, 1, 1) for name in ("mean", "std"))

    def step(network, batch, number, rows):
        own = batch.order[0]
        x = (raw[own] + 0.1 * torch.randn(len(own), 3, 8, 8, generator=source) - mean) / std
        return F.cross_entropy(network(x), labels[own]).unsqueeze(0)

    check(training, step)


def test_three_examples_are_mixed_with_the_weights_drawn():
    ratio = {"name": "dirichlet", "alpha": 1.0, "examples": 3}
    training = start(table_spec(**SETTINGS, mixing={"ratio": ratio}), table())

    def step(network, batch, number, rows):
        (x,), (y,) = examples(training, batch)
        (first, one), (second, two) = rounds(batch)
        first, second, one, two = first[0].float(), second[0].float(), one[0], two[0]
        weights = [first * second, (1 - first) * second, 1 - second]
        mixed = [(x, y), (x[one], y[one]), (x[two], y[two])]
        out = network(sum(w * each for w, (each, _) in zip(weights, mixed, strict=True)).unsqueeze(0))[0]
        return sum(w * F.cross_entropy(out, y) for w, (_, y) in zip(weights, mixed, strict=True)).unsqueeze(0)

    check(training, step)


def test_rounds_have_partners_and_augmentation_of_their_own():
    ratio = {"name": "dirichlet", "alpha": 1.0, "examples": 4}
    spec = image_spec(**{**CALM, "augmentation": ["random_crop"]}, mixing={"ratio": ratio, "partner": "second_loader"})
    batch = draw(start(spec, images()))[1]
    assert len(batch.rounds) == 3
    for first, second in itertools.combinations(batch.rounds, 2):
        assert first.ratio.item() != second.ratio.item()
        assert not torch.equal(first.partner, second.partner)
        assert not torch.equal(first.uniforms, second.uniforms)
    assert not torch.equal(batch.rounds[0].uniforms, batch.uniforms)


@pytest.mark.parametrize(
    ("make", "data", "mixing"),
    [
        (table_spec, table(), MIXUP),
        (table_spec, table(), {"ratio": {"name": "dirichlet", "alpha": 1.0}}),
        (image_spec, images(), {**MIXUP, "cut": 2, "partner": {"name": "nearest", "k": 3}}),
    ],
)
def test_epochs_before_mixing_are_those_of_erm(make, data, mixing):
    erm, mixup = finished(make(), data), finished(make(mixing=mixing), data)
    warmed_up = finished(make(mixing={**mixing, "warmup_epochs": 2}), data)
    assert warmed_up.history[:2] == erm.history[:2]
    for row, other in itertools.product(warmed_up.history[2:], [*erm.history[2:], *mixup.history[2:]]):
        assert row["train_loss"] != other["train_loss"]
    # an epoch draws what it would have drawn without
    mixup.epoch = warmed_up.epoch = 3
    for one, other in zip(draw(mixup), draw(warmed_up), strict=True):
        assert [each.ratio for each in one.rounds] == [each.ratio for each in other.rounds]
    warmed_up.epoch = 1
    assert draw(warmed_up)[0].rounds == []
