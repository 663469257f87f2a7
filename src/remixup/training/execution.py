"""Select the parts of a run's execution that a device supports; the log names each of the others in one line."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator

import torch
from torch import distributed

from remixup.config.run import RunSpec
from remixup.mixing import Partner

COMPILES = (2, 13)
"""The first release of PyTorch whose compiled steps are known to agree with the loop; of 2.11 they do not (by 1 %)."""


@functools.cache
def note(part: str, reason: str) -> None:
    """Print once that a part of the execution is not used."""
    print(f"execution.{part} is not used: {reason}", flush=True)


def supported(spec: RunSpec, device: torch.device) -> RunSpec:
    """Return a run with those parts of its execution that are possible on a device; print the others."""
    refused = {part: reason for part, reason in _refusals(spec, device) if getattr(spec.execution, part)}
    for part, reason in refused.items():
        note(part, reason)
    execution = spec.execution.model_copy(update=dict.fromkeys(refused, False))
    return spec.model_copy(update={"execution": execution})


def without_compiler(spec: RunSpec, error: RuntimeError) -> RunSpec:
    """Return a run that is not compiled, after an error of the compiler; raise any other error."""
    if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
        raise error
    note("compile", str(error).strip().splitlines()[0])
    return spec.model_copy(update={"execution": spec.execution.model_copy(update={"compile": False})})


def _refusals(spec: RunSpec, device: torch.device) -> Iterator[tuple[str, str]]:
    """Yield the parts of the execution that are not possible, and the reasons."""
    if device.type != "cuda":
        for part in ("cuda_graph", "cudnn_benchmark", "decode_on_gpu"):
            yield part, "there is no GPU"
    if distributed.is_available() and distributed.is_initialized():
        yield "cuda_graph", "several processes share a minibatch"
    if Partner.named(**spec.mixing.partner).match is not None:
        for part in ("compile", "cuda_graph"):
            yield part, "partners are matched by their inputs, on the CPU"
    for part in ("compile", "cuda_graph"):
        if spec.objective["name"] != "supervised":
            yield part, f"the objective {spec.objective['name']} has steps of its own"
        if spec.vectorized and spec.model.get("dropout"):
            yield part, "each of the vectorized seeds draws its own dropout"
    if release() < COMPILES:
        yield "compile", f"PyTorch {torch.__version__} compiles steps that compute other values"
    if device.type == "cpu" and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        yield "compile", "there is no C++ compiler"
    if device.type == "cuda" and not _has_triton():
        yield "compile", "Triton does not support this device, or is not installed"


def release() -> tuple[int, ...]:
    """Return the first two numbers of PyTorch's version."""
    return tuple(map(int, torch.__version__.split(".")[:2]))


def _has_triton() -> bool:
    from torch.utils._triton import has_triton

    return has_triton()


def fuse(optimizer: torch.optim.Optimizer) -> None:
    """Let SGD update all weights in one kernel, as Adam does; rounding differs."""
    for group in optimizer.param_groups:
        group |= {"fused": True, "foreach": False}


def make_capturable(optimizer: torch.optim.Optimizer, rate: torch.Tensor) -> None:
    """Let a CUDA graph capture the steps of a fused optimizer, with the learning rate in a tensor on the device."""
    for group in optimizer.param_groups:
        group |= {"lr": rate, **({"capturable": True} if "capturable" in group else {})}
