import itertools

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.neighbors import KernelDensity, NearestNeighbors

from remixup.mixing import TrainingSet
from remixup.mixing.partner.minibatch import same_class, with_replacement
from remixup.mixing.partner.training_set import label_kernel, nearest, second_loader, uniform


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def codes(drawn):
    """One number for each row of positions."""
    size = int(drawn.max()) + 1
    return (drawn * size ** torch.arange(drawn.shape[-1])).sum(-1).numpy()


def counts(values):
    return np.unique(values, return_counts=True)[1]


def points(n, features=3, classes=4, seed=0):
    source = np.random.default_rng(seed)
    x = torch.from_numpy(source.normal(size=(n, features))).float()
    return x, torch.from_numpy(source.integers(classes, size=n))


LABELS = torch.tensor([0, 1, 0, 2, 1, 0])


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_partners_of_the_same_class_are_a_permutation_within_each(dtype):
    drawn = same_class(LABELS.to(dtype).expand(500, 6), generator=generator())
    assert drawn.dtype == torch.int64
    assert torch.equal(drawn.sort(-1).values, torch.arange(6).expand(500, 6))
    assert torch.equal(LABELS[drawn], LABELS.expand(500, 6))
    assert (drawn[:, 3] == 3).all()  # a lone member is its own partner


def test_permutations_within_classes_are_uniform_and_independent():
    drawn = same_class(LABELS.expand(12_000, 6), generator=generator())
    found = counts(codes(drawn))
    assert len(found) == 6 * 2  # of three members of class 0, and two of class 1
    assert scipy.stats.chisquare(found).pvalue > 1e-3


def test_minibatches_have_labels_of_their_own():
    labels = torch.randint(3, (2, 50, 7), generator=generator(1))
    drawn = same_class(labels, generator=generator())
    assert drawn.shape == labels.shape
    assert torch.equal(labels.gather(-1, drawn), labels)
    assert not torch.equal(drawn, torch.arange(7).expand(2, 50, 7))


def test_partners_with_replacement_are_uniform_and_independent():
    drawn = with_replacement(torch.zeros(16_000, 3, dtype=torch.int64), generator=generator())
    found = counts(codes(drawn))
    assert len(found) == 27  # all triples: itself, and one partner for several
    assert scipy.stats.chisquare(found).pvalue > 1e-3


def test_uniform_partners_come_from_the_whole_training_set_and_are_independent():
    x, labels = points(3)
    drawn = torch.stack(
        [uniform(TrainingSet(x, labels), torch.tensor([1, 1]), generator=g) for g in [generator()] * 9_000]
    )
    found = counts(codes(drawn))
    assert drawn.dtype == torch.int64
    assert len(found) == 9  # all pairs of the three examples, whichever position was asked about
    assert scipy.stats.chisquare(found).pvalue > 1e-3


@pytest.mark.parametrize(
    "labels", [torch.tensor([0.0, 1.0, 1.5, 4.0]), torch.tensor([[0.0, 1], [0, 2], [1, 1], [3, 3]])]
)
def test_partners_by_the_kernel_have_its_probabilities(labels):
    """Against scikit-learn's kernel density about each label, from which the released code draws."""
    examples, h = TrainingSet(torch.zeros(4, 1), labels), 0.8
    table = labels.reshape(4, -1).numpy()
    for i in range(4):
        drawn = label_kernel(examples, torch.full((20_000,), i), bandwidth=h, generator=generator(i))
        density = np.exp(KernelDensity(bandwidth=h).fit(table[i : i + 1]).score_samples(table))
        expected = 20_000 * density / density.sum()
        found = np.bincount(drawn.numpy(), minlength=4)
        assert drawn.dtype == torch.int64
        assert scipy.stats.chisquare(found, expected).pvalue > 1e-3


def test_a_narrow_kernel_leaves_each_example_to_itself_and_a_wide_one_is_uniform():
    examples, positions = TrainingSet(torch.zeros(3, 1), torch.tensor([0.0, 50.0, 100.0])), torch.tensor([2, 0, 1, 1])
    assert torch.equal(label_kernel(examples, positions, bandwidth=0.5, generator=generator()), positions)
    wide = label_kernel(examples, torch.ones(9_000, dtype=torch.int64), bandwidth=1e6, generator=generator())
    assert scipy.stats.chisquare(counts(wide)).pvalue > 1e-3


@pytest.mark.parametrize("draw", [same_class, with_replacement])
def test_partners_depend_on_their_generator_alone(draw):
    first, again, other = (draw(LABELS.expand(9, 6), generator=generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("n", "k"), [(60, 7), (1_050, 4)])  # more than are compared at a time
def test_neighbors_are_those_of_scikit_learn(n, k):
    x, labels = points(n)
    found, available = TrainingSet(x, labels).neighbors(k, False)
    expected = NearestNeighbors(n_neighbors=k).fit(x).kneighbors()[1]  # without queries, none is its own neighbor
    assert np.array_equal(found.numpy(), expected)
    assert (available == k).all()


def test_images_are_near_pixel_by_pixel():
    """uint8 differences do not wrap around, and all axes count."""
    images = torch.tensor([[0, 0, 0, 0], [250, 250, 250, 250], [9, 0, 0, 0], [0, 0, 0, 8]], dtype=torch.uint8)
    found, _ = TrainingSet(images.view(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)).neighbors(2, False)
    assert found.tolist() == [[3, 2], [2, 3], [0, 3], [0, 2]]


def test_nearest_of_the_same_class():
    """Against scikit-learn, class by class."""
    x, labels = points(80)
    found, available = TrainingSet(x, labels).neighbors(5, True)
    assert (available == 5).all()
    for label in range(4):
        members = np.flatnonzero(labels == label)
        expected = members[NearestNeighbors(n_neighbors=5).fit(x[members]).kneighbors()[1]]
        assert np.array_equal(found[members].numpy(), expected)


def test_a_class_smaller_than_k_gives_the_members_that_it_has():
    x, _ = points(9)
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2])
    examples, positions = TrainingSet(x, labels), torch.arange(9).repeat(3_000)
    drawn = nearest(examples, positions, k=4, same_class=True, generator=generator())
    assert examples.neighbors(4, True)[1].tolist() == [4] * 5 + [2] * 3 + [0]
    assert (drawn[positions == 8] == 8).all()  # without neighbors: its own partner
    for example in range(8):
        others = [each for each in range(9) if each != example and labels[each] == labels[example]]
        values, found = drawn[positions == example].unique(return_counts=True)
        assert values.tolist() == others
        assert scipy.stats.chisquare(found).pvalue > 1e-3


def test_one_of_the_k_nearest_is_drawn_uniformly_and_never_the_example_itself():
    x, labels = points(40)
    x[::4] = x[0]  # so that some are as near as the example itself
    examples, positions = TrainingSet(x, labels), torch.arange(40).repeat(1_000)
    drawn = nearest(examples, positions, k=6, generator=generator())
    assert (drawn != positions).all()
    for example in (0, 3, 39):
        values, found = drawn[positions == example].unique(return_counts=True)
        assert values.tolist() == sorted(examples.neighbors(6, False)[0][example].tolist())
        assert scipy.stats.chisquare(found).pvalue > 1e-3


def test_more_neighbors_than_there_are_examples():
    x, labels = points(5)
    drawn = nearest(TrainingSet(x, labels), torch.arange(5).repeat(200), k=200, generator=generator())
    for example, partners in enumerate(drawn.view(200, 5).T):
        assert partners.unique().tolist() == [each for each in range(5) if each != example]


def test_numbers_have_no_classes():
    x, _ = points(6)
    numbers = torch.linspace(0, 1, 6)
    with pytest.raises(ValueError, match="numeric labels have no classes"):
        same_class(numbers, generator=generator())
    with pytest.raises(ValueError, match="numeric labels have no classes"):
        nearest(TrainingSet(x, numbers), torch.arange(6), same_class=True, generator=generator())
    assert len(nearest(TrainingSet(x, numbers), torch.arange(6), generator=generator())) == 6


def test_a_training_set_of_one():
    examples = TrainingSet(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    assert nearest(examples, torch.tensor([0]), k=3, generator=generator()).tolist() == [0]
    assert second_loader(examples, torch.tensor([0]), generator=generator()).tolist() == [0]


def test_neighbors_are_found_once(monkeypatch):
    calls, cdist = [], torch.cdist
    monkeypatch.setattr(torch, "cdist", lambda *args: calls.append(1) or cdist(*args))
    examples = TrainingSet(*points(30))
    first, second = (nearest(examples, torch.arange(30), k=5, generator=generator(seed)) for seed in (0, 1))
    assert len(calls) == 1
    assert not torch.equal(first, second)


def test_a_second_loader_passes_over_the_training_set_in_another_order():
    examples = TrainingSet(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64))
    source = generator()
    drawn = torch.stack([second_loader(examples, torch.tensor([2, 0, 1]), generator=source) for _ in range(3_000)])
    assert torch.equal(drawn.sort(-1).values, torch.arange(3).expand(3_000, 3))
    found = counts(codes(drawn))
    assert len(found) == len(list(itertools.permutations(range(3))))
    assert scipy.stats.chisquare(found).pvalue > 1e-3
