"""The loops that remixup is measured against do what their authors' code does."""

import copy
from itertools import product

import numpy as np
import pytest
import torch
from remixup_benchmarks import reference
from remixup_benchmarks.peers import Timm, Torchvision, mixing_collate
from remixup_benchmarks.reference import MEAN, STD, Pictures, Reference, pixels
from torch import nn
from torch.nn import functional as F


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setattr(reference, "cores", lambda: 1)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", torch.backends.cudnn.benchmark)


@pytest.fixture
def small(monkeypatch):
    """A linear network in place of the large one."""

    def build(*_, **__):
        torch.manual_seed(5)
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))

    monkeypatch.setattr(reference.models, "build", build)


def minibatch(n=6):
    source = torch.Generator().manual_seed(1)
    return torch.randn(n, 3, 32, 32, generator=source), torch.randint(10, (n,), generator=source)


def expected_steps(network, inputs, targets, steps):
    """Loss, right answers and weights of plain steps, written out: no optimizer, no cross-entropy, no indexing."""
    np.random.seed(0)
    torch.manual_seed(0)
    momenta = [torch.zeros_like(p) for p in network.parameters()]
    total = correct = 0.0
    for _ in range(steps):
        share = np.random.beta(1.0, 1.0)
        partner = torch.randperm(len(inputs)).tolist()
        mixed = torch.stack([share * inputs[i] + (1 - share) * inputs[j] for i, j in enumerate(partner)])
        logits = network(mixed)
        said = logits.log_softmax(1)
        loss = 0
        for i, j in enumerate(partner):
            loss -= (share * said[i, targets[i]] + (1 - share) * said[i, targets[j]]) / len(inputs)
            guess = logits[i].argmax()
            correct += share * float(guess == targets[i]) + (1 - share) * float(guess == targets[j])
        total += loss.item()
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for weight, gradient, momentum in zip(network.parameters(), gradients, momenta, strict=True):
                momentum.mul_(0.9).add_(gradient + 1e-4 * weight)
                weight.sub_(0.1 * momentum)
    return total, correct


def test_the_reference_steps_as_the_published_code_does(small):
    loop = Reference("cpu", pixels(4), workers=0)
    network = copy.deepcopy(loop.network)
    inputs, targets = minibatch()
    total, correct = expected_steps(network, inputs, targets, steps=3)
    np.random.seed(0)
    torch.manual_seed(0)
    for _ in range(3):
        loop.step(inputs, targets)
    assert loop.total == pytest.approx(total, rel=1e-5)
    assert loop.correct == pytest.approx(correct)
    for found, due in zip(loop.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(found, due, rtol=1e-4, atol=1e-6)


def test_its_network_is_the_authors_preact_resnet_18():
    network = Reference("cpu", pixels(4), workers=0).network
    # The 128 parameters of the stem's normalization tell it from the first author's edition.
    assert sum(p.numel() for p in network.parameters()) == 11_171_274
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_pictures_are_crops_of_the_padded_image_or_of_its_mirror_image():
    pictures = Pictures(pixels(3))
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    torch.manual_seed(0)
    seen = set()
    for _ in range(30):
        found, label = pictures[1]
        assert label == pictures.labels[1]
        image = torch.from_numpy(pictures.images[1]).permute(2, 0, 1).float() / 255
        padded = F.pad(image, (4, 4, 4, 4))
        matches = []
        for row, column, mirrored in product(range(9), range(9), (False, True)):
            crop = padded[:, row : row + 32, column : column + 32]
            if torch.allclose(((crop.flip(2) if mirrored else crop) - mean) / std, found, atol=1e-5):
                matches.append((row, column, mirrored))
        assert len(matches) == 1
        seen |= set(matches)
    assert {mirrored for *_, mirrored in seen} == {False, True}
    assert len(seen) > 20


def test_epochs_follow_each_other_in_shuffled_minibatches_of_128(small, monkeypatch):
    loop = Reference("cpu", pixels(130), workers=0)
    sizes, labels = [], []
    monkeypatch.setattr(loop, "step", lambda inputs, targets: (sizes.append(len(inputs)), labels.append(targets)))
    assert loop.run(3).images == 258
    assert loop.run(1).images == 2
    assert sizes == [128, 2, 128, 2]
    first, second = torch.cat(labels[:2]), torch.cat(labels[2:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == sorted(loop.loader.dataset.labels)
    assert first.tolist() != second.tolist()


@pytest.mark.filterwarnings("ignore:This DataLoader")
def test_workers_are_the_authors_eight_where_there_are_as_many_processors(small, monkeypatch):
    for count, expected in ((2, 2), (16, 8)):
        monkeypatch.setattr(reference, "cores", lambda count=count: count)
        monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
        assert Reference("cpu", pixels(4)).loader.num_workers == expected


def test_time_is_that_of_the_steps(small, monkeypatch):
    loop = Reference("cpu", pixels(200), workers=0)
    clock = iter([10.0, 12.5])
    monkeypatch.setattr(reference, "now", lambda device: next(clock))
    monkeypatch.setattr(loop, "step", lambda inputs, targets: None)
    assert loop.run(1) == (128, 2.5)


def soft_loss(network, inputs, targets):
    return -(targets * network(inputs).log_softmax(1)).sum(1).mean()


def test_torchvision_mixes_in_the_loader(small):
    loop = Torchvision("cpu", pixels(12), workers=0)
    assert loop.loader.collate_fn is mixing_collate
    inputs, targets = minibatch()
    mixed, probabilities = mixing_collate(list(zip(inputs, targets.tolist(), strict=True)))
    # Its partner is the example before; lambda shows in the targets.
    share = (probabilities[0, targets[0]]).item()
    assert 0 < share < 1
    assert targets[0] != targets[-1]
    torch.testing.assert_close(mixed, share * inputs + (1 - share) * inputs.roll(1, 0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loop.loss(mixed, probabilities), soft_loss(loop.network, mixed, probabilities))


def test_timm_mixes_the_minibatch(small):
    loop = Timm("cpu", pixels(12), workers=0)
    inputs, targets = minibatch()
    np.random.seed(3)
    np.random.rand()  # whether to mix at all
    share = np.random.beta(1.0, 1.0)
    hot = F.one_hot(targets, 10).float()
    mixed, probabilities = (share * each + (1 - share) * each.flip(0) for each in (inputs, hot))
    np.random.seed(3)
    found = loop.loss(inputs.clone(), targets)
    torch.testing.assert_close(found, soft_loss(loop.network, mixed, probabilities), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [Torchvision, Timm])
def test_peers_train_through_the_reference_loop(small, kind):
    loop = kind("cpu", pixels(12), workers=0)
    before = [p.clone() for p in loop.network.parameters()]
    assert loop.run(1).images == 12
    assert loop.total > 0
    assert all(not torch.equal(a, b) for a, b in zip(before, loop.network.parameters(), strict=True))
