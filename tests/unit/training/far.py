"""A device that this machine lacks: it computes as the CPU does, and refuses what a GPU would.

Tensors there say that they are elsewhere, each around one in ordinary memory that has the numbers. An operation that
meets tensors of both places fails, as on a GPU; what a program would wait for there is noted.
"""

import os
import sys
from contextlib import contextmanager

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

# Its name must be one that PyTorch knows and for which it starts no driver.
FAR = torch.device("meta")
_AT_HAND = "cuda" if torch.cuda.is_available() else "meta"
TESTED = torch.device(os.environ.get("REMIXUP_TEST_DEVICE") or _AT_HAND)
"""The device of tests: the one that the environment names, else a GPU if there is one, else the one that is lacking."""

_aten = torch.ops.aten
_MOVES = {_aten._to_copy.default, _aten.copy_.default}
_INDEXING = {_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default, _aten._unsafe_index.Tensor}
_WAITING = {
    _aten._local_scalar_dense.default,
    _aten.equal.default,
    _aten.masked_select.default,
    _aten.nonzero.default,
    _aten._unique2.default,
}
events: list[str] = []
"""What happened there: `update` for a step of an optimizer, `wait: ...` where the program waited for the device, and
`send: ...` for a copy from ordinary memory."""


class FarTensor(torch.Tensor):
    """A tensor on the device, around the one that has its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, near):
        layout = {"strides": near.stride(), "storage_offset": near.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(cls, near.size(), dtype=near.dtype, device=FAR, **layout)

    def __init__(self, near):
        self.near = near

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self, *args, **kwargs):
        raise TypeError("can't convert a tensor on a device to numpy")


class _Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})


def _is_far(device):
    return torch.device(device).type == FAR.type


def _compute(function, args, kwargs):
    flat, structure = pytree.tree_flatten((args, kwargs))
    far = [each for each in flat if isinstance(each, FarTensor)]
    near = [each for each in flat if isinstance(each, torch.Tensor) and not isinstance(each, FarTensor)]
    _check(function, args, far, near)
    device = kwargs.get("device")
    _note(function, args, device, far)
    plain = [_plain(each) for each in flat]
    positional, named = pytree.tree_unflatten(plain, structure)
    found = function(*positional, **named)
    if function is _aten.copy_.default:
        return args[0]
    if not (far if device is None else _is_far(device)):
        return found
    there = {id(each.near): each for each in far}  # what was changed in place is the same tensor afterwards
    return pytree.tree_map_only(torch.Tensor, lambda x: there[id(x)] if id(x) in there else FarTensor(x), found)


def _plain(value):
    if isinstance(value, FarTensor):
        return value.near
    return torch.device("cpu") if isinstance(value, torch.device) and _is_far(value) else value


def _check(function, args, far, near):
    """As on a GPU, a number may come from the other place, and so may the positions of what is looked up."""
    alone = not far or not near or all(each.ndim == 0 for each in near)
    if not alone and function not in _MOVES and not (function in _INDEXING and isinstance(args[0], FarTensor)):
        shapes = [[tuple(each.shape) for each in side] for side in (far, near)]
        raise RuntimeError(f"{function}: tensors on the device {shapes[0]} and not there {shapes[1]}")


def _note(function, args, device, far):
    name = str(function)
    near = [each for each in args[:2] if isinstance(each, torch.Tensor) and not isinstance(each, FarTensor)]
    if function in _MOVES and near and (isinstance(args[0], FarTensor) or (device and _is_far(device))):
        events.append(f"send: {name}")
    if not far:
        return
    out = function is _aten._to_copy.default and device is not None and not _is_far(device)
    out = out or (function is _aten.copy_.default and not isinstance(args[0], FarTensor))
    positions = [each for each in args[1] if each is not None] if function in _INDEXING else []
    counted = any(not isinstance(each, FarTensor) or each.dtype == torch.bool for each in positions)
    if out or counted or function in _WAITING:
        events.append(f"wait: {name}")
    elif name.startswith(("aten._fused_", "aten._foreach_")):
        events.append("update")


@contextmanager
def device(monkeypatch):
    """Within it there is the device, and `events` begins empty."""
    generator, autocast = torch.Generator, torch.autocast

    class NearGenerator(generator):
        def __new__(cls, device="cpu"):
            return generator.__new__(cls, "cpu")

    class NearAutocast(autocast):
        def __init__(self, device_type, *args, **kwargs):
            super().__init__("cpu", *args, **kwargs)

    with monkeypatch.context() as patch, _Dispatch():
        patch.setattr(torch, "Generator", NearGenerator)
        patch.setattr(torch, "autocast", NearAutocast)
        optimizer = sys.modules["torch.optim.optimizer"]
        patch.setattr(optimizer, "_get_fused_kernels_supported_devices", lambda: [FAR.type, "cpu"])
        before = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        events.clear()
        try:
            yield FAR
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(before)


@contextmanager
def tested(monkeypatch):
    """Within it there is the device of tests."""
    if TESTED.type != FAR.type:
        yield TESTED
        return
    with device(monkeypatch) as simulated:
        yield simulated
