"""Examples read from image files while a network trains: decoded and cropped on the CPU, by worker processes if wanted.

What comes out depends on the rows and seeds asked for, and not on how many workers there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from remixup.config.registry import bind
from remixup.data import decoding
from remixup.data.builders.image_files import decode
from remixup.errors import UserError

KEPT = 2**29
"""Bytes of decoded images that are kept, whole, and of those of an evaluation: Imagenette's at 64 pixels are 220 MB."""
_PORTION = 64
"""Images that a worker decodes at a time: a minibatch is shared among workers, and few are held ahead of their use."""


class Stream:
    """The images in the `images.bin` of a prepared dataset.

    Args:
        path: that file.
        offsets: where in it each record begins and the last one ends, int64 (n + 1,).
        part: how a record becomes a tensor: the name of a function of `decoding` and its parameters.
        workers: processes that read and decode ahead; 0 does it in place, when a batch is asked for.

    Raises:
        UserError: the first record is not a whole image.
    """

    def __init__(self, path: Path, offsets: Tensor, part: dict[str, Any], workers: int = 0) -> None:
        self.path, self.offsets, self.workers = path, offsets, workers
        self._crop = bind(decoding, part)
        self._kept: tuple[Tensor, Tensor] | None = None
        self._whole: dict[int, Tensor] = {}
        self._room = 0 if workers else KEPT  # workers end with their epoch, and what they know with them
        self.shape = (len(self), *self._decoded(torch.tensor([0]), None).shape[1:])
        """Of all the images, as a tensor of them would have it: (n, 3, size, size)."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def batches(self, rows: Tensor, sizes: list[int], seeds: Tensor | None = None) -> Iterator[Tensor]:
        """Minibatches of some rows, in their order; an evaluation's, asked for again, are not decoded again.

        Args:
            rows: which records, int64 (n,), on the CPU.
            sizes: of the minibatches; their sum is n.
            seeds: for each row a number >= 0 that decides its random crop, int64 (n,); None: the crop of an evaluation.

        Returns:
            uint8 (b, 3, size, size) on the CPU, one for each size, to be read only.

        Raises:
            UserError: a record is not a whole image.
        """
        if sum(sizes) != len(rows) or (seeds is not None and len(seeds) != len(rows)):
            raise ValueError(f"{len(rows)} rows, {sum(sizes)} places and {'no' if seeds is None else len(seeds)} seeds")
        if seeds is not None or len(rows) * math.prod(self.shape[1:]) > KEPT:
            yield from self._read(rows, sizes, seeds)
        elif self._kept is not None and torch.equal(self._kept[0], rows):
            yield from self._kept[1].split(sizes)
        else:
            read = []
            for batch in self._read(rows, sizes, None):
                read.append(batch)
                yield batch
            self._kept = rows.clone(), torch.cat(read)

    def _read(self, rows: Tensor, sizes: list[int], seeds: Tensor | None) -> Iterator[Tensor]:
        """Minibatches from the file, in pinned memory where there is a GPU."""
        ends = torch.tensor(sizes).cumsum(0).tolist()
        slices = [
            slice(start, min(start + _PORTION, end))
            for size, end in zip(sizes, ends, strict=True)
            for start in range(end - size, end, _PORTION)
        ]
        portions = iter(self._loader(_Portions(self, rows, seeds, slices)))
        pinned = torch.cuda.is_available()
        try:
            for size in sizes:
                batch = torch.empty((size, *self.shape[1:]), dtype=torch.uint8, pin_memory=pinned)
                filled = 0
                while filled < size:
                    portion = next(portions)
                    if isinstance(portion, UserError):
                        raise portion
                    batch[filled : filled + len(portion)] = portion
                    filled += len(portion)
                yield batch
        finally:
            del portions  # ends the workers now; once an error's traceback holds them, it takes seconds for each

    def _loader(self, portions: _Portions) -> DataLoader[Tensor | UserError]:
        # A generator of its own: the loader draws a number, which must not come from the one that dropout uses.
        workers = min(self.workers, len(portions))
        return DataLoader(portions, batch_size=None, num_workers=workers, generator=torch.Generator())

    def _decoded(self, rows: Tensor, seeds: Tensor | None) -> Tensor:
        chosen: list[int | None] = [None] * len(rows) if seeds is None else seeds.tolist()
        starts, ends = self.offsets[rows].tolist(), self.offsets[rows + 1].tolist()
        images = []
        with self.path.open("rb") as file:
            for row, start, end, seed in zip(rows.tolist(), starts, ends, chosen, strict=True):
                if (image := self._whole.get(row)) is None:
                    file.seek(start)
                    image = self._decode(row, file.read(end - start))
                images.append(self._crop(image, seed))
        return torch.stack(images).contiguous()  # the decoder has the channels last

    def _decode(self, row: int, content: bytes) -> Tensor:
        """The image in a record, kept where there is room."""
        try:
            image = decode(content)
        except ValueError as error:
            hint = "`remixup prepare` of this dataset finds damage, and makes the file anew"
            raise UserError(f"record {row}: {error}", where=str(self.path), hint=hint) from error
        if image.nbytes <= self._room:
            self._whole[row] = image
            self._room -= image.nbytes
        return image


class _Portions(Dataset[Tensor | UserError]):
    """The images of some rows in portions, each decoded when it is asked for; holds nothing that is open."""

    def __init__(self, stream: Stream, rows: Tensor, seeds: Tensor | None, slices: list[slice]) -> None:
        self.stream, self.rows, self.seeds, self.slices = stream, rows, seeds, slices

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, place: int) -> Tensor | UserError:
        part = self.slices[place]
        try:
            return self.stream._decoded(self.rows[part], None if self.seeds is None else self.seeds[part])
        except UserError as error:
            return error  # a loader would hand on a worker's exception with its traceback as the message
