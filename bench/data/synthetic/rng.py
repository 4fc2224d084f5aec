"""Chance that is the same on every machine and under every version of numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

_BLOCK = 256


class Dice:
    """Draw from the raw 64-bit stream of PCG64, by whole-number arithmetic only.

    numpy promises that the raw stream of a bit generator never changes; it does not promise this
    for the distributions drawn from it. Each tuple of ``keys`` is a stream of its own.
    """

    def __init__(self, *keys: int) -> None:
        self._source = np.random.PCG64(np.random.SeedSequence(keys))
        self._ready: list[int] = []

    def below(self, n: int) -> int:
        """Return a whole number from 0 to ``n - 1``."""
        if not self._ready:
            self._ready = self._source.random_raw(_BLOCK).tolist()
        return (self._ready.pop() * n) >> 64

    def between(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, share: float) -> bool:
        """Return True with the given probability; never for 0, always for 1."""
        return self.below(1 << 53) < share * (1 << 53)

    def around(self, mean: float) -> int:
        """Return one of the two whole numbers beside ``mean``, so that the mean is met."""
        return int(mean) + self.chance(mean - int(mean))

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def favour(self, items: Sequence[T]) -> T:
        """Return one of the items, an early one more often: few are popular, many are not."""
        return items[min(self.below(len(items)), self.below(len(items)))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """Return ``k`` different items (all, if there are fewer) in random order."""
        pool = list(items)
        for place in range(min(k, len(pool))):
            other = place + self.below(len(pool) - place)
            pool[place], pool[other] = pool[other], pool[place]
        return pool[:k]

    def shuffle(self, items: Sequence[T]) -> list[T]:
        """Return the items in random order."""
        return self.sample(items, len(items))

    def bell(self, rows: int, columns: int) -> npt.NDArray[np.float64]:
        """Return ``[rows, columns]`` bell-shaped numbers of mean 0 and deviation 1.

        Each is the sum of four bytes: near to normal, and exact to the last bit anywhere.
        """
        raw = self._source.random_raw((rows * columns + 1) // 2).astype("<u8")
        sums = raw.view("<u1").reshape(-1, 4).sum(axis=1, dtype=np.int64)[: rows * columns]
        bells: npt.NDArray[np.float64] = (sums - 510).reshape(rows, columns) / _FOUR_BYTES_DEVIATION
        return bells


_FOUR_BYTES_DEVIATION = 147.8
"""Standard deviation of the sum of four uniform bytes, sqrt(4 * (256^2 - 1) / 12), rounded."""
