import numpy as np
import pytest
import torch
from torch.nn import functional as F

from remixup.errors import UserError
from remixup.evaluation.attacks import attack, attack_curve
from tests.unit.evaluation.fixed_networks import broken, linear_on_images, linear_on_table, set_weights, start, trained
from tests.unit.training.samples import image_spec, images

METHODS = ("fgsm", "ifgsm", "pgd_linf", "pgd_l2")


@pytest.fixture(scope="module")
def network():
    return trained()


@pytest.fixture
def seen(monkeypatch):
    """Gives a training's images as they come to be tested."""

    def record(training):
        tested, say = [], training.logits
        monkeypatch.setattr(training, "logits", lambda x: tested.append(x) or say(x))
        return lambda: torch.cat(tested, dim=1)

    return record


def adversarial(seen, training, method, eps, **params):
    """What `attack` tests after its attack, float64 (members, n, channels, height, width) in [0, 255]."""
    tested = seen(training)
    attack(training, method=method, eps=eps, **params)
    both = tested().double()
    count = both.shape[1] // 2
    assert torch.equal(both[:, count:].byte().double(), both[:, count:])  # the others are the examples as they are
    return both[:, :count]


def test_images(training):
    return training.inputs.examples(training.inputs.test).double()


test_images.__test__ = False


def two_pixels(bright, labels, *, threshold=127.5, gain=2.0, seeds=(0,)):
    """Class 0 where the first pixel is above the threshold, class 1 below it; the second pixel says nothing."""
    x = [[[[value, 100]]] for value in bright]
    weights = [[gain / 2, 0], [-gain / 2, 0]]
    biases = [-gain / 2 * threshold / 255, gain / 2 * threshold / 255]
    return linear_on_images(x, labels, x, labels, 2, weights, biases, seeds)


@pytest.mark.parametrize("method", METHODS)
def test_errors_are_those_computed_by_hand(method):
    # Class 0 is 2.5, 12.5, 32.5 and 72.5 above the threshold, class 1 is 27.5 below it; the last is wrong already.
    training = two_pixels([130, 140, 160, 200, 100, 90], [0, 0, 0, 0, 1, 0])
    for reach, wrong in ((0, 1), (2, 1), (3, 2), (20, 3), (30, 4), (40, 5), (80, 6)):
        found = attack(training, method=method, eps=reach / 255)
        assert found == [
            {"seed": 0, "top1": pytest.approx(100 * wrong / 6), "top5": None}
            | {"clean_top1": pytest.approx(100 / 6), "clean_top5": None}
        ]


@pytest.mark.parametrize("method", METHODS)
def test_pixels_do_not_leave_their_range(seen, method):
    # Only a first pixel below -5 or above 260 would change anything.
    low, high = two_pixels([3, 40], [0, 0], threshold=-5), two_pixels([250, 240], [1, 1], threshold=260)
    assert [attack(each, method=method, eps=0.4)[0]["top1"] for each in (low, high)] == [0, 0]
    assert adversarial(seen, low, method, 0.4)[0, 0, 0, 0, 0] == 0
    assert adversarial(seen, high, method, 0.4)[0, 0, 0, 0, 0] == 255


def random_linear(classes, seed=0, gray=(0, 256), seeds=(0,)):
    """Standardized images of three channels that vary by different amounts."""
    source = np.random.default_rng(seed)
    x = source.integers(*gray, size=(40, 3, 4, 4))
    x[:, 1] = (x[:, 1] - 128) // 4 + 128
    y = source.integers(classes, size=40)
    weights, biases = source.normal(size=(classes, 48)), source.normal(size=classes)
    training = linear_on_images(x, y, x, y, classes, weights, biases, seeds, normalization="standardize")
    divisor = np.repeat(training.inputs.divisor.double().numpy().reshape(3), 16)
    offset = np.repeat(training.inputs.offset.double().numpy().reshape(3), 16)
    return training, x.reshape(40, -1) / 255, y, weights, biases, offset, divisor


def test_fgsm_of_a_linear_network_is_the_closed_form(seen):
    training, x, y, weights, biases, offset, divisor = random_linear(classes=4)
    logits = (x - offset) / divisor @ weights.T + biases
    likely = np.exp(logits - logits.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    gradient = (likely - np.eye(4)[y]) @ weights / divisor
    expected = np.clip(x + 8 / 255 * np.sign(gradient), 0, 1)
    made = adversarial(seen, training, "fgsm", 8 / 255)[0].flatten(1).numpy() / 255
    np.testing.assert_allclose(made, expected, atol=1e-6)
    attacked = ((expected - offset) / divisor @ weights.T + biases).argmax(1)
    assert attack(training, method="fgsm", eps=8 / 255)[0]["top1"] == pytest.approx(100 * np.mean(attacked != y))


def test_l2_attack_of_two_classes_goes_along_the_gradient_for_pixels(seen):
    training, x, y, weights, _, _, divisor = random_linear(classes=2, gray=(100, 156))
    direction = (weights[1] - weights[0]) / divisor  # raises class 1 over class 0
    direction /= np.linalg.norm(direction)
    expected = x + 0.5 * np.where(y == 0, 1, -1)[:, None] * direction
    made = adversarial(seen, training, "pgd_l2", 0.5)[0].flatten(1).numpy() / 255
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize(("steps", "step", "moved"), [(3, 1, 3), (4, 2.5, 10), (20, 1, 10), (7, 0, 10), (1, 0, 10)])
def test_iterated_steps_add_up_to_the_border_and_no_further(seen, steps, step, moved):
    training, x, y, weights, _, _, _ = random_linear(classes=2, gray=(100, 156))
    expected = 255 * x + moved * np.where(y == 0, 1, -1)[:, None] * np.sign(weights[1] - weights[0])
    made = adversarial(seen, training, "ifgsm", 10 / 255, steps=steps, step=step / 255)[0].flatten(1).numpy()
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_iterated_fgsm_takes_a_new_gradient_at_every_step(seen, network):
    x, y = test_images(network).squeeze(0).float(), network.inputs.y[network.inputs.test].squeeze(0)
    scale, current = network.inputs.scale, x
    network.model.eval()
    for _ in range(5):
        current = current.detach().requires_grad_()
        F.cross_entropy(network.model(scale(current)), y, reduction="sum").backward()
        current = torch.clamp(current + 4 * current.grad.sign(), min=(x - 20).clamp(0), max=(x + 20).clamp(max=255))
    network.model.zero_grad()
    made = adversarial(seen, network, "ifgsm", 20 / 255, steps=5)[0]
    assert ((made - current).abs() > 0.01).double().mean() < 0.002  # signs of what is nearly zero
    single = adversarial(seen, network, "fgsm", 20 / 255)[0]
    assert ((made - single).abs() > 0.01).double().mean() > 0.05


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("eps", [0.02, 0.3])
def test_what_is_made_is_in_the_ball_and_mostly_on_its_border(seen, network, method, eps):
    made, x = adversarial(seen, network, method, eps), test_images(network)
    assert made.min() >= 0
    assert made.max() <= 255
    change = (made - x).flatten(2) / 255
    size = change.norm(dim=2) if method == "pgd_l2" else change.abs().amax(2)
    assert size.max() <= eps + 1e-6
    assert (size > 0.95 * eps).double().mean() > 0.8


def losses(training, x):
    y = training.inputs.y[training.inputs.test].flatten()
    return F.cross_entropy(training.logits(x.float()).double().flatten(0, 1), y, reduction="none")


def test_pgd_raises_no_loss_less_than_the_single_step_and_most_more(seen, network):
    for steps in (1, 10):
        fgsm = losses(network, adversarial(seen, network, "fgsm", 0.1))
        pgd = losses(network, adversarial(seen, network, "pgd_linf", 0.1, steps=steps))
        assert (pgd >= fgsm - 1e-5).all()
    assert (pgd > fgsm + 1e-3).double().mean() > 0.5
    errors = {m: attack(network, method=m, eps=0.1)[0]["top1"] for m in ("fgsm", "pgd_linf")}
    assert errors["pgd_linf"] >= errors["fgsm"] > attack(network, method="fgsm", eps=0)[0]["top1"]


@pytest.mark.parametrize("method", METHODS)
def test_none_is_the_clean_error_and_much_is_worse_than_chance(network, method):
    clean = network.evaluate(network.inputs.test)["error"].item()
    assert clean < 30
    nothing = attack(network, method=method, eps=0)[0]
    assert nothing["top1"] == nothing["clean_top1"] == pytest.approx(clean)
    much = attack(network, method=method, eps=0.5 if method != "pgd_l2" else 4.0)[0]
    assert much["top1"] > 66.7
    assert much["clean_top1"] == pytest.approx(clean)


def test_a_confident_network_is_attacked_too():
    # The true class is ahead by up to 30 nats, by its own logit alone: in float32 its gradient would be zero.
    labels = [0, 0, 0]
    training = set_weights(two_pixels([250, 240, 230], labels), [[70.0, 0], [0, 0]], [-70 * 0.55, 0])
    for method in METHODS:
        assert attack(training, method=method, eps=0.5)[0]["top1"] == 100


def test_black_box_examples_are_made_on_the_others():
    bright, labels = [130, 140, 120, 110, 90], [0, 0, 0, 0, 0]
    training = two_pixels(bright, labels)
    eps = 20 / 255
    for method in METHODS:
        white = attack(training, method=method, eps=eps)[0]
        assert (white["top1"], white["clean_top1"]) == (100, 60)
        same = attack(training, method=method, eps=eps, others=two_pixels(bright, labels), source="a row")[0]
        assert same == white
        # One that sees the classes the other way round moves the first pixel up: 120 and 110 are mended.
        opposite = set_weights(two_pixels(bright, labels), [[-1, 0], [1, 0]], [0.5, -0.5])
        assert attack(training, method=method, eps=eps, others=opposite)[0]["top1"] == 20
    elsewhere = set_weights(two_pixels(bright, labels), [[0, 1], [0, -1]], [0, 0])
    assert attack(training, method="ifgsm", eps=eps, others=elsewhere)[0]["top1"] == 60


def test_others_scale_their_inputs_themselves():
    # Both say class 0 above 127.5; the others see the images the wrong way round, and their weight is negative.
    training = two_pixels([130, 140, 160], [0, 0, 0])
    others = linear_on_images(
        *([[[[200, 100]]]], [0]) * 2,
        2,
        [[-1, 0], [1, 0]],
        [0, 0],
        normalization={"name": "given", "mean": [0.5], "std": [-1.0]},
    )
    assert attack(training, method="fgsm", eps=20 / 255, others=others)[0]["top1"] == pytest.approx(200 / 3)


@pytest.mark.parametrize("method", METHODS)
def test_seeds_side_by_side_give_what_each_gives_alone(method):
    spec, data = image_spec(model={"name": "mlp", "hidden": [16]}, augmentation=[], epochs=3), images(test=120)
    blocks = [start(spec, data, seeds) for seeds in ((3, 5), (3,), (5,))]
    for block in blocks:
        block.run(lambda _: None)
    together, *alone = (attack(block, method=method, eps=0.1, steps=3) for block in blocks)
    assert together == [alone[0][0], alone[1][0]]
    assert [found["seed"] for found in together] == [3, 5]


@pytest.mark.parametrize("method", ["pgd_linf", "pgd_l2"])
def test_pgd_keeps_the_worst_of_all_its_points(monkeypatch, network, method):
    # What the network is asked: the example, the single step, the start, each step from it; then what is tested.
    asked, say = [], network.forward
    monkeypatch.setattr(network, "forward", lambda x: asked.append(x.detach()) or say(x))
    attack(network, method=method, eps=0.2 if method == "pgd_linf" else 2.0, steps=3)
    example, *points, made, clean = asked
    assert torch.equal(example, clean)
    assert len(points) == 5
    y = network.inputs.y[network.inputs.test].flatten()
    loss = torch.stack(
        [F.cross_entropy(say(each).detach().double().flatten(0, 1), y, reduction="none") for each in points]
    )
    worst = loss.argmax(0)
    expected = torch.stack(points)[worst, 0, torch.arange(len(y))]
    assert torch.allclose(made.squeeze(0), expected)
    assert 4 in worst


@pytest.mark.parametrize(("method", "within"), [("pgd_linf", 0.5), ("pgd_l2", 0.5 ** (1 / 64))])
def test_pgd_starts_anywhere_in_the_ball_as_the_seed_says(monkeypatch, method, within):
    # All that the network is asked is recorded: the example, the single step, then the start.
    def starts(training):
        asked, say = [], training.forward
        monkeypatch.setattr(training, "forward", lambda x: asked.append(x.detach()) or say(x))
        attack(training, method=method, eps=0.1, steps=1)
        return 255 * asked[2].double() - test_images(training)

    gray = images(test=100)
    gray.tensors["test_x"].fill_(128)
    spec = image_spec(model={"name": "mlp", "hidden": []}, augmentation=[], normalization="raw")
    first, again, other = (starts(start(spec, gray, (seed,))) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    share = first.flatten(2).squeeze(0) / 25.5
    if method == "pgd_l2":
        size, center = share.norm(dim=1), share.mean() * 8
        assert (size > 0.9).double().mean() == pytest.approx(1 - 0.9**64, abs=0.02)  # volume grows with the 64th power
    else:
        size, center = share.abs().flatten(), share.mean()
    assert size.max() <= 1 + 1e-6
    assert (size < within).double().mean() == pytest.approx(0.5, abs=0.15)
    assert center.abs() < 0.05


def test_top_five_of_seven_and_a_network_without_gradient():
    # Class 0 first, class 6 last, whatever the image.
    x, y = np.full((14, 1, 2, 2), 100), [0, 1, 2, 3, 4, 5, 6] * 2
    training = linear_on_images(x, y, x, y, 7, np.zeros((7, 4)), -np.arange(7))
    expected = {"top1": 600 / 7, "top5": 200 / 7, "clean_top1": 600 / 7, "clean_top5": 200 / 7}
    for method in METHODS:
        assert attack(training, method=method, eps=0.1)[0] == pytest.approx({"seed": 0, **expected})


def test_examples_are_spread_over_a_test_part_that_is_sorted(seen):
    training = two_pixels([10, 20, 30, 40, 150, 160, 170, 180, 190], [1] * 4 + [0] * 5)
    for examples, chosen in ((3, [10, 40, 170]), (4, [10, 30, 150, 170]), (0, None), (1000, None)):
        made = adversarial(seen, training, "fgsm", 0.0, examples=examples)[0, :, 0, 0, 0].tolist()
        assert made == (chosen or [10, 20, 30, 40, 150, 160, 170, 180, 190])


def test_a_curve_is_the_attack_at_each_size(network):
    sizes = (0.0, 0.1, 0.9)
    for method in METHODS:
        (curve,) = attack_curve(network, method=method, eps=sizes, examples=20, steps=4)
        each = [attack(network, method=method, eps=eps, examples=20, steps=4)[0]["top1"] for eps in sizes]
        assert curve == {"seed": 0, "eps": list(sizes), "error": each}
        assert each[0] < each[-1]
    others = trained(mixing={"ratio": {"name": "beta", "alpha": 1.0}})
    (curve,) = attack_curve(network, method="fgsm", eps=(0.1,), others=others)
    assert curve["error"] == [attack(network, method="fgsm", eps=0.1, others=others)[0]["top1"]]


def test_networks_are_as_in_evaluation_and_stay_as_they_are(network):
    others = trained(mixing={"ratio": {"name": "beta", "alpha": 1.0}})
    expected = attack(network, method="pgd_linf", eps=0.1, others=others)
    for each in (network, others):
        each.model.zero_grad()
    state = [{name: value.clone() for name, value in each.model.state_dict().items()} for each in (network, others)]
    network.model.train()
    others.model.train()
    assert attack(network, method="pgd_linf", eps=0.1, others=others) == expected
    for each, before in zip((network, others), state, strict=True):
        assert all(torch.equal(value, before[name]) for name, value in each.model.state_dict().items())
        assert all(parameter.grad is None for parameter in each.model.parameters())


def test_a_network_in_bfloat16_is_tested_in_it(seen):
    training = trained(precision="bfloat16", execution={"memory_format": "channels_last"})
    found = attack(training, method="ifgsm", eps=0.1)[0]
    assert found["clean_top1"] == pytest.approx(training.evaluate(training.inputs.test)["error"].item())
    assert found["top1"] > found["clean_top1"]


def test_a_network_that_says_nothing_has_no_errors():
    spec, data = image_spec(model={"name": "mlp", "hidden": [16]}, augmentation=[]), images()
    training = broken(start(spec, data, (0, 1)))
    fine, gone = attack(training, method="pgd_l2", eps=0.1)
    assert fine["top1"] is not None
    assert gone == {"seed": 1, "top1": None, "top5": None, "clean_top1": None, "clean_top5": None}
    assert attack_curve(training, method="fgsm", eps=(0.1, 0.2))[1]["error"] == [None, None]


def test_only_pixels_are_attacked():
    table = linear_on_table([[0.0], [1.0]], [0, 1], 2, [[0], [1]], [0, 0])
    with pytest.raises(UserError, match="pixels"):
        attack(table, method="fgsm", eps=0.1)
    with pytest.raises(UserError, match="pixels"):
        attack_curve(table, method="fgsm", eps=(0.1,))
