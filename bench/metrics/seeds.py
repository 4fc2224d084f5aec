"""Put several seeds together: mean and spread, and a comparison that respects queries and seeds.

Averaging the seeds per query and testing over queries alone answers "do these trained models
differ?", and finds too much when the question is "do the methods differ?": the seeds are a sample
too. Here queries and seeds are crossed random effects, and both add to the variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.metrics.intervals import DRAWS, Interval, percentiles
from bench.metrics.significance import PairedTest, summarise, without_rounding

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SeedSummary:
    """Hold a score over seeds; ``sd`` is the sample's (n - 1), None for a single seed."""

    mean: float
    sd: float | None
    seeds: int


def over_seeds(values: Sequence[float]) -> SeedSummary:
    """Return the mean and standard deviation of one score per seed."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return SeedSummary(float(np.mean(values)), spread, len(values))


def paired_test_over_seeds(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> PairedTest:
    """Test whether two methods differ, from ``[seeds, Q]`` and ``[seeds, Q]`` over the same queries.

    The variance of the difference is that over queries (of the seeds' averages) plus that over each
    side's seeds; t with Welch and Satterthwaite's degrees of freedom. Residual noise is in each part,
    so the test errs on the careful side. The seeds of the two sides are not paired and their
    numbers may differ. Nothing is known about the spread of a single seed: it adds no variance, and
    the result then holds for that trained model only. Raises ValueError as `paired_test` does.
    Source: Clark 1973 (min F'); Satterthwaite 1946.
    """
    a, b = _checked(ours, theirs)
    differences = without_rounding(a.mean(axis=0) - b.mean(axis=0))
    parts = [_variance_of_mean(differences), *(_variance_of_mean(side.mean(axis=1)) for side in (a, b))]
    return summarise(differences, _welch(float(differences.mean()), parts))


def interval_over_seeds(
    ours: npt.NDArray[Any], theirs: npt.NDArray[Any] | None = None, *, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Return the 95 % hierarchical bootstrap interval of a mean, or of a difference of means.

    Each draw takes queries with replacement, the same for both sides, and seeds with replacement,
    of each side by itself. With few seeds it is somewhat narrow, as any bootstrap of few items is.
    """
    a, b = _checked(ours, ours if theirs is None else theirs)
    sides = [a] if theirs is None else [a, b]
    rng = np.random.default_rng(seed)
    n = a.shape[1]
    drawn = np.empty(draws)
    for i in range(draws):
        weights = np.bincount(rng.integers(n, size=n), minlength=n) / n
        means = [(side @ weights)[rng.integers(len(side), size=len(side))].mean() for side in sides]
        drawn[i] = means[0] - sum(means[1:])
    return percentiles(drawn)


def _checked(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not (a.size and b.size):
        raise ValueError(f"a test over seeds needs two arrays [seeds, Q], not {a.shape} and {b.shape}")
    return a, b


def _variance_of_mean(values: Floats) -> tuple[float, int]:
    """Return the variance of the mean of ``values [n]`` and its degrees of freedom, 0 and 0 for n = 1."""
    n = len(values)
    return (float(values.var(ddof=1)) / n, n - 1) if n > 1 else (0.0, 0)


def _welch(difference: float, parts: Sequence[tuple[float, int]]) -> float:
    """Return the two-sided p of t; the first part is over queries, and a single query tells nothing."""
    known = [(variance, freedom) for variance, freedom in parts if variance > 0]
    total = sum(variance for variance, _ in known)
    if difference == 0 or parts[0][1] == 0:
        return 1.0
    if total == 0:
        return 0.0
    from scipy.stats import t

    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in known)
    return float(2 * t.sf(abs(difference) / math.sqrt(total), freedom))
