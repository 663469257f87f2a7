import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from remixup.mixing import Mixing
from remixup.mixing.partner.augmented_views import own_views


def source(seed=0):
    return torch.Generator().manual_seed(seed)


@given(st.integers(2, 9), st.integers(0, 10**6))
def test_a_partner_is_another_member_of_the_set(count, seed):
    first = torch.randint(count, (20, 7), generator=source(seed))
    second = own_views(first, count, generator=source(seed))
    assert second.shape == first.shape
    assert second.dtype == torch.int64
    assert bool(((second >= 0) & (second < count) & (second != first)).all())


def test_each_of_the_others_has_the_same_probability():
    second = own_views(torch.full((1, 30_000), 2), 5, generator=source())
    share = torch.bincount(second[0], minlength=5) / 30_000
    assert torch.allclose(share, torch.tensor([0.25, 0.25, 0.0, 0.25, 0.25]), atol=0.01)


def test_a_set_of_one_has_no_partners():
    with pytest.raises(ValueError, match="cannot choose a partner"):
        own_views(torch.zeros(2, 3, dtype=torch.int64), 1, generator=source())


def test_partners_declare_their_scope():
    scopes = {
        name: Mixing.compose(partner={"name": name}).partner.scope for name in ("own_views", "same_class", "nearest")
    }
    assert scopes == {"own_views": "example", "same_class": "batch", "nearest": "dataset"}
    assert Mixing.compose().partner.scope == "batch"
