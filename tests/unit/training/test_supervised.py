import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from remixup.data.inputs import make_inputs
from remixup.randomness import derive, generator
from remixup.training import checkpoints
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import (
    CPU,
    MIXUP,
    draw,
    finished,
    image_spec,
    images,
    interrupted,
    numbers,
    rounds,
    same,
    spectrograms,
    start,
    table,
    table_spec,
)

CHANNELS_LAST = {"memory_format": "channels_last"}
NEAREST = {**MIXUP, "partner": {"name": "nearest", "k": 4}}
NOISE = {"noise": {"name": "gaussian", "sigma": 0.3}}
DIRICHLET = {"ratio": {"name": "dirichlet", "alpha": 1.0}}
VALIDATED = {"label_noise": 0.4, "validation": 0.2}
CASES = {
    "erm-table": (table_spec(), table()),
    "mixup-table": (table_spec(mixing=MIXUP), table(missing=True)),
    "erm-images": (image_spec(), images()),
    "mixup-images": (image_spec(mixing=MIXUP), images(channels=3)),
    "mixup-images-bfloat16": (
        image_spec(mixing=MIXUP, precision="bfloat16", execution=CHANNELS_LAST),
        images(),
    ),
    "neighbors-images": (image_spec(mixing=NEAREST), images()),
    "weights-in-another-order": (
        image_spec(optimizer="adam", execution=CHANNELS_LAST),
        images(channels=3),
    ),
    "parts-mixed-at-a-cut": (image_spec(mixing={**MIXUP, "cut": 2}, micro_batch=6), images()),
    "warm-up-then-dirichlet": (table_spec(mixing={**DIRICHLET, "warmup_epochs": 2}), table()),
    "noise-and-smoothing": (table_spec(mixing={**NOISE, "smoothing": 0.1}), table()),
    "regression": (table_spec(mixing=MIXUP), numbers()),
    "label-noise-and-validation": (table_spec(dataset=VALIDATED, mixing=MIXUP), table()),
    "sums-of-gradients": (table_spec(mixing=MIXUP, optimizer="adam_of_sums"), table()),
    "fresh-weights": (table_spec(mixing=MIXUP, passes=2, fresh_weights=2, measure_training=True), table()),
    "spectrograms": (image_spec(normalization="raw", mixing=MIXUP), spectrograms(validation=9)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stop", [1, 3])
def test_interrupted_equals_uninterrupted(tmp_path, case, stop):
    spec, data = CASES[case]
    whole = finished(spec, data)
    same(whole, interrupted(lambda: start(spec, data), stop, tmp_path / "point.safetensors"))


def test_a_resume_point_of_another_run_or_cut_short_is_not_read(tmp_path):
    spec, data = CASES["erm-table"]
    point = tmp_path / "point.safetensors"
    training = finished(spec, data)
    checkpoints.save_resume_point(training, point)
    assert not checkpoints.load_resume_point(start(table_spec(epochs=5), data), point)
    assert not checkpoints.load_resume_point(start(spec, data, seeds=(1,)), point)
    content = point.read_bytes()
    assert checkpoints.load_resume_point(start(spec, data), point)
    fresh = start(spec, data)
    point.write_bytes(content[:-40])
    assert not checkpoints.load_resume_point(fresh, point)
    for place in range(0, len(content), max(1, len(content) // 150)):  # in its header, its history, its tensors
        point.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not checkpoints.load_resume_point(fresh, point), place
    assert fresh.epoch == 0


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({}, table(missing=True)),
        ({"mixing": MIXUP}, table(missing=True)),
        ({"mixing": NEAREST}, table(missing=True)),
        ({"mixing": {**MIXUP, "partner": "same_class", "target": "nearer", "smoothing": 0.1}}, table()),
        ({"mixing": {**MIXUP, **NOISE, "partner": "second_loader"}}, table()),
        ({"mixing": {**MIXUP, "cut": 2}, "micro_batch": 5}, table()),
        ({"mixing": DIRICHLET}, table()),
        ({"mixing": MIXUP, "dataset": VALIDATED}, table()),
        ({"mixing": NEAREST}, numbers()),
        ({"mixing": MIXUP, "optimizer": "adam_of_sums", "passes": 3, "fresh_weights": 2}, table()),
        ({"model": {"name": "mlp", "hidden": [9, 7], "bias": False}}, table()),
    ],
)
def test_seeds_side_by_side_give_what_each_gives_alone(changes, data):
    spec = table_spec(**changes)
    together = finished(spec, data, seeds=(0, 1, 2, 5))
    for index, seed in enumerate((0, 1, 2, 5)):
        alone = finished(spec, data, seeds=(seed,))
        assert [row for row in together.history if row["seed"] == seed] == alone.history
        for a, b in zip(together.model.state_dict().values(), alone.model.state_dict().values(), strict=True):
            assert torch.equal(a[index], b[0])


@pytest.mark.parametrize(("make", "data"), [(table_spec, table()), (image_spec, images())])
def test_runs_of_one_seed_differ_in_the_method_only(make, data):
    erm, mixup = start(make(), data), start(make(mixing=MIXUP), data)
    for a, b in zip(erm.model.state_dict().values(), mixup.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(erm.inputs.train, mixup.inputs.train)
    assert torch.equal(erm.inputs.test, mixup.inputs.test)
    first, second = draw(erm), draw(mixup)
    assert all(torch.equal(one.order, two.order) for one, two in zip(first, second, strict=True))
    augmented = []
    for training, batches in ((erm, first), (mixup, second)):
        raw, *_ = next(training.examples(batches))
        augmented.append(training.augment(raw, batches[0].uniforms))
    assert torch.equal(*augmented)
    other = start(make(), data, seeds=(1,))
    assert not all(map(torch.equal, erm.model.state_dict().values(), other.model.state_dict().values()))
    assert not torch.equal(first[0].order, draw(other)[0].order)


def test_purposes_and_epochs_draw_apart():
    drawn = {derive(s, p, e) for s in range(3) for p in ("order", "ratio", "split") for e in range(3)}
    assert len(drawn) == 27
    assert torch.equal(
        torch.rand(3, generator=generator(1, "order", 2)), torch.rand(3, generator=generator(1, "order", 2))
    )


def test_the_loop_is_sgd_on_the_soft_cross_entropy():
    """Against a plain loop written with torch's own cross-entropy in its two-term form, and torch's own optimizer."""
    spec = table_spec(
        mixing=MIXUP, optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}, epochs=2
    )
    data = table()
    training = start(spec, data)
    sizes = [5, 9, 7, 3]
    plain = nn.Sequential(*(m for a, b in itertools.pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())))[:-1]
    torch.manual_seed(derive(0, "initialisation"))
    for layer in plain:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    x, y = training.inputs.x, training.inputs.y
    for epoch in range(2):
        training.epoch = epoch
        losses = []
        for batch in draw(training):
            rows = training.inputs.train[0, batch.order[0]]
            [(lam, partner)] = rounds(batch)
            lam, partner = lam[0].float(), partner[0]
            out = plain(lam * x[rows] + (1 - lam) * x[rows][partner])
            loss = lam * F.cross_entropy(out, y[rows]) + (1 - lam) * F.cross_entropy(out, y[rows][partner])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += [loss.item()] * len(rows)
        training._train_epoch()
        assert training.history[-1]["train_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    with torch.no_grad():
        logits = plain(x[training.inputs.test[0]])
    wrong = (logits.argmax(-1) != y[training.inputs.test[0]]).float().mean().item()
    assert training.history[-1]["test_error"] == pytest.approx(100 * wrong)
    assert training.history[-1]["test_loss"] == pytest.approx(
        F.cross_entropy(logits, y[training.inputs.test[0]]).item(), rel=1e-5
    )


def test_rates_follow_the_schedule():
    training = finished(image_spec(), images())
    assert [row["rate"] for row in training.history] == pytest.approx([0.1, 0.1, 0.01, 0.01])


def test_a_run_that_blows_up_has_diverged_and_stops():
    training = finished(image_spec(optimizer={"name": "sgd", "lr": 1e30}), images())
    assert training.diverged == [True]
    assert training.epoch < 4


def test_other_members_go_on_when_one_diverges():
    data = table()
    inputs = make_inputs(table_spec(), [0, 1], data, CPU)
    inputs.x[inputs.train[0]] = torch.inf
    training = SupervisedTrainer(table_spec(), [0, 1], inputs, CPU)
    training.run(lambda _: None)
    assert training.diverged == [True, False]
    assert [r for r in training.history if r["seed"] == 1] == finished(table_spec(), data, seeds=(1,)).history


def test_it_learns():
    error = finished(table_spec(mixing=MIXUP, epochs=60), table(rows=300)).history[-1]["test_error"]
    assert error < 25


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0, 1])
def test_compiled_training_is_training(cut):
    """A whole minibatch of 16 is compiled, the last one of 10 and the test part are not; all see the same weights."""
    settings = {"mixing": {**MIXUP, "cut": cut}, "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1]}}
    data = images(train=42)
    plain, compiled = (
        finished(image_spec(**settings, execution={"compile": compile}), data) for compile in (False, True)
    )
    assert "_compiled" in vars(compiled)
    for row, other in zip(plain.history, compiled.history, strict=True):
        assert other["train_loss"] == pytest.approx(row["train_loss"], rel=1e-4)
        assert other["test_loss"] == pytest.approx(row["test_loss"], rel=1e-4)


def test_numbers_too_small_to_matter_are_zeros_while_it_trains_and_only_then():
    """A hundred times slower, or exact: the former nobody wants in Adam's moments, the latter evaluations may want."""
    tiny, seen = torch.tensor(1e-39), []

    def after_epoch(training):
        seen.append((tiny * 1).item())
        if training.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(table_spec(), table()).run(after_epoch)
    assert seen == [0.0, 0.0]
    assert (tiny * 1).item() > 0
