import pytest
import torch
from torch import nn

from remixup.errors import UserError
from remixup.models import build, stack


def gan(seed: int = 0, **params: object) -> nn.Sequential:
    torch.manual_seed(seed)
    return build("gan", (2,), 8, **{"latent": 3, "hidden": (20, 5), **params})


def test_the_players_are_perceptrons_drawn_one_after_the_other() -> None:
    network = gan(4)
    torch.manual_seed(4)
    generator = build("mlp", (3,), 2, hidden=(20, 5))
    discriminator = build("mlp", (2,), 1, hidden=(20, 5))
    z = torch.randn(1, 6, 3)
    assert torch.equal(network.generator(z), generator(z))
    assert torch.equal(network[1](z[..., :2]), discriminator(z[..., :2]))
    assert torch.equal(network(z), discriminator(generator(z)))
    assert network(z).shape == (1, 6, 1)


def test_the_published_sizes_are_the_default() -> None:
    torch.manual_seed(0)
    network = build("gan", (2,), 25)
    widths = [[(m.in_features, m.out_features) for m in p.modules() if hasattr(m, "in_features")] for p in network]
    assert widths == [
        [(2, 512), (512, 512), (512, 512), (512, 2)],
        [(2, 512), (512, 512), (512, 512), (512, 1)],
    ]


def test_the_number_of_classes_does_not_matter() -> None:
    torch.manual_seed(0)
    other = build("gan", (2,), 25, latent=3, hidden=(20, 5))
    assert all(map(torch.equal, gan().parameters(), other.parameters()))


def test_members_train_as_they_do_alone() -> None:
    members = [gan(seed) for seed in range(3)]
    z = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(0))
    together = stack(members)
    for index, single in enumerate(members):
        assert torch.equal(together(z)[index], single(z[index : index + 1])[0])
    together(z)[1].sum().backward()
    for parameter in together.parameters():
        assert parameter.grad[1].any()
        assert not parameter.grad[[0, 2]].any()


def test_images_are_refused() -> None:
    with pytest.raises(UserError, match=r"gan needs rows of features, not inputs of shape \(1, 8, 8\)"):
        build("gan", (1, 8, 8), 8)
