"""Bootstrap intervals of means over queries or videos."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Name = TypeVar("Name", bound=Hashable)

DRAWS = 2000
LEVEL = 0.95
_CHUNK = 2**21
"""Values in memory at once; the draws do not depend on it."""
_KEPT_COUNTS = 2**27
"""Counts of draws (2 bytes each) up to which they are kept for the next cell of the same queries."""


class Interval(NamedTuple):
    """A lower and an upper bound, in the unit of the value; nan where there was nothing to draw from."""

    low: float
    high: float


def mean_interval(
    values: npt.NDArray[Any], *, weights: Floats | None = None, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Estimate the uncertainty of a mean of ``values [n]``: its 95 % percentile bootstrap interval.

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    return mean_intervals({"": values}, weights=weights, seed=seed, draws=draws)[""]


def mean_intervals(
    columns: Mapping[Name, npt.NDArray[Any]],
    *,
    weights: Floats | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> dict[Name, Interval]:
    """Estimate the interval of each column's mean; the columns ``[n]`` share queries, hence draws.

    ``weights [n]`` say how much each row counts, if not equally; the values are already multiplied by them,
    and each draw's sum is divided by the sum of the drawn weights.
    """
    values = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
    return percentiles_of(columns, bootstrap_means(values, weights, seed=seed, draws=draws), len(values))


def bootstrap_means(
    values: npt.NDArray[Any], weights: Floats | None = None, *, seed: int = 0, draws: int = DRAWS
) -> Floats:
    """Resample ``values [n, c]`` and average: means ``[draws, c]``; ``weights`` as in `mean_intervals`."""
    row_weights = np.ones(len(values)) if weights is None else weights
    # [draws, c + 1]: the last column is the weight drawn
    sums = bootstrap_sums(np.column_stack([values, row_weights]), seed=seed, draws=draws)
    # without a row there is no weight, and no number
    return np.asarray(sums[:, :-1] / np.maximum(sums[:, -1:], 1e-12))


def bootstrap_sums(values: npt.NDArray[Any], *, seed: int = 0, draws: int = DRAWS) -> Floats:
    """Resample the rows of ``values [n, c]`` n times with replacement and sum: ``[draws, c]``.

    The sums are sufficient statistics of means and of corpus BLEU alike. Deterministic by seed.
    """
    n = len(values)
    sums = np.zeros((draws, values.shape[1]))
    step = max(1, _CHUNK // max(1, n))
    is_kept = n * draws <= _KEPT_COUNTS
    rng = np.random.default_rng(seed)
    for start in range(0, draws if n else 0, step):
        part = slice(start, min(start + step, draws))
        # how often each row was drawn, [size, n]: sums follow by one product instead of n gathers
        weights = _counts(n, seed, draws)[part] if is_kept else _draw(rng, n, part.stop - start)
        sums[part] = weights.astype(np.float64) @ values  # [size, n] @ [n, c]
    return sums


@lru_cache(maxsize=2)
def _counts(n: int, seed: int, draws: int) -> npt.NDArray[np.uint16]:
    """Draw as `bootstrap_sums`, ``[draws, n]``: the cells of a run have the same queries, hence draws."""
    return _draw(np.random.default_rng(seed), n, draws)


def _draw(rng: np.random.Generator, n: int, draws: int) -> npt.NDArray[np.uint16]:
    """Count how often each of n rows is drawn: ``[draws, n]``."""
    counts = np.empty((draws, n), dtype=np.uint16)
    step = max(1, _CHUNK // n)
    for start in range(0, draws, step):
        part = counts[start : start + step]
        drawn = rng.integers(n, size=part.shape) + np.arange(len(part))[:, None] * n  # [size, n]
        part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
    return counts


def percentiles(drawn: Floats) -> Interval:
    """Bound the central 95 % of the drawn values ``[draws]``."""
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def percentiles_of(names: Iterable[Name], drawn: Floats, n: int) -> dict[Name, Interval]:
    """Bound each column of ``drawn [draws, c]`` by its percentiles, nan if there were ``n = 0`` items."""
    if n == 0:
        return dict.fromkeys(names, Interval(np.nan, np.nan))
    return {name: percentiles(drawn[:, i]) for i, name in enumerate(names)}
