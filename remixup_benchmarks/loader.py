"""Measure how many images a second are read, decoded and cropped: `python -m remixup_benchmarks.loader imagenet`.

Reads a dataset of image files, which must be prepared, as training does. With a GPU it measures decoding there as well,
and how much the pixels differ.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from remixup import data
from remixup.cli import configuration
from remixup.data.streaming import Stream
from remixup.errors import UserError
from remixup_benchmarks.reference import now


def pace(stream: Stream, rows: Tensor, batch: int, device: torch.device) -> float:
    """Return images per second, from the file to the device; the start of the workers is included."""
    began = now(device)
    sizes = [len(each) for each in rows.split(batch)]
    for images in stream.batches(rows, sizes, torch.arange(len(rows))):
        images.to(device, non_blocking=True)
    return len(rows) / (now(device) - began)


def difference(first: Stream, second: Stream, rows: Tensor) -> tuple[float, int]:
    """Return the mean and the largest difference of the pixels of two streams, of 255."""
    seeds = torch.arange(len(rows))
    one, other = (next(stream.batches(rows, [len(rows)], seeds)).cpu().int() for stream in (first, second))
    apart = (one - other).abs()
    return apart.double().mean().item(), int(apart.max())


def main(
    dataset: Annotated[str, typer.Argument(help="a prepared dataset of image files")],
    version: Annotated[str, typer.Option(help="its version; default: the configured one")] = "",
    size: Annotated[int, typer.Option(min=1, help="pixels of each side of a crop")] = 224,
    images: Annotated[int, typer.Option(min=1, help="number of images")] = 5_000,
    batch: Annotated[int, typer.Option(min=1, help="images in a minibatch")] = 256,
    workers: Annotated[int | None, typer.Option(min=0, help="processes; default: all processors but one")] = None,
) -> None:
    """Print images a second of each way to decode."""
    data.lookup(dataset)  # a name that is unknown gets a suggestion
    config = configuration(Path("config.yaml"), None)
    loaded = data.load(dataset, version or config.version(dataset), folder=Path(config.data.folder))
    if loaded.images is None:
        raise UserError(f"dataset {dataset} has no image files", where="argument DATASET")
    processes = max(1, len(os.sched_getaffinity(0)) - 1) if workers is None else workers
    gpu = torch.device("cuda", 0) if torch.cuda.is_available() else None
    device, crop = gpu or torch.device("cpu"), {"name": "random_resized_crop", "size": size}
    streams = {"processor": Stream(loaded.images, loaded.tensors["train_offsets"], crop, processes)}
    if gpu is not None:
        streams["GPU"] = Stream(loaded.images, loaded.tensors["train_offsets"], crop, processes, gpu)
    rows = torch.randperm(len(streams["processor"]), generator=torch.Generator().manual_seed(0))[:images]
    for name, stream in streams.items():
        speed = pace(stream, rows, batch, device)
        print(f"decoded by the {name}, {processes} workers: {speed:,.0f} images/s")
    if gpu is not None:
        mean, largest = difference(streams["processor"], streams["GPU"], rows[:500])
        print(f"pixels of the GPU differ by {mean:.3f} of 255 on average, by {largest} at most")
    else:
        print("decoded by the GPU: not measured, there is none")


if __name__ == "__main__":
    typer.run(main)
