"""Read, decode and crop image files during training, optionally in worker processes.

The processor decodes, or a GPU, whose decoder rounds in another way. The result depends on the rows and seeds alone,
not on the number of workers.
"""

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

CACHE_BYTES = 2**29
"""Size of the caches of decoded images and of evaluation batches; Imagenette at 64 pixels has 220 MB."""
_PORTION = 64
"""Images that a worker decodes at a time, so that workers share a minibatch and few images wait in memory."""


class Stream:
    """Images in the `images.bin` of a prepared dataset.

    Args:
        path: Path of that file.
        offsets: Positions where each record begins and the last one ends, int64 (n + 1,).
        part: Name and parameters of a function of `decoding`.
        workers: Processes that read and decode ahead; 0 decodes when a batch is requested.
        decoder: A device that decodes and crops what the workers read; None: they do it themselves.

    Raises:
        UserError: The first record is not a complete image.
    """

    def __init__(
        self, path: Path, offsets: Tensor, part: dict[str, Any], workers: int = 0, decoder: torch.device | None = None
    ) -> None:
        self.path, self.offsets, self.workers, self.decoder = path, offsets, workers, decoder
        self._crop = bind(decoding, part)
        self._evaluated: tuple[Tensor, Tensor] | None = None
        self._cache: dict[int, Tensor] = {}
        # Workers are recreated every epoch, so their caches would be lost.
        self._cache_left = 0 if workers else CACHE_BYTES
        self.shape = (len(self), *self._decoded(torch.tensor([0]), [None]).shape[1:])
        """Shape of all images: (n, 3, size, size)."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def batches(self, rows: Tensor, sizes: list[int], seeds: Tensor | None = None) -> Iterator[Tensor]:
        """Yield minibatches, uint8 (b, 3, size, size), to be read only; those of an evaluation are cached.

        They are on the CPU, or on the device that decodes.

        Args:
            rows: Records, int64 (n,), on the CPU.
            sizes: Sizes of the minibatches, n in total.
            seeds: Seeds >= 0 of the random crops, int64 (n,); None for the center crop of an evaluation.

        Raises:
            UserError: A record is not a complete image.
        """
        if sum(sizes) != len(rows) or (seeds is not None and len(seeds) != len(rows)):
            given = "no" if seeds is None else len(seeds)
            raise ValueError(f"{len(rows)} rows, minibatches of {sum(sizes)} and {given} seeds")
        crops: list[int | None] = [None] * len(rows) if seeds is None else seeds.tolist()
        if seeds is not None or len(rows) * math.prod(self.shape[1:]) > CACHE_BYTES:
            yield from self._read(rows, sizes, crops)
        elif self._evaluated is not None and torch.equal(self._evaluated[0], rows):
            yield from self._evaluated[1].split(sizes)
        else:
            read = []
            for batch in self._read(rows, sizes, crops):
                read.append(batch)
                yield batch
            self._evaluated = rows.clone(), torch.cat(read)

    def _read(self, rows: Tensor, sizes: list[int], crops: list[int | None]) -> Iterator[Tensor]:
        """Yield minibatches from the file, in pinned memory if there is a GPU."""
        ends = torch.tensor(sizes).cumsum(0).tolist()
        slices = [
            slice(start, min(start + _PORTION, end))
            for size, end in zip(sizes, ends, strict=True)
            for start in range(end - size, end, _PORTION)
        ]
        # A separate generator, because the loader draws a number and must not change the one that dropout uses.
        options: dict[str, Any] = {"num_workers": min(self.workers, len(slices)), "generator": torch.Generator()}
        portions = iter(DataLoader(_Portions(self, rows, crops, slices), batch_size=None, **options))
        parts = iter(slices)
        where: dict[str, Any] = {"device": self.decoder or "cpu"}
        if self.decoder is None:
            where["pin_memory"] = torch.cuda.is_available()
        try:
            for size in sizes:
                batch = torch.empty((size, *self.shape[1:]), dtype=torch.uint8, **where)
                filled = 0
                while filled < size:
                    portion, part = next(portions), next(parts)
                    if isinstance(portion, UserError):
                        raise portion
                    if self.decoder is not None:
                        portion = self._decoded_there(portion, rows[part], crops[part])
                    batch[filled : filled + len(portion)] = portion
                    filled += len(portion)
                yield batch
        finally:
            del portions  # stop the workers now; referenced by a traceback they would take seconds to end

    def _decoded(self, rows: Tensor, crops: list[int | None]) -> Tensor:
        starts, ends = self.offsets[rows].tolist(), self.offsets[rows + 1].tolist()
        images = []
        with self.path.open("rb") as file:
            for row, start, end, seed in zip(rows.tolist(), starts, ends, crops, strict=True):
                if (image := self._cache.get(row)) is None:
                    file.seek(start)
                    image = self._decode(row, file.read(end - start))
                images.append(self._crop(image, seed))
        return torch.stack(images).contiguous()  # the decoder returns channels last

    def _content(self, rows: Tensor) -> Tensor:
        """Read the bytes of records, one record after the other, uint8 (bytes,)."""
        with self.path.open("rb") as file:
            contents = []
            for start, end in zip(self.offsets[rows].tolist(), self.offsets[rows + 1].tolist(), strict=True):
                file.seek(start)
                contents.append(file.read(end - start))
        return torch.frombuffer(bytearray(b"".join(contents)), dtype=torch.uint8)

    def _decoded_there(self, content: Tensor, rows: Tensor, crops: list[int | None]) -> Tensor:
        """Decode and crop the bytes of records on the device that decodes."""
        from torchvision.io import ImageReadMode, decode_jpeg

        contents = content.split((self.offsets[rows + 1] - self.offsets[rows]).tolist())
        try:
            images = decode_jpeg(list(contents), mode=ImageReadMode.RGB, device=self.decoder)
        except RuntimeError:  # ImageNet has a few files that are PNG or CMYK
            every = zip(rows.tolist(), contents, strict=True)
            images = [self._decode(row, bytes(each.numpy())).to(self.decoder) for row, each in every]
        return torch.stack([self._crop(image, seed) for image, seed in zip(images, crops, strict=True)])

    def _decode(self, row: int, content: bytes) -> Tensor:
        """Decode a record, and cache the image if there is room."""
        try:
            image = decode(content)
        except ValueError as error:
            hint = "run `remixup prepare` for this dataset, which repairs the file"
            raise UserError(f"record {row}: {error}", where=str(self.path), hint=hint) from error
        if image.nbytes <= self._cache_left:
            self._cache[row] = image
            self._cache_left -= image.nbytes
        return image


class _Portions(Dataset[Tensor | UserError]):
    """Portions of the images of some rows, decoded on access; it can be pickled."""

    def __init__(self, stream: Stream, rows: Tensor, crops: list[int | None], slices: list[slice]) -> None:
        self.stream, self.rows, self.crops, self.slices = stream, rows, crops, slices

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, index: int) -> Tensor | UserError:
        part = self.slices[index]
        if self.stream.decoder is not None:
            return self.stream._content(self.rows[part])
        try:
            return self.stream._decoded(self.rows[part], self.crops[part])
        except UserError as error:
            return error  # a loader would replace the message of an exception by its traceback
