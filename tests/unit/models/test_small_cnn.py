import pytest
import torch
from torch import nn

from remixup.errors import UserError
from remixup.models import build


def test_one_example_does_not_depend_on_its_neighbors() -> None:
    for name, parameters in (
        ("small_cnn", {"widths": (4, 8), "groups": 2}),
        ("wide_resnet", {"depth": 10, "widen": 1, "base": 4, "norm_groups": 2}),
    ):
        torch.manual_seed(0)
        network = build(name, (1, 8, 8), 3, **parameters).train()
        x = torch.randn(6, 1, 8, 8)
        together, alone = network(x), torch.cat([network(each[None]) for each in x])
        assert torch.allclose(together, alone, atol=1e-5), name
        assert not any(isinstance(each, nn.BatchNorm2d) for each in network.modules())


def test_parameters_are_counted_by_hand() -> None:
    network = build("small_cnn", (3, 32, 32), 10, widths=(8, 16), groups=4)
    convolutions = (3 * 9 + 1) * 8 + (8 * 9 + 1) * 16
    assert sum(weight.numel() for weight in network.parameters()) == convolutions + 2 * (8 + 16) + (16 * 8 * 8 + 1) * 10


def test_wrn_16_4_has_its_parameters_with_either_norm() -> None:
    with torch.device("meta"):
        networks = [build("wide_resnet", (3, 32, 32), 10, depth=16, widen=4, norm_groups=groups) for groups in (0, 16)]
    assert [sum(weight.numel() for weight in network.parameters()) for network in networks] == [2_748_890] * 2


@pytest.mark.parametrize(
    ("name", "parameters", "where"),
    [
        ("small_cnn", {"widths": (6,), "groups": 4}, "run.model.widths"),
        ("small_cnn", {"widths": ()}, "run.model.widths"),
        ("small_cnn", {"widths": (8, 8, 8, 8)}, "run.model.widths"),
        ("wide_resnet", {"depth": 10, "norm_groups": 7}, "run.model.norm_groups"),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, parameters: dict[str, object], where: str) -> None:
    with pytest.raises(UserError) as caught:
        build(name, (1, 8, 8), 3, **parameters)
    assert caught.value.where == where
