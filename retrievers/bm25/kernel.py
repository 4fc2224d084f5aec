"""Search a matrix of term shares for many queries in one compiled loop; needs the package numba.

What bm25s does with numba, in this project's order: scores rounded to 4 decimals, ties by document number.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush, heapreplace
from typing import Any

import numpy as np
from numba import njit

_BLOCK = 64
"""Documents compared at a time, by vector instructions."""


def _compile(function: Callable[..., Any]) -> Any:
    """Compile at the first call; numba stores the code beside this file, or in the user's cache."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither folder can be written: each process compiles anew
        return njit(nogil=True)(function)


@_compile
def search_columns(queries: Any, matrix: Any, partial: Any, numbers: Any, scores: Any) -> None:
    """Write the best documents of each query into ``numbers [Q, k]`` and their scores into ``scores [Q, k]``.

    ``queries`` are the starts ``[Q + 1]`` of each query's terms, and the terms. ``matrix`` has a column for
    each term: starts ``[terms + 1]``, documents ``[pairs]`` and shares of their scores ``[pairs]``.
    ``partial`` are zeros, as many as there are documents. Unused places are left alone.
    """
    starts, terms = queries
    columns, rows, shares = matrix
    k = numbers.shape[1]
    for query in range(len(starts) - 1):
        for term in terms[starts[query] : starts[query + 1]]:
            for pair in range(columns[term], columns[term + 1]):
                partial[rows[pair]] += shares[pair]
        best = _find_best(partial, k)
        for place in range(len(best)):
            document = -best[place][1]
            numbers[query, place] = document
            scores[query, place] = partial[document]
        partial[:] = 0.0


@_compile
def _find_best(partial: Any, k: int) -> list[tuple[float, int]]:
    """Collect a heap of the best ``k`` rounded scores above 0, each with its negative document number."""
    best = [(0.0, 0)][:0]
    lowest = 0.0  # what a score must exceed
    for start in range(0, len(partial), _BLOCK):
        block = partial[start : start + _BLOCK]
        largest = 0.0
        for place in range(len(block)):
            largest = max(largest, block[place])
        if largest <= lowest:
            continue
        for place in range(len(block)):
            if block[place] > lowest:
                lowest = _keep(best, k, block[place], start + place, lowest)
    return best


@_compile
def _keep(best: Any, k: int, score: float, document: int, lowest: float) -> float:
    """Put a document into a heap of the best ``k``, its first the worst: of tied ones the last document."""
    rounded = np.rint(np.float64(np.float32(score)) * 1e4) / 1e4  # as lucene.round_scores
    if len(best) < k:
        heappush(best, (rounded, -document))
    elif rounded > best[0][0]:  # documents come in order: of tied ones the first stay
        heapreplace(best, (rounded, -document))
    # a higher rounded score needs at least half a step more, less what float32 may add
    return (best[0][0] + 0.4e-4) * (1 - 1e-6) if len(best) == k else lowest
