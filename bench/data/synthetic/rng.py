"""A random number generator whose draws are the same on every machine and under every version of numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

_BLOCK = 256
_UNIT = 1 << 53
"""Steps between 0 and 1: as many as a double distinguishes."""
_FOUR_BYTES_DEVIATION = 147.8
"""Standard deviation of the sum of four uniform bytes, sqrt(4 * (256^2 - 1) / 12), rounded."""


class Rng:
    """Draws from the raw 64-bit stream of PCG64, by integer arithmetic only.

    numpy promises that the raw stream of a bit generator never changes; it does not promise this
    for the distributions drawn from it. Each tuple of ``keys`` is a separate stream.
    """

    def __init__(self, *keys: int) -> None:
        self._source = np.random.PCG64(np.random.SeedSequence(keys))
        self._ready: list[int] = []

    def below(self, n: int) -> int:
        """Draw an integer from 0 to ``n - 1``."""
        if not self._ready:
            self._ready = self._source.random_raw(_BLOCK).tolist()
        return (self._ready.pop() * n) >> 64

    def between(self, low: int, high: int) -> int:
        """Draw an integer from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def uniform(self) -> float:
        """Draw a number from 0 up to, but not including, 1."""
        return self.below(_UNIT) / _UNIT

    def chance(self, share: float) -> bool:
        """Draw True with the given probability; never for 0, always for 1."""
        return self.below(_UNIT) < share * _UNIT

    def round_randomly(self, mean: float) -> int:
        """Draw one of the two integers beside ``mean``, so that the expected value is ``mean``."""
        return int(mean) + self.chance(mean - int(mean))

    def pick(self, items: Sequence[T]) -> T:
        """Draw one of the items, all equally likely."""
        return items[self.below(len(items))]

    def pick_popular(self, items: Sequence[T]) -> T:
        """Draw one of the items, an early one more often: few are popular, many are not."""
        return items[min(self.below(len(items)), self.below(len(items)))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """Draw ``k`` different items (all, if there are fewer) in random order."""
        pool = list(items)
        for position in range(min(k, len(pool))):
            other = position + self.below(len(pool) - position)
            pool[position], pool[other] = pool[other], pool[position]
        return pool[:k]

    def shuffle(self, items: Sequence[T]) -> list[T]:
        """Put the items in random order."""
        return self.sample(items, len(items))

    def near_normal(self, rows: int, columns: int) -> npt.NDArray[np.float64]:
        """Draw ``[rows, columns]`` bell-shaped numbers of mean 0 and standard deviation 1.

        Each is the sum of four bytes: close to normal, and exact to the last bit on any machine.
        """
        raw = self._source.random_raw((rows * columns + 1) // 2).astype("<u8")
        octets = raw.view("<u1").reshape(-1, 4)  # two numbers of four bytes from each 64 bits
        sums = octets.sum(axis=1, dtype=np.int64)[: rows * columns]
        centred = (sums - 510).reshape(rows, columns)  # 510 = 4 * 255 / 2; [rows, columns]
        numbers: npt.NDArray[np.float64] = centred / _FOUR_BYTES_DEVIATION
        return numbers
