"""Write and read weights and resume points as safetensors files, which are read without running code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from remixup.files import disk_error, sha256, write_atomically, write_json
from remixup.training.trainer import Trainer


def save(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str], digest: Path | None = None) -> None:
    """Write tensors and metadata atomically and, before the file appears, its SHA-256 to another."""
    with write_atomically(path) as part:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part, metadata)
        if digest is not None:
            write_json(digest, {"sha256": sha256(part)})


def save_resume_point(training: Trainer, path: Path) -> None:
    """Write all that the next epoch depends on; random draws derive from (seed, purpose, epoch) and need nothing."""
    tensors = {f"model.{name}": tensor for name, tensor in training.model.state_dict().items()}
    for index, state in training.optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {
        "epoch": training.epoch,
        "history": training.history,
        "started": training.started,
        "run": training.spec.key(),
        "seeds": training.seeds,
    }
    said = {name: json.dumps(value) for name, value in metadata.items()}
    save(path, tensors, {**said, "sha256": _digest(tensors, said)})


def _digest(tensors: dict[str, torch.Tensor], said: dict[str, str]) -> str:
    """Return the SHA-256 of a resume point. It is in the file itself: two files cannot be replaced atomically."""
    found = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def load_resume_point(training: Trainer, path: Path) -> bool:
    """Restore a new training from a resume point; return false, and leave it unchanged, where none fits.

    One that is damaged, or of another run, fits no training, which then starts over.

    Raises:
        OSError, SafetensorError: the disk fails, and the resume point may be intact.
    """
    try:
        with safe_open(path, "pt") as file:
            said: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        if disk_error(error):
            raise
        return False
    if said.pop("sha256", None) != _digest(tensors, said):
        return False
    metadata = {name: json.loads(value) for name, value in said.items()}
    if metadata.get("run") != training.spec.key() or metadata.get("seeds") != training.seeds:
        return False
    training.model.load_state_dict(
        {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    )
    weights = [weight for group in training.optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            # The same memory layout as its parameter: a fused step goes through both from end to end.
            like = weights[int(index)]
            same = tensor.shape == like.shape
            state.setdefault(int(index), {})[key] = torch.empty_like(like).copy_(tensor) if same else tensor
    training.optimizer.load_state_dict({**training.optimizer.state_dict(), "state": state})
    training.epoch, training.history = metadata["epoch"], metadata["history"]
    training.started = metadata.get("started", training.started)  # older resume points lack it
    return True


def keep_weights(training: Trainer, path: Path) -> None:
    """Write a network's weights, and beside them their digest (the same name with `.json`)."""
    # The digest is written first, so that a reader in the meantime finds no weights without it.
    save(path, training.model.state_dict(), {"run": training.spec.key()}, digest=path.with_suffix(".json"))


def load_weights(path: Path, training: Trainer) -> None:
    """Load the weights of a checkpoint into the network of a training."""
    with safe_open(path, "pt") as file:
        training.model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
