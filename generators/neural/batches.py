"""Examples as tensors: padded per batch, in batches of like length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from bench.errors import DataError, UsageError
from generators.neural.examples import Example, ModalityDropout
from generators.neural.targets import Targets

BUCKET = 32
"""So many batches are sorted by length together: random enough between them, little padding within."""


class Batch(TypedDict):
    """The tensors that a module reads; ``b`` videos. A mask is True where there is no padding."""

    tokens: Tensor  # [b, s] int64
    token_mask: Tensor  # [b, s] bool
    frames: Tensor  # [b, f, d] float32, f may be 0
    frame_mask: Tensor  # [b, f] bool
    targets: Tensor  # [b, t] int64: prompt, tokens, end; [b, 0] when summarizing
    target_mask: Tensor  # [b, t] bool


class Collate:
    """Makes a batch of examples, each with one target."""

    def __init__(self, pad: int, frame_width: int) -> None:
        self._pad = pad
        self._width = frame_width

    def __call__(self, items: Sequence[tuple[Example, list[int]]]) -> Batch:
        """Pad to the longest of the batch. Raises DataError for frames of another width."""
        tokens, token_mask = pad([example.tokens for example, _ in items], self._pad)
        targets, target_mask = pad([target for _, target in items], self._pad)
        frames, frame_mask = self._pad_frames([example for example, _ in items])
        return Batch(
            tokens=tokens,
            token_mask=token_mask,
            frames=frames,
            frame_mask=frame_mask,
            targets=targets,
            target_mask=target_mask,
        )

    def _pad_frames(self, examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
        longest = max(len(example.frames) for example in examples)
        frames = torch.zeros(len(examples), longest, self._width)
        mask = torch.zeros(len(examples), longest, dtype=torch.bool)
        for row, example in enumerate(examples):
            count = len(example.frames)
            if count:
                self._check(example)
                frames[row, :count] = torch.from_numpy(np.asarray(example.frames, dtype=np.float32))
                mask[row, :count] = True
        return frames, mask

    def _check(self, example: Example) -> None:
        if example.frames.shape[1] != self._width:
            raise DataError(
                f"video {example.video_id}: its frames are {example.frames.shape[1]} wide, but the model was "
                f"trained on frames {self._width} wide. "
                "Use the features it was trained on (--features), or train again."
            )


def pad(rows: Sequence[Sequence[int]], value: int) -> tuple[Tensor, Tensor]:
    """Pad rows of ids to one tensor ``[b, longest]`` int64, with the mask of what is real."""
    lengths = torch.tensor([len(row) for row in rows])
    mask = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
    padded = torch.full(mask.shape, value, dtype=torch.int64)
    padded[mask] = torch.tensor([i for row in rows for i in row], dtype=torch.int64)
    return padded, mask


class TrainingSet(Dataset[tuple[Example, list[int]]]):
    """The training videos, each with one of its references; which one changes with ``epoch``."""

    def __init__(
        self, examples: Sequence[Example], targets: Targets, dropout: ModalityDropout | None = None
    ) -> None:
        self.examples = [example for example in examples if example.targets]
        self.epoch = 0
        self._targets = targets
        self._dropout = dropout

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Example, list[int]]:
        example = self.examples[index]
        target = self._targets.pick(self.epoch, example.video_id, len(example.targets))
        read = self._dropout(example, self.epoch) if self._dropout else example
        return read, example.targets[target]

    @property
    def lengths(self) -> list[int]:
        """The length of each example, for batches of like length."""
        return [len(example) for example in self.examples]


class Buckets(Sampler[list[int]]):
    """Draws batches of examples of similar length, in an order that depends on seed and ``epoch`` alone."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.epoch = 0
        self.part = 0, 1
        """Which part of each batch is drawn, of how many: the parts of several processes make up the batch.
        Each draws the whole of a batch that has fewer examples than there are processes."""
        self._lengths = lengths
        self._size = batch_size
        self._seed = seed

    def __len__(self) -> int:
        return -(-len(self._lengths) // self._size)

    def __iter__(self) -> Iterator[list[int]]:
        rng = random.Random(f"{self._seed}:{self.epoch}")
        order = list(range(len(self._lengths)))
        rng.shuffle(order)
        batches: list[list[int]] = []
        for start in range(0, len(order), self._size * BUCKET):
            bucket = sorted(order[start : start + self._size * BUCKET], key=self._lengths.__getitem__)
            batches.extend(bucket[i : i + self._size] for i in range(0, len(bucket), self._size))
        rng.shuffle(batches)
        number, count = self.part
        return (batch[number::count] if len(batch) >= count else batch for batch in batches)


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """Move a batch to a device."""
    return Batch(**{name: tensor.to(device) for name, tensor in batch.items()})  # type: ignore[typeddict-item, attr-defined, no-any-return]


def check_length(inputs: Tensor, limit: int | None) -> None:
    """Raise UsageError for inputs ``[b, s, d]`` longer than the positions that a model has embeddings for.

    None is a model without such a table. Without this check a GPU would end the process.
    """
    if limit is not None and inputs.shape[1] > limit:
        raise UsageError(
            f"an input of {inputs.shape[1]} frames and tokens is longer than the model's {limit} positions. "
            f"Read less: text.transcript_tokens and data.max_frames together at most {limit}."
        )


def compact(states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Remove the padding within rows: move what is real to the front, drop columns empty in all rows.

    ``states`` ``[b, s, d]``, ``mask`` ``[b, s]``. Two padded sequences put end to end have a gap
    that grows with their neighbours in the batch; without it no position depends on them.
    """
    order = (~mask).int().argsort(dim=1, stable=True)
    longest = max(int(mask.sum(1).max()), 1)
    order = order[:, :longest]  # [b, longest]
    packed = states.gather(1, order[:, :, None].expand(-1, -1, states.shape[-1]))  # [b, longest, d]
    return packed, mask.gather(1, order)
