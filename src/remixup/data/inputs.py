"""What a block of seeds trains and tests on: tensors on the device, and for each seed the rows of its own split."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from remixup.config.registry import bind
from remixup.config.run import RunSpec, amount
from remixup.data import Prepared, normalization
from remixup.data.multiview import with_second_view
from remixup.data.streaming import Stream
from remixup.errors import UserError
from remixup.mixing import take
from remixup.randomness import generator
from remixup.store.provenance import cores
from remixup.training.tasks import Classification, Regression, Task


@dataclass(frozen=True)
class Inputs:
    """Examples of a block of seeds.

    Tables are scaled here, once for each seed, and so are images with a second view; other images stay uint8 and are
    scaled batch by batch, after augmentation; image files are read when they are asked for.
    """

    x: Tensor | Stream
    """(rows, ...): images uint8, spectrograms float16, or, with a copy of all rows for each seed, tables float32 and
    images with a second view float16."""
    y: Tensor
    """Class indices, int64 (rows,), or numbers, float32 (rows,) or (rows, outputs)."""
    train: Tensor
    """Rows of the training part, int64 (seeds, n)."""
    test: Tensor
    """Rows of the test part, int64 (seeds, m)."""
    train_labels: Tensor
    """Labels to train on, (seeds, n, ...): y of the training part, some replaced where the run has label noise."""
    offset: Tensor
    divisor: Tensor
    task: Task
    classes: int
    """Outputs of the network: one for each class, one for a number."""
    corrupted: Tensor | None = None
    """Which training labels were replaced, bool (seeds, n); None without label noise."""
    validation: Tensor | None = None
    """Rows of the validation part, int64 (seeds, k), where there is one."""
    validation_labels: Tensor | None = None
    pool: Tensor | None = None
    """Rows of synthetic images, of no example of any part, int64 (seeds, k), where the dataset has a pool of them."""
    test_domain: Tensor | None = None
    """The domain of each row of the test part, int64 (m,), where the dataset names domains; the same for all seeds."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.x.shape[1:])

    def to(self, device: torch.device) -> Inputs:
        """The same inputs on a device; image files stay where they are."""
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def repeated(self, times: int) -> Inputs:
        """The inputs of all the seeds, so many times over; the examples themselves are there once."""
        of_seeds = ("train", "test", "train_labels", "corrupted", "validation", "validation_labels", "pool")
        parts = {name: getattr(self, name) for name in of_seeds}
        return replace(self, **{name: part.repeat(times, 1) for name, part in parts.items() if part is not None})

    def batches(self, rows: Tensor, sizes: list[int], crops: Tensor | None = None) -> Iterator[Tensor]:
        """The examples of some rows, in minibatches.

        Args:
            rows: int64 (seeds, n).
            sizes: of the minibatches; their sum is n.
            crops: for image files a number for each that decides its random crop, int64 (n,); None: the crop of an
                evaluation.

        Returns:
            raw examples (seeds, size, ...) on the device, one tensor for each size.
        """
        if isinstance(self.x, Stream):
            for x in self.x.batches(rows.squeeze(0).cpu(), sizes, crops):
                yield x.to(rows.device, non_blocking=True).unsqueeze(0)
        else:
            yield from self.x[rows].split(sizes, dim=1)

    def examples(self, rows: Tensor) -> Tensor:
        """Raw examples (seeds, n, ...) of rows (seeds, n), as an evaluation sees them."""
        return next(self.batches(rows, [rows.shape[1]]))

    def scale(self, x: Tensor) -> Tensor:
        """Network inputs from raw examples: images (..., channels, height, width), uint8 or float in [0, 255]."""
        if isinstance(self.x, Tensor) and self.x.dtype != torch.uint8:
            return x.float()
        return (x.float() / 255 - self.offset) / self.divisor

    @property
    def unit(self) -> Tensor:
        """What a difference of 1 in the data (pixels in [0, 1]) is in network inputs."""
        return 1 / self.divisor


def portions(count: int, size: int) -> list[int]:
    """So many examples in portions of a size, the last one perhaps smaller."""
    return [min(size, count - start) for start in range(0, count, size)]


def evenly_spaced(rows: Tensor, count: int) -> Tensor:
    """So many of the rows (seeds, n), evenly spaced; all of them where there are no more, or `count` is 0."""
    total = rows.shape[1]
    size = min(count or total, total)
    return rows[:, torch.arange(size, device=rows.device) * total // size]


def make_inputs(spec: RunSpec, seeds: list[int], data: Prepared, device: torch.device) -> Inputs:
    """The inputs of a block of seeds.

    Raises:
        UserError: where the specification does not fit the dataset (no published split and no holdout, or both; a
            subset larger than the training part; a validation part where one is published).
    """
    tensors, holdout = data.tensors, spec.dataset.holdout
    published = "train_y" in tensors
    if published == (holdout is not None):
        what = (
            "has a published split, so `holdout` has no meaning" if published else "has no split: `holdout` is needed"
        )
        raise UserError(f"dataset {spec.dataset.name} {what}", where="run.dataset.holdout")
    x: Tensor | Stream
    validation = pool = None
    if spec.dataset.second_view and data.images:
        raise UserError("image files have no second view", where="run.dataset.second_view")
    if spec.dataset.decode is not None and not data.images:
        raise UserError(f"dataset {spec.dataset.name} holds no image files to decode", where="run.dataset.decode")
    if published:
        parts = [name for name in ("train", "test", "validation", "pool") if f"{name}_y" in tensors]
        y = torch.cat([tensors[f"{name}_y"] for name in parts])
        x = _stream(spec, data, device) if data.images else torch.cat([tensors[f"{name}_x"] for name in parts])
        ends = [0, *torch.tensor([len(tensors[f"{name}_y"]) for name in parts]).cumsum(0).tolist()]
        spans = [torch.arange(start, end).expand(len(seeds), -1) for start, end in pairwise(ends)]
        rows = dict(zip(parts, spans, strict=True))
        train, test, validation, pool = rows["train"], rows["test"], rows.get("validation"), rows.get("pool")
    else:
        x, y = tensors["x"], tensors["y"]
        assert holdout is not None
        train, test = _split(len(y), holdout, seeds)
    if spec.dataset.subset is not None:
        train = _subset(train, spec.dataset.subset, seeds)
    classes = int(data.manifest["classes"])
    labels, corrupted = _label_noise(spec, y, train, classes, seeds)
    validation_labels = None if validation is None else y[validation]
    if spec.dataset.validation is not None:
        if validation is not None:
            what = f"dataset {spec.dataset.name} has a published validation part, so `validation` has no meaning"
            raise UserError(what, where="run.dataset.validation")
        held, kept = _validation(train.shape[1], spec.dataset.validation, seeds)
        validation, validation_labels = train.gather(1, held), take(labels, held)
        train, labels = train.gather(1, kept), take(labels, kept)
        corrupted = None if corrupted is None else corrupted.gather(1, kept)
    task = _task(spec, y, classes)
    scaled = torch.zeros(1), torch.ones(1)
    table = isinstance(x, Tensor) and x.ndim == 2
    offset, divisor = scaled if table else _image_scaling(spec, x, tensors)
    if isinstance(x, Tensor) and (table or spec.dataset.second_view):
        if spec.dataset.second_view:
            x = with_second_view(x, offset, divisor, train, labels, classes, seeds)
        else:
            x = torch.stack([_scale_table(spec, x, part) for part in train]).flatten(0, 1)
        offset, divisor = scaled
        shift = (torch.arange(len(seeds)) * len(y)).unsqueeze(1)
        y = y.repeat(len(seeds), *[1] * (y.ndim - 1))
        train, test = train + shift, test + shift
        validation = None if validation is None else validation + shift
        pool = None if pool is None else pool + shift
    held_out = (validation, validation_labels)
    domain = tensors.get("test_domain")
    inputs = Inputs(x, y, train, test, labels, offset, divisor, task, classes, corrupted, *held_out, pool, domain)
    return inputs.to(device)


def _task(spec: RunSpec, y: Tensor, classes: int) -> Task:
    if not y.is_floating_point():
        if spec.dataset.standardize_labels:
            what = f"dataset {spec.dataset.name} has classes, which cannot be standardized"
            raise UserError(what, where="run.dataset.standardize_labels")
        return Classification(classes)
    scaling = (float(y.mean()), float(y.std())) if spec.dataset.standardize_labels else ()
    return Regression(classes, *scaling)


def _split(rows: int, holdout: float, seeds: list[int]) -> tuple[Tensor, Tensor]:
    orders = torch.stack([torch.randperm(rows, generator=generator(seed, "split")) for seed in seeds])
    held = amount(rows, holdout)
    if not 0 < held < rows:
        raise UserError(f"{held} of the {rows} rows would be held out", where="run.dataset.holdout")
    return orders[:, held:], orders[:, :held]


def _subset(train: Tensor, size: int, seeds: list[int]) -> Tensor:
    if size > train.shape[1]:
        raise UserError(f"subset {size} exceeds the {train.shape[1]} training examples", where="run.dataset.subset")
    chosen = [torch.randperm(train.shape[1], generator=generator(seed, "subset"))[:size] for seed in seeds]
    return torch.stack([part[index] for part, index in zip(train, chosen, strict=True)])


def _validation(count: int, share: float, seeds: list[int]) -> tuple[Tensor, Tensor]:
    """Positions in the training part that are held out, and those that are kept; in the order of the part."""
    orders = torch.stack([torch.randperm(count, generator=generator(seed, "validation")) for seed in seeds])
    held = amount(count, share)
    if not 0 < held < count:
        raise UserError(f"{held} of the {count} training examples would be held out", where="run.dataset.validation")
    return orders[:, :held].sort(1).values, orders[:, held:].sort(1).values


def _label_noise(
    spec: RunSpec, y: Tensor, train: Tensor, classes: int, seeds: list[int]
) -> tuple[Tensor, Tensor | None]:
    """Training labels (seeds, n), and which of them were replaced: those of a larger share include a smaller's."""
    labels, share = y[train], spec.dataset.label_noise
    if share is None:
        return labels, None
    if y.is_floating_point():
        raise UserError("label noise replaces classes, and this dataset has numbers", where="run.dataset.label_noise")
    count = train.shape[1]
    replaced, drawn = [], []
    for seed in seeds:
        source = generator(seed, "label noise")
        replaced.append(torch.randperm(count, generator=source).argsort() < round(share * count))
        low = 1 if spec.dataset.noise_classes == "others" else 0
        drawn.append(torch.randint(low, classes, (count,), generator=source))
    corrupted, shift = torch.stack(replaced), torch.stack(drawn)
    return torch.where(corrupted, (labels + shift) % classes, labels), corrupted


def _stream(spec: RunSpec, data: Prepared, device: torch.device) -> Stream:
    if spec.dataset.decode is None:
        raise UserError(f"dataset {spec.dataset.name} holds image files and needs `decode`", where="run.dataset.decode")
    offsets = torch.cat([data.tensors["train_offsets"], data.tensors["test_offsets"][1:]])
    assert data.images is not None
    # A GPU is fed by all processors but one; on the CPU they are busy with the network.
    workers = max(1, cores() - 1) if device.type == "cuda" else 0
    # One for all runs of the process that see the images alike: it keeps what it has decoded.
    key = json.dumps(spec.dataset.decode, sort_keys=True) + device.type
    if key not in data.streams:
        data.streams[key] = Stream(data.images, offsets, spec.dataset.decode, workers)
    stream: Stream = data.streams[key]
    return stream


def _image_scaling(spec: RunSpec, x: Tensor | Stream, tensors: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Offset and divisor of images; spectrograms and series are normalised already, image files are not all read."""
    if isinstance(x, Tensor) and x.dtype == torch.uint8:
        return _scaling(spec, tensors.get("train_x", x))
    if isinstance(x, Stream):
        if spec.scaling["name"] == "standardise":
            raise UserError("standardise would read every image file; use `given`", where="run.scaling")
        return _scaling(spec, torch.empty(0, *x.shape[1:], dtype=torch.uint8))
    if spec.scaling["name"] != "raw":
        raise UserError("spectrograms and series are normalised when they are prepared; use `raw`", where="run.scaling")
    return torch.zeros(1), torch.ones(1)


def _scaling(spec: RunSpec, train: Tensor) -> tuple[Tensor, Tensor]:
    offset, divisor = bind(normalization, spec.scaling)(train)
    channels = train.shape[1]
    if offset.numel() not in (1, channels) or divisor.numel() not in (1, channels):
        raise UserError(f"{offset.numel()} constants for {channels} channels", where="run.scaling")
    return offset, divisor


def _scale_table(spec: RunSpec, x: Tensor, train: Tensor) -> Tensor:
    offset, divisor = _scaling(spec, x[train])
    # Missing values take the mean of the training part.
    mean, _ = normalization.standardise(x[train])
    return (torch.where(x.isnan(), mean, x) - offset) / divisor
