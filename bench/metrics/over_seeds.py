"""Compare methods over several seeds: tests and intervals that account for queries and seeds.

Averaging the seeds per query and testing over queries alone answers "do these trained models
differ?", and is significant too often when the question is "do the methods differ?": the seeds are a sample
too. Here queries and seeds are crossed random effects, and both add to the variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.metrics.intervals import DRAWS, LEVEL, Interval, bootstrap_means, percentiles
from bench.metrics.significance import ALPHA, POWER, PairedTest, summarise, without_rounding

Floats: TypeAlias = npt.NDArray[np.float64]
Variance: TypeAlias = tuple[float, int]
"""The variance of a mean that one source brings in, and its degrees of freedom."""

_ROUNDING = 1e-12
"""Seeds whose scores differ by no more are equal: a system without chance was run again."""


def paired_test_over_seeds(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> PairedTest:
    """Test whether two methods differ, from ``[seeds, Q]`` and ``[seeds, Q]`` over the same queries.

    The variance of the difference is that over queries (of the seeds' averages) plus that over each
    side's seeds; t with Welch and Satterthwaite's degrees of freedom. Residual noise is in each part,
    so the test is conservative. The seeds of the two sides are not paired and their
    numbers may differ. A single seed has no known variance: it adds none, and
    the result then holds for that trained model only. Raises ValueError as `paired_test` does.
    Source: Clark 1973 (min F'); Satterthwaite 1946.
    """
    differences, parts = _parts(*_checked(ours, theirs))
    return summarise(differences, _welch(float(differences.mean()), parts))


def minimum_detectable_over_seeds(
    ours: npt.NDArray[Any], theirs: npt.NDArray[Any], *, alpha: float = ALPHA
) -> float:
    """Compute the true difference that `paired_test_over_seeds` would detect with probability 0.8 (`POWER`).

    In the metric's unit; ``alpha`` as in `minimum_detectable_difference`; infinite for a single query,
    NaN where nothing varies. A test whose variances are estimated from few seeds is simulated: the usual
    sum of two quantiles of t promises a power of 0.8 and has 0.6 at an alpha that is corrected for 33
    columns.
    """
    _, parts = _parts(*_checked(ours, theirs))
    if parts[0][1] == 0:
        return math.inf
    known = [(variance, freedom) for variance, freedom in parts if variance > 0]
    if not known:
        return math.nan
    from scipy.special import stdtrit

    rng = np.random.default_rng(0)
    variances, freedoms = np.array(known).T  # [sources], [sources]
    drawn = variances * rng.chisquare(freedoms, size=(DRAWS, len(known))) / freedoms  # [draws, sources]
    total = drawn.sum(axis=1)
    together = total**2 / (drawn**2 / freedoms).sum(axis=1)
    needed = stdtrit(together, 1 - alpha / 2) * np.sqrt(total)
    return float(np.quantile(needed + math.sqrt(variances.sum()) * rng.standard_normal(DRAWS), POWER))


def error_of_difference(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> tuple[float, float]:
    """Compute the standard error that `paired_test_over_seeds` divides by, and its degrees of freedom.

    NaN and 0 for a single query, whose variance is unknown; 0 and 0 where nothing varies.
    """
    _, parts = _parts(*_checked(ours, theirs))
    if parts[0][1] == 0:
        return math.nan, 0.0
    variance, freedom = _together(parts)
    return math.sqrt(variance), freedom


def interval_over_seeds(
    ours: npt.NDArray[Any],
    theirs: npt.NDArray[Any] | None = None,
    *,
    weights: Floats | None = None,
    draws: int = DRAWS,
) -> Interval:
    """Estimate the 95 % interval of a mean over items and seeds, or of a difference of two such means.

    ``ours`` and ``theirs`` are ``[seeds, n]``; ``weights`` as in `mean_intervals`. See `crossed_interval`.
    """
    a, b = _checked(ours, ours if theirs is None else theirs)
    columns = np.concatenate([a] if theirs is None else [a, b]).T  # [n, seeds of both]
    drawn = bootstrap_means(columns, weights, draws=draws)  # [draws, seeds of both]
    left, right = drawn[:, : len(a)].mean(axis=1), drawn[:, len(a) :]
    if theirs is None:
        return crossed_interval([a.mean(axis=1)], left, a.shape[1])
    return crossed_interval([a.mean(axis=1), b.mean(axis=1)], left - right.mean(axis=1), a.shape[1])


def crossed_interval(sides: Sequence[Floats], drawn: Floats, items: int) -> Interval:
    """Estimate the 95 % interval of a score averaged over seeds, or of the first side's less the second's.

    ``sides`` holds the scores by seed ``[seeds]`` of each side, ``drawn [draws]`` the bootstrap of the
    average (or difference) over ``items`` items with the seeds as they are. Where seeds agree, its
    percentiles are the interval, as for one seed. Otherwise the variances over items and over seeds are
    added, and the quantile of t is the mean of their own, weighted by them: two or three seeds
    may agree by chance, and Satterthwaite's degrees of freedom are then too many (92 % of intervals
    covered the truth in simulations where three seeds dominate; of these 95 % or more).
    Source: Cochran and Cox 1957, section 4.14.
    """
    spread = [_variance_of_mean(scores) for scores in sides if np.ptp(scores) > _ROUNDING]
    if not spread:
        return percentiles(drawn)
    from scipy.special import stdtrit

    over_items = [(float(drawn.var()) * items / (items - 1), items - 1)] if items > 1 else []
    parts = [*spread, *over_items]
    weighted = sum(variance * float(stdtrit(freedom, (1 + LEVEL) / 2)) for variance, freedom in parts)
    half = weighted / math.sqrt(sum(variance for variance, _ in parts))
    center = float(sides[0].mean() - sum(other.mean() for other in sides[1:]))
    return Interval(center - half, center + half)


def _checked(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not (a.size and b.size):
        raise ValueError(f"a test over seeds needs two arrays [seeds, Q], not {a.shape} and {b.shape}")
    return a, b


def _parts(ours: Floats, theirs: Floats) -> tuple[Floats, list[Variance]]:
    """Compute the differences ``[Q]`` and the variance of their mean by source: queries, ours, theirs."""
    differences = without_rounding(ours.mean(axis=0) - theirs.mean(axis=0))
    sides = [_variance_of_mean(side.mean(axis=1)) for side in (ours, theirs)]
    return differences, [_variance_of_mean(differences), *sides]


def _variance_of_mean(values: Floats) -> Variance:
    """Estimate the variance of the mean of ``values [n]`` and its degrees of freedom, 0 and 0 for n = 1."""
    n = len(values)
    return (float(values.var(ddof=1)) / n, n - 1) if n > 1 else (0.0, 0)


def _welch(difference: float, parts: Sequence[Variance]) -> float:
    """Compute the two-sided p of t; the first part is over queries, and one query gives no variance."""
    if difference == 0 or parts[0][1] == 0:
        return 1.0
    variance, freedom = _together(parts)
    if variance == 0:
        return 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(difference) / math.sqrt(variance)))


def _together(parts: Sequence[Variance]) -> tuple[float, float]:
    """Add up the variances, with the sum's degrees of freedom (Satterthwaite); 0 and 0 if none varies."""
    known = [(variance, freedom) for variance, freedom in parts if variance > 0]
    total = sum(variance for variance, _ in known)
    if total == 0:
        return 0.0, 0.0
    return total, total**2 / sum(variance**2 / freedom for variance, freedom in known)
