"""Measures of other packages: functions under entry points of ``bench.measures``, for ``--metrics``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, third_party_errors
from bench.systems.registry import entries, load

_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)(?:@([1-9][0-9]{0,8}))?")


class Measure(Protocol):
    """A measure of one topic's ranking."""

    def __call__(self, gains: Sequence[int], ideal: Sequence[int], k: int | None) -> float:
        """Score a ranking: the relevance of its documents, best first, and that of all relevant ones, sorted.

        Documents that were not judged count 0; ``k`` is the number after ``@``, None without one.
        """
        ...


def is_plugged(name: str) -> bool:
    """Check whether a package has the measure, whatever the number after ``@``."""
    match = _NAME.fullmatch(name)
    return match is not None and match[1] in entries("measures")


def compute_plugged(
    name: str, gains: npt.NDArray[np.float64], ideal: Sequence[Sequence[int]]
) -> npt.NDArray[np.float64]:
    """Compute a measure per topic ``[Q]`` from the gains ``[Q, depth]``. Raises BenchError that names it."""
    match = _NAME.fullmatch(name)
    assert match is not None
    measure: Measure = load("measures", match[1])
    k = int(match[2]) if match[2] else None
    values = []
    for row, best in zip(gains.astype(np.int64).tolist(), ideal, strict=True):
        with third_party_errors(f"measure '{name}' failed"):
            value = float(measure(row, best, k))
        if not math.isfinite(value):
            raise BenchError(f"measure '{name}' returned {value}; a finite number is expected.")
        values.append(value)
    return np.array(values)
