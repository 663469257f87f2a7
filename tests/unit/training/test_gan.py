import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.models import gan as family
from remixup.randomness import derive
from remixup.training import gan, objectives
from tests.unit.training.samples import CPU, interrupted, same, table_spec

MIXUP = {"ratio": {"name": "beta", "alpha": 0.7}}
FORMS = {"ordinary": ("real-fake", {}), "real-fake": ("real-fake", MIXUP), "batches": ("batches", MIXUP)}


def points(rows=90, modes=3):
    source = torch.Generator().manual_seed(0)
    y = torch.arange(rows) % modes
    x = torch.randn(rows, 2, generator=source) / 10 + torch.stack([y, 1 - y], dim=1)
    return Prepared(
        tensors={"train_x": x[:60], "train_y": y[:60], "test_x": x[60:], "test_y": y[60:]},
        manifest={"classes": modes, "sha256": "0" * 64, "task": "points"},
    )


def spec(form="ordinary", dataset=(), objective=(), **changes):
    pairs, mixing = FORMS[form]
    document = {
        "dataset": {"name": "ring-of-gaussians", **dict(dataset)},
        "normalization": "raw",
        "model": {"name": "gan", "hidden": [9, 7], "latent": 3},
        "mixing": mixing,
        "optimizer": "adam",
        "epochs": 4,
        "batch_size": 6,
        "objective": {"name": "gan", "iterations": 5, "critic_steps": 2, "pairs": pairs, **dict(objective)},
    }
    return RunSpec.model_validate({**document, **changes})


def start(of, seeds=(0,), data=None):
    named = {"pairs": "real-fake", "critic_steps": 5, **of.objective}
    named.pop("name")
    inputs = make_inputs(of, list(seeds), data or points(), CPU)
    return objectives.gan(of, list(seeds), inputs, CPU, **named)


def finished(of, seeds=(0,), data=None):
    playing = start(of, seeds, data)
    playing.run(lambda _: None)
    return playing


def layers(*sizes):
    found = []
    for inputs, outputs in itertools.pairwise(sizes):
        found += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*found[:-1])


def ordinary(critic, real, made):
    return (F.softplus(-critic(real)).mean() + F.softplus(critic(made)).mean()) / 2


def two_terms(critic, x, target):
    return (target * F.softplus(-critic(x)) + (1 - target) * F.softplus(critic(x))).mean()


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_game_of_two_optimizers_written_out(form):
    playing = start(spec(form, optimizer={"name": "adam", "lr": 0.01}))
    torch.manual_seed(derive(0, "initialisation"))
    maker, critic = layers(3, 9, 7, 2), layers(2, 9, 7, 1)
    steps = {player: torch.optim.Adam(player.parameters(), lr=0.01) for player in (maker, critic)}
    iterations = playing.draw_epoch()

    def loss_on(real, made, step, moving):
        if form == "ordinary" or (form == "batches" and moving is maker):
            return ordinary(critic, real[:6], made[:6])
        lam, partner = step.ratio[0].unsqueeze(1), None if step.partner is None else step.partner[0]
        if form == "real-fake":
            return two_terms(critic, lam * real + (1 - lam) * made, lam)
        labels = torch.tensor([1.0] * 6 + [0.0] * 6).unsqueeze(1)
        first, second = torch.cat([real[:6], made[:6]]), torch.cat([real[6:], made[6:]])
        target = lam * labels + (1 - lam) * labels[partner]
        return two_terms(critic, lam * first + (1 - lam) * second[partner], target)

    losses = {maker: [], critic: []}
    assert len(iterations) == 5
    for iteration in iterations:
        for step, moving in zip(iteration, (critic, critic, maker), strict=True):
            real, latent = step.real[0], step.latent[0]
            loss = loss_on(real, maker(latent), step, moving) * (1 if moving is critic else -1)
            for player in (maker, critic):
                player.zero_grad()
            loss.backward()
            steps[moving].step()
            losses[moving].append(loss.item())
    playing._train_epoch()
    row = playing.history[-1]
    assert row["train_loss"] == pytest.approx(sum(losses[critic]) / 10, rel=1e-5)
    assert row["generator_loss"] == pytest.approx(sum(losses[maker]) / 5, rel=1e-5)
    latent = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(playing.generator(latent[None])[0], maker(latent), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(playing.model(latent[None])[0], critic(maker(latent)), rtol=1e-4, atol=1e-5)


def test_what_the_discriminator_is_shown():
    playing = start(spec("batches"))
    real, made = torch.tensor([[[1.0, 2.0], [5.0, 5.0]]]), torch.tensor([[[3.0, 6.0], [0.0, -1.0]]])
    x, target = playing._discriminator_batch(real, made)
    assert x.tolist() == [[[1, 2], [5, 5], [3, 6], [0, -1]]]
    assert target.tolist() == [[[1], [1], [0], [0]]]
    x, target = playing._discriminator_batch(real, made, torch.tensor([[0.25, 1.0]]))
    assert x.tolist() == [[[2.5, 5.0], [5.0, 5.0]]]
    assert target.tolist() == [[[0.25], [1.0]]]
    # The first halves are one minibatch, (real 1, made 1), the second halves another; the second is shuffled.
    x, target = playing._discriminator_batch(real, made, torch.tensor([[0.25, 0.5]]), torch.tensor([[1, 0]]))
    assert x.tolist() == [[[0.25, -0.25], [4.0, 5.5]]]
    assert target.tolist() == [[[0.25], [0.5]]]


def test_a_discriminator_that_cannot_tell_costs_log_two_whatever_it_is_shown():
    playing = start(spec())
    with torch.no_grad():
        for parameter in playing.discriminator.parameters():
            parameter.zero_()
    target = torch.tensor([[[0.3], [1.0], [0.0]]])
    assert playing._loss(torch.zeros(1, 3, 2), target).item() == pytest.approx(math.log(2))
    with torch.no_grad():
        playing.discriminator.head.bias[0, 0, 0] = 2.0
    expected = sum(t * math.log1p(math.exp(-2)) + (1 - t) * math.log1p(math.exp(2)) for t in (0.3, 1.0, 0.0)) / 3
    assert playing._loss(torch.zeros(1, 3, 2), target).item() == pytest.approx(expected)


def test_only_the_player_whose_turn_it_is_moves():
    """Weight decay would move a parameter, and Adam's moments its state, on a gradient of zero too."""
    playing = start(spec(optimizer={"name": "adam", "lr": 0.1, "weight_decay": 0.1}))
    z, x = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0)), torch.ones(1, 6, 2)

    def picture(player):
        kept = [parameter.detach().clone() for parameter in player.parameters()]
        for parameter in player.parameters():
            kept += [value.clone() for value in playing.optimizer.state.get(parameter, {}).values()]
        return kept

    def changed(before, player):
        after = picture(player)
        return len(before) != len(after) or not all(map(torch.equal, before, after))

    for turn in (playing.discriminator, playing.generator, playing.discriminator):
        other = playing.generator if turn is playing.discriminator else playing.discriminator
        before = picture(turn), picture(other)
        sign = 1 if turn is playing.discriminator else -1
        playing._update(turn, sign * playing._loss(*playing._discriminator_batch(x, playing.generator(z))))
        assert changed(before[0], turn)
        assert not changed(before[1], other)
    assert playing.optimizer.state[next(playing.discriminator.parameters())]["step"] == 2
    assert playing.optimizer.state[next(playing.generator.parameters())]["step"] == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stop", [1, 3])
def test_interrupted_equals_uninterrupted(tmp_path, form, stop):
    whole = finished(spec(form), seeds=(0, 1))
    same(whole, interrupted(lambda: start(spec(form), seeds=(0, 1)), stop, tmp_path / "point.safetensors"))
    assert whole.snapshots.isfinite().all()


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        *((form, {}) for form in FORMS),
        (
            "real-fake",  # the published sizes
            {
                "model": "gan",
                "batch_size": 128,
                "epochs": 1,
                "objective": {"name": "gan", "iterations": 3, "critic_steps": 2},
            },
        ),
    ],
)
def test_seeds_side_by_side_give_what_each_gives_alone(form, changes):
    together = finished(spec(form, **changes), seeds=(0, 1, 4))
    for index, seed in enumerate((0, 1, 4)):
        alone = finished(spec(form, **changes), seeds=(seed,))
        assert [row for row in together.history if row["seed"] == seed] == alone.history
        for a, b in zip(together.model.state_dict().values(), alone.model.state_dict().values(), strict=True):
            assert torch.equal(a[index], b[0])


def test_snapshots_are_taken_at_the_papers_iterations_and_at_the_end():
    playing, seen = start(spec(), seeds=(0, 1)), []
    assert playing.snapshot_iterations == [10, 20]
    playing.run(lambda each: seen.append((each.snapshots.clone(), each.samples(512))))
    assert playing.snapshots.shape == (2, 2, 512, 2)
    assert seen[0][0].isnan().all()
    for after, place in ((1, 0), (3, 1)):
        kept, now = seen[after]
        assert torch.equal(kept[:, place], now)
        assert torch.equal(playing.snapshots[:, place], now)
    assert seen[2][0][:, 1].isnan().all()
    assert not torch.equal(*playing.snapshots.unbind(1))
    assert not torch.equal(*playing.snapshots.unbind(0))


@pytest.mark.parametrize(
    ("epochs", "iterations", "expected"),
    [
        (1, 7, [7]),
        (2, 5, [10]),
        (200, 100, [10, 100, 1_000, 10_000, 20_000]),
        (10, 100, [10, 100, 1_000]),
        (3, 10_000, [10, 100, 1_000, 10_000, 20_000, 30_000]),
    ],
)
def test_which_snapshots_there_are(epochs, iterations, expected):
    playing = start(spec(epochs=epochs, objective={"iterations": iterations}))
    assert playing.snapshot_iterations == expected


def test_runs_of_one_seed_differ_in_the_method_only():
    erm, mixup, other = start(spec()), start(spec("real-fake")), start(spec(), seeds=(1,))
    first, second, third = (each.draw_epoch()[0][0] for each in (erm, mixup, other))
    same(erm, mixup)
    assert torch.equal(first.real, second.real)
    assert torch.equal(first.latent, second.latent)
    assert torch.equal(erm.samples(9), mixup.samples(9))
    assert not torch.equal(first.real, third.real)
    assert not torch.equal(first.latent, third.latent)
    assert not torch.equal(erm.samples(9), other.samples(9))
    erm.epoch = 1
    assert not torch.equal(first.latent, erm.draw_epoch()[0][0].latent)
    other.model.load_state_dict(erm.model.state_dict())
    assert not torch.equal(erm.samples(9), other.samples(9))


def test_each_pair_has_a_ratio_of_its_own_and_each_step_examples_of_its_own():
    steps = [step for iteration in start(spec("batches")).draw_epoch() for step in iteration]
    ratios, latents, partners = (
        torch.stack([getattr(step, name) for step in steps]) for name in ("ratio", "latent", "partner")
    )
    assert ratios.unique().numel() == ratios.numel() == 5 * 3 * 12
    assert latents.unique().numel() == latents.numel() == 5 * 3 * 12 * 3
    assert torch.equal(partners.sort(dim=-1).values, torch.arange(12).expand(15, 1, 12))


def test_real_examples_are_those_of_the_training_part():
    playing = start(spec(dataset={"subset": 4}, objective={"iterations": 40}), seeds=(0, 3))
    real = torch.cat([step.real for iteration in playing.draw_epoch() for step in iteration], dim=1)
    for member in range(2):
        chosen = playing.inputs.x[playing.inputs.train[member]]
        drawn = real[member].unique(dim=0)
        assert torch.equal(drawn, chosen.unique(dim=0))


def test_rates_follow_the_schedule():
    schedule = {"name": "steps", "milestones": [2]}
    playing = finished(spec(schedule=schedule, optimizer={"name": "adam", "lr": 0.01}))
    assert [row["rate"] for row in playing.history] == pytest.approx([0.01, 0.01, 0.001, 0.001])
    assert [row["epoch"] for row in playing.history] == [1, 2, 3, 4]


def test_a_run_that_blows_up_has_diverged_and_stops():
    playing = finished(spec(optimizer={"name": "sgd", "lr": 1e30}))
    assert playing.diverged == [True]
    assert playing.epoch < 4


def test_other_members_go_on_when_one_diverges():
    inputs = make_inputs(spec(), [0, 1], points(), CPU)
    inputs.x[inputs.train[0]] = torch.inf
    playing = gan.GANTrainer(spec(), [0, 1], inputs, CPU, iterations=5, critic_steps=2, pairs="real-fake")
    playing.run(lambda _: None)
    assert playing.diverged == [True, False]
    assert [row for row in playing.history if row["seed"] == 1] == finished(spec(), seeds=(1,)).history


def test_samples_move_to_the_data():
    data, model = points(), {"name": "gan", "hidden": [32, 32]}
    playing = start(spec("batches", objective={"iterations": 100}, batch_size=32, model=model), (0, 1, 2), data)
    center = data.tensors["train_x"].mean(0)
    far = (playing.samples(500).mean(1) - center).norm(dim=-1).mean()
    playing.run(lambda _: None)
    near = (playing.samples(500).mean(1) - center).norm(dim=-1).mean()
    assert near < far / 3


@pytest.mark.parametrize(
    ("form", "expected"),
    [("ordinary", [0.4709, -0.4746]), ("real-fake", [0.7016, -0.6937]), ("batches", [0.6413, -0.5664])],
)
def test_numbers_have_not_moved(form, expected):
    """Both losses of the last epoch, to a tolerance, as in the golden tests; a meant change raises NUMERICS."""
    last = finished(spec(form, optimizer={"name": "adam", "lr": 0.05}), seeds=(3,)).history[-1]
    assert (objectives.NUMERICS, family.NUMERICS) == (1, 1)
    assert [last["train_loss"], last["generator_loss"]] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "mlp"}, r"run\.model\.name: the objective gan cannot do this: it trains the model gan, not mlp"),
        ({"mixing": {"ratio": {"name": "dirichlet", "alpha": 1.0}}}, r"run\.mixing\.ratio: .* not several"),
        ({"mixing": {**MIXUP, "partner": "with_replacement"}}, r"run\.mixing: .* no use for partner"),
        ({"precision": "bfloat16", "micro_batch": 2}, r"run: .* no use for micro_batch, precision"),
        ({"augmentation": ["horizontal_flip"]}, "no use for augmentation"),
        ({"dataset": {"name": "ring-of-gaussians", "label_noise": 0.5}}, r"run\.dataset: .* label_noise"),
    ],
)
def test_what_the_objective_does_not_do_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        RunSpec.model_validate({**spec().model_dump(), **changes})


def test_labels_cannot_be_asked_of_a_gan():
    with pytest.raises(ValueError, match="trained by the objective gan"):
        table_spec(model="gan")
