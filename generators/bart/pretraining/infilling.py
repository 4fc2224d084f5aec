"""The examples of text infilling, BART's own objective (Lewis et al. 2020, section 2.2).

Spans of a Poisson length give way to one mask each, and the decoder writes the whole text.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch import nn

from generators.bart.options import PretrainOptions
from generators.neural.batches import Collate, to_device
from generators.neural.examples import Example
from generators.neural.losses import split_targets
from generators.neural.tokens import Tokens

Group = Sequence[list[int]]
"""Texts as ids of which one is drawn: a transcript alone, or the queries of one video."""

_NO_FRAMES = np.zeros((0, 1), dtype=np.float32)
_FIXED = -1
"""The round of examples that are not drawn again."""


@dataclass(frozen=True)
class Masking:
    """How a text becomes an example: a window of at most ``window`` tokens, with masked spans."""

    tokens: Tokens
    options: PretrainOptions
    window: int
    seed: int

    def example(self, group: Group, *place: object) -> tuple[Example, list[int]]:
        """Draw a text by seed and ``place``, and mask spans of it: the source; all of it is the target."""
        rng = random.Random(":".join(map(str, (self.seed, *place))))
        ids = rng.choice(group)
        start = rng.randrange(max(len(ids) - self.window, 0) + 1)
        ids = ids[start : start + self.window]
        options = self.options
        masked = infill(ids, rng, share=options.masked, mean=options.span, mask=self.tokens.mask)
        target = self.tokens.target(ids)
        return Example(":".join(map(str, place)), self.tokens.frame(masked), _NO_FRAMES, [target]), target


class Infilling:
    """The examples of a round of pretraining, an ``epoch`` for the trainer; each round has as many.

    ``kinds`` are transcripts, queries and unlabelled texts: every kind has the same share of the examples,
    however many texts it has, and goes through its texts in a new order each time.
    """

    def __init__(self, kinds: Sequence[Sequence[Group]], masking: Masking, size: int) -> None:
        self.epoch = 0
        self._kinds = [kind for kind in kinds if kind]
        self._masking, self._size = masking, size
        self._orders: dict[tuple[int, int], list[int]] = {}

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[Example, list[int]]:
        return self._masking.example(self._group(index), self.epoch, index)

    @property
    def lengths(self) -> Sequence[int]:
        """The most tokens that each example of the current round may have."""
        return _Lengths(self)

    def longest(self, index: int) -> int:
        """Bound the tokens of an example of the current round, so that batches are of like length."""
        return min(max(map(len, self._group(index))), self._masking.window)

    def _group(self, index: int) -> Group:
        turn, number = divmod(self.epoch * self._size + index, len(self._kinds))
        kind = self._kinds[number]
        passes, place = divmod(turn, len(kind))
        return kind[self._order(number, passes)[place]]

    def _order(self, number: int, passes: int) -> list[int]:
        key = number, passes
        if key not in self._orders:
            order = list(range(len(self._kinds[number])))
            random.Random(f"{self._masking.seed}:{number}:{passes}").shuffle(order)
            self._orders = {
                old: places for old, places in self._orders.items() if old != (number, passes - 2)
            }
            self._orders[key] = order
        return self._orders[key]


class _Lengths(Sequence[int]):
    """The lengths of a data set's examples, computed when they are read: they change with the round."""

    def __init__(self, data: Infilling) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        places = range(len(self._data))[index]
        if isinstance(places, range):
            return [self._data.longest(place) for place in places]
        return self._data.longest(places)


class HeldOut:
    """Texts that are not trained on, always with the same masks: what pretraining is worth."""

    def __init__(self, kinds: Sequence[Sequence[Group]], masking: Masking, batch_size: int) -> None:
        groups = sorted((group for kind in kinds for group in kind), key=lambda group: max(map(len, group)))
        examples = [masking.example(group, _FIXED, i) for i, group in enumerate(groups)]
        collate = Collate(masking.tokens.pad, 1)
        self._batches = [collate(examples[i : i + batch_size]) for i in range(0, len(examples), batch_size)]

    @torch.inference_mode()
    def loss(self, module: nn.Module, device: str) -> float:
        """Measure the mean loss of held-out texts, in nats per token."""
        total, count = 0.0, 0
        for batch in self._batches:
            real = int(split_targets(batch)[2].sum())
            total += float(module(to_device(batch, device))["loss"]) * real
            count += real
        return total / count


def infill(ids: Sequence[int], rng: random.Random, *, share: float, mean: float, mask: int) -> list[int]:
    """Replace spans that cover about ``share`` of the tokens by one mask each; a span of 0 inserts one."""
    left = round(share * len(ids))
    gone, masks = [False] * len(ids), [False] * len(ids)
    while left > 0:
        length = min(_poisson(rng, mean), left)
        start = rng.randrange(len(ids))
        masks[start] = True
        for place in range(start, min(start + length, len(ids))):
            gone[place] = True
        left -= max(length, 1)
    out: list[int] = []
    for token, hidden, marked in zip(ids, gone, masks, strict=True):
        out += [mask] * marked + [token] * (not hidden)
    return out


def _poisson(rng: random.Random, mean: float) -> int:
    """Draw from a Poisson distribution (Knuth's method, fine for small means)."""
    limit, count, product = np.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
