"""Information needs: evaluated queries of the same text are one, however often it was drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.text import normalise

Floats: TypeAlias = npt.NDArray[np.float64]


def number_needs(texts: Iterable[str]) -> npt.NDArray[np.int64]:
    """Assign each query ``[Q]`` the number of its information need, from 0 in the order met."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(normalise(text), len(numbers)) for text in texts], dtype=np.int64)


def by_need(values: npt.NDArray[Any], needs: npt.NDArray[np.int64]) -> Floats:
    """Average ``values [Q]`` over the queries of each need ``[n]``.

    A query that was drawn for several videos is searched once and weighs as often as it was drawn: its
    copies are no independent evidence.
    """
    n = int(needs.max(initial=-1)) + 1
    return np.bincount(needs, weights=values, minlength=n) * n / max(1, len(needs))
