"""Are differences between systems more than chance? Paired tests, correction, groups, power."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from string import ascii_lowercase
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Groups: TypeAlias = tuple[tuple[int, ...], ...]

ALPHA = 0.05
POWER = 0.8
DRAWS = 10_000
_CHUNK = 2**22
"""Signs in memory at once."""
_EXACT = 13
"""Up to this many differing queries, all 2**n sign patterns are counted instead of drawn."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The result of one comparison over the same queries (videos, for text metrics): ours minus theirs.

    ``p_value`` is two-sided and uncorrected; ``wins`` counts queries on which ours is higher.
    """

    difference: float
    p_value: float
    wins: int
    ties: int
    losses: int


def paired_test(
    ours: npt.NDArray[Any],
    theirs: npt.NDArray[Any],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> PairedTest:
    """Test whether two systems differ in their mean over queries, from ``[Q]`` and ``[Q]``.

    A randomisation test: it flips the sign of each query's difference at random, which is what
    exchanging the two systems' names would do. It is exact for few queries, and its smallest drawn p
    is 1 / (draws + 1). Identical systems get p = 1. Raises ValueError for shapes that differ and values
    that are not finite.
    Source: Smucker, Allan and Carterette 2007; Phipson and Smyth 2010 for the plus ones.
    """
    differences = _differences(ours, theirs)
    return summarise(differences, _sign_flips(differences, seed, draws))


def summarise(differences: Floats, p_value: float) -> PairedTest:
    """Summarise a test on these differences ``[Q]``, with wins, ties and losses counted."""
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    mean = float(differences.mean()) if len(differences) else 0.0
    return PairedTest(mean, p_value, wins, len(differences) - wins - losses, losses)


def without_rounding(differences: Floats) -> Floats:
    """Set rounding errors among the differences ``[Q]`` to 0. Raises ValueError if one is not finite.

    Scores are fractions: two that are equal on paper may differ in the last bit, and the test would count
    a win.
    """
    if not np.isfinite(differences).all():
        raise ValueError("a paired test needs finite scores")
    return np.where(np.abs(differences) < 1e-12, 0.0, differences)


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Correct the p-values of one family (a table, a claim) by Holm's step-down rule.

    Equal to statsmodels' ``multipletests``, which runs the garbage collector on every call.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected


def groups_by_tests(means: npt.NDArray[Any], p_values: Sequence[float] | Floats) -> Groups:
    """Group the systems that do not differ from each other, as large as possible, best group first.

    ``means`` holds one mean a system, ``p_values`` the uncorrected p of each pair (0, 1), (0, 2) …;
    they are Holm-corrected here, and compared with `ALPHA`. Groups hold row numbers, best mean first.
    A system may be in several groups, as not differing is not transitive. Source: Piepho 2004 (insert
    and absorb).
    """
    pairs = combinations(range(len(means)), 2)
    adjusted = holm(p_values)
    rank = {int(system): n for n, system in enumerate(np.argsort(-np.asarray(means), kind="stable"))}
    sets = _without_pairs(set(rank), [pair for pair, p in zip(pairs, adjusted, strict=True) if p < ALPHA])
    ordered = [sorted(group, key=rank.__getitem__) for group in sets]
    return tuple(tuple(group) for group in sorted(ordered, key=lambda group: [rank[i] for i in group]))


def letters(groups: Groups, systems: int) -> tuple[str, ...]:
    """Assign each system letters: two systems that share one do not differ (compact letter display)."""
    names = [ascii_lowercase[n % 26] * (1 + n // 26) for n in range(len(groups))]
    return tuple(
        " ".join(n for n, group in zip(names, groups, strict=True) if i in group) for i in range(systems)
    )


def minimum_detectable_difference(
    ours: npt.NDArray[Any], theirs: npt.NDArray[Any], *, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Compute the true mean difference that a paired comparison of this size and variance would detect.

    In the metric's unit, for a two-sided paired t-test at ``alpha`` with probability ``power``. Of tests
    that are Holm-corrected, ``alpha`` is that of the first step, 0.05 / number of tests. The difference is
    infinite below two queries, NaN where the differences have no spread: nothing tells how much they vary.
    """
    differences = _differences(ours, theirs)
    if len(differences) < 2:
        return math.inf
    if np.ptp(differences) == 0:
        return math.nan
    return _detectable_effect(len(differences), alpha, power) * float(differences.std(ddof=1))


@cache
def _detectable_effect(n: int, alpha: float, power: float) -> float:
    """Solve the power of a two-sided paired t-test for the difference, in its standard deviations."""
    from scipy.optimize import brentq
    from scipy.special import nctdtr, stdtrit

    critical = -float(stdtrit(n - 1, alpha / 2))

    def missing_power(effect: float) -> float:
        limits = np.array([critical, -critical])
        # the noncentral t of Cohen 1988, with both tails; NaN where it is below 1e-200
        below, other_tail = np.nan_to_num(nctdtr(n - 1, effect * math.sqrt(n), limits)).tolist()
        return 1 - float(below) + float(other_tail) - power

    high = 1.0
    while missing_power(high) < 0:
        high *= 2
    return float(brentq(missing_power, 0, high, xtol=1e-12))


def _differences(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> Floats:
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a paired test needs the same queries twice, not {a.shape} and {b.shape}")
    with np.errstate(over="ignore", invalid="ignore"):  # refused as not finite
        return without_rounding(a - b)


def _sign_flips(differences: Floats, seed: int, draws: int) -> float:
    """Compute the share of sign patterns whose sum is at least as far from 0 as the observed one."""
    # A query without a difference has no sign to flip: it would only double all patterns.
    sizes = np.abs(differences[differences != 0])  # [n]
    # Sums of the same numbers in another order differ in the last bits; they must count as reached.
    observed = abs(differences.sum()) - 1e-12 * sizes.sum()
    if len(sizes) <= _EXACT:
        signs = np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes)) & 1  # [2**n, n]
        return float((np.abs((2 * signs - 1) @ sizes) >= observed).mean())
    extreme = (np.abs(_flipped_sums(sizes, seed, draws)) >= observed).sum()
    # The observed pattern counts as one of the draws, or p could be 0 (Phipson and Smyth 2010).
    return float((1 + extreme) / (1 + draws))


def _flipped_sums(sizes: Floats, seed: int, draws: int) -> Floats:
    """Draw sums ``[draws]`` of the sizes under random signs.

    Queries with the same size are drawn together: of c equal ones, a binomial number are positive.
    Ranking metrics take few values, so this saves most of the draws.
    """
    rng = np.random.default_rng(seed)
    values, counts = np.unique(sizes, return_counts=True)
    single, repeated, repeats = values[counts == 1], values[counts > 1], counts[counts > 1]
    sums = np.empty(draws)
    step = max(1, _CHUNK // len(values))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        signs = 2 * rng.integers(0, 2, size=(size, len(single)), dtype=np.int8) - 1  # [size, single]
        # positive less negative among the equal sizes
        balance = 2 * rng.binomial(repeats, 0.5, size=(size, len(repeated))) - repeats  # [size, repeated]
        sums[start : start + size] = signs @ single + balance @ repeated
    return sums


def _without_pairs(items: set[int], apart: Iterable[tuple[int, int]]) -> list[set[int]]:
    """Compute the maximal subsets of ``items`` that contain no pair of ``apart`` (insert and absorb)."""
    groups = [items] if items else []
    for i, j in apart:
        split = [group - {x} for group in groups if {i, j} <= group for x in (i, j)]
        groups = [group for group in groups if not {i, j} <= group]
        for part in split:
            if not any(part <= other for other in groups):  # otherwise it is absorbed
                groups = [other for other in groups if not other < part] + [part]
    return groups
