"""Inputs of a block of seeds: examples on the device, and the rows and labels of each seed's split."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data import Prepared, normalization
from remixup.data.multiview import with_second_view
from remixup.data.splits import PUBLISHED_PARTS, Split, labels_of, make_split, parts_of
from remixup.data.streaming import Stream
from remixup.data.tasks import Classification, Regression, Task
from remixup.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Inputs(Split):
    """Examples of a block of seeds, and their split.

    Tables and images with a second view are scaled once for each seed. Other images stay uint8 and are scaled batch by
    batch, after augmentation. Image files are read and decoded batch by batch.
    """

    x: Tensor | Stream
    """(rows, ...): images uint8, spectrograms and series float16; tables float32 and images with a second view float16
    have a copy of all rows for each seed."""
    y: Tensor
    """Class indices, int64 (rows,), or numbers, float32 (rows,) or (rows, outputs)."""
    offset: Tensor
    divisor: Tensor
    task: Task
    classes: int
    """Outputs of the network: one for each class, or for each number of a regression label."""
    test_domain: Tensor | None = None
    """Domain of each test example, int64 (m,), if the dataset has domains; the same for all seeds."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.x.shape[1:])

    def to(self, device: torch.device) -> Inputs:
        """Return the inputs on a device; image files stay on disk."""
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def batches(self, rows: Tensor, sizes: list[int], crops: Tensor | None = None) -> Iterator[Tensor]:
        """Yield minibatches of raw examples, (seeds, size, ...) on the device.

        Args:
            rows: Rows, int64 (seeds, n).
            sizes: Sizes of the minibatches, n in total.
            crops: For image files, seeds of the random crops, int64 (n,); None for the center crop of an evaluation.
        """
        if isinstance(self.x, Stream):
            for x in self.x.batches(rows.squeeze(0).cpu(), sizes, crops):
                yield x.to(rows.device, non_blocking=True).unsqueeze(0)
        else:
            yield from self.x[rows].split(sizes, dim=1)

    def examples(self, rows: Tensor) -> Tensor:
        """Return raw examples (seeds, n, ...) of rows (seeds, n), cropped as in an evaluation."""
        return self.x[rows] if isinstance(self.x, Tensor) else next(self.batches(rows, [rows.shape[1]]))

    def scale(self, x: Tensor) -> Tensor:
        """Return network inputs from raw examples; images are (..., C, H, W), uint8 or float in [0, 255]."""
        if isinstance(self.x, Tensor) and self.x.dtype != torch.uint8:
            return x.float()
        return (x.float() / 255 - self.offset) / self.divisor

    @property
    def unit(self) -> Tensor:
        """Size in network inputs of a difference of 1 in the data (pixels in [0, 1])."""
        return 1 / self.divisor


def portions(count: int, size: int) -> list[int]:
    """Divide `count` examples into portions of `size`; the last one may be smaller."""
    return [min(size, count - start) for start in range(0, count, size)]


def evenly_spaced(rows: Tensor, count: int) -> Tensor:
    """Return `count` evenly spaced rows of (seeds, n); all rows if there are fewer, or if `count` is 0."""
    total = rows.shape[1]
    size = min(count or total, total)
    return rows[:, torch.arange(size, device=rows.device) * total // size]


def make_inputs(spec: RunSpec, seeds: list[int], data: Prepared, device: torch.device) -> Inputs:
    """Make the inputs of a block of seeds.

    Raises:
        UserError: The specification does not fit the dataset.
    """
    dataset, tensors = spec.dataset, data.tensors
    y = labels_of(dataset, tensors)
    if dataset.second_view and data.images:
        raise UserError("image files have no second view", where="run.dataset.second_view")
    if dataset.decode is not None and not data.images:
        raise UserError(f"dataset {dataset.name} has no image files to decode", where="run.dataset.decode")
    x: Tensor | Stream
    if data.images:
        x = _open_stream(spec, data, device)
    elif parts := parts_of(tensors):
        x = torch.cat([tensors[f"{part}_x"] for part in parts])
    else:
        x = tensors["x"]
    classes = int(data.manifest["classes"])
    split = make_split(dataset, tensors, y, classes, seeds)
    task = _make_task(spec, y, classes)
    unscaled = torch.zeros(1), torch.ones(1)
    table = isinstance(x, Tensor) and x.ndim == 2
    offset, divisor = unscaled if table else _image_scaling(spec, x, tensors)
    split_tensors = dict(vars(split))
    if isinstance(x, Tensor) and (table or dataset.second_view):  # a copy of all rows for each seed
        if dataset.second_view:
            x = with_second_view(x, offset, divisor, split.train, split.train_labels, classes, seeds)
        else:
            x = torch.stack([_scale_table(spec, x, train) for train in split.train]).flatten(0, 1)
        offset, divisor = unscaled
        shift = (torch.arange(len(seeds)) * len(y)).unsqueeze(1)
        y = y.repeat(len(seeds), *[1] * (y.ndim - 1))
        rows = {name: split_tensors[name] for name in PUBLISHED_PARTS}
        split_tensors |= {name: None if part is None else part + shift for name, part in rows.items()}
    domain = tensors.get("test_domain")
    inputs = Inputs(
        **split_tensors, x=x, y=y, offset=offset, divisor=divisor, task=task, classes=classes, test_domain=domain
    )
    return inputs.to(device)


def _make_task(spec: RunSpec, y: Tensor, classes: int) -> Task:
    if not y.is_floating_point():
        if spec.dataset.standardize_labels:
            what = f"dataset {spec.dataset.name} has classes, which cannot be standardized"
            raise UserError(what, where="run.dataset.standardize_labels")
        return Classification(classes)
    scaling = (float(y.mean()), float(y.std())) if spec.dataset.standardize_labels else ()
    return Regression(classes, *scaling)


def _open_stream(spec: RunSpec, data: Prepared, device: torch.device) -> Stream:
    if spec.dataset.decode is None:
        raise UserError(f"dataset {spec.dataset.name} has image files and needs `decode`", where="run.dataset.decode")
    offsets = torch.cat([data.tensors["train_offsets"], data.tensors["test_offsets"][1:]])
    assert data.images is not None
    # With a GPU all CPUs but one decode; without one they are busy with the network.
    workers = max(1, len(os.sched_getaffinity(0)) - 1) if device.type == "cuda" else 0
    decoder = device if spec.execution.decode_on_gpu and device.type == "cuda" else None
    # One stream for all runs of the process with the same decoding, because it caches decoded images.
    key = f"{json.dumps(spec.dataset.decode, sort_keys=True)} {device.type} {decoder}"
    if key not in data.streams:
        data.streams[key] = Stream(data.images, offsets, spec.dataset.decode, workers, decoder)
    stream: Stream = data.streams[key]
    return stream


def _image_scaling(spec: RunSpec, x: Tensor | Stream, tensors: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return offset and divisor of images; spectrograms and series are already normalized."""
    if isinstance(x, Tensor) and x.dtype == torch.uint8:
        return _scaling(spec, tensors.get("train_x", x))
    if isinstance(x, Stream):
        if spec.normalization["name"] == "standardize":
            raise UserError("standardize would read every image file; use `given`", where="run.normalization")
        return _scaling(spec, torch.empty(0, *x.shape[1:], dtype=torch.uint8))
    if spec.normalization["name"] != "raw":
        what = "spectrograms and series are normalized when they are prepared; use `raw`"
        raise UserError(what, where="run.normalization")
    return torch.zeros(1), torch.ones(1)


def _scaling(spec: RunSpec, train: Tensor) -> tuple[Tensor, Tensor]:
    offset, divisor = bind(normalization, spec.normalization)(train)
    channels = train.shape[1]
    if offset.numel() not in (1, channels) or divisor.numel() not in (1, channels):
        raise UserError(f"{offset.numel()} constants for {channels} channels", where="run.normalization")
    return offset, divisor


def _scale_table(spec: RunSpec, x: Tensor, train: Tensor) -> Tensor:
    offset, divisor = _scaling(spec, x[train])
    mean, _ = normalization.standardize(x[train])  # missing values become the mean of the training part
    return (torch.where(x.isnan(), mean, x) - offset) / divisor
