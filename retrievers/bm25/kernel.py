"""Search a matrix of term shares for many queries in one compiled loop; needs the package numba.

A document is read only while it can still be among the best (MaxScore, Turtle and Flood 1995): terms are read
from the rarest on, and once the best documents so far are out of reach of what the remaining terms can add,
those terms are looked up for the documents that are left, and their long lists are not read. Scores are added
up in the same order either way and rounded to 4 decimals; ties go by document number.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappush, heapreplace
from typing import Any

import numpy as np
from numba import njit

_SLACK, _RELATIVE_SLACK = 2e-4, 1e-6
"""How far below hit ``k`` a score may be and still tie with it, once it is float32 and has 4 decimals.

Equal to those of bm25s.py, and written here as well: numba compiles anew when this file changes, and would
keep what it compiled with the numbers of another.
"""
_BLOCK = 64
"""Documents compared at a time, by vector instructions."""
_DENSE = 4
"""From a quarter of all documents on it is faster to look at all of them."""
_SHORT = 32
"""A list of a term that is up to so many times as long as that of documents is read, not looked up in."""


def _compile(function: Callable[..., Any]) -> Any:
    """Compile at the first call; numba stores the code beside this file, or in the user's cache."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither folder can be written: each process compiles anew
        return njit(nogil=True)(function)


@_compile
def search_columns(queries: Any, matrix: Any, n_documents: int, numbers: Any, scores: Any) -> None:
    """Write the best documents of each query into ``numbers [Q, k]`` and their scores into ``scores [Q, k]``.

    ``queries`` are the starts ``[Q + 1]`` of each query's terms, and the terms, the rarest of a query first.
    ``matrix`` has a column for each term: starts ``[terms + 1]``, documents ``[pairs]``, ascending, shares of
    their scores ``[pairs]``, and the largest share of each term ``[terms]``. Unused places are left alone.
    """
    starts, every_term = queries
    k = numbers.shape[1]
    partial = np.zeros(n_documents)  # sums of shares
    reached = np.empty(n_documents, dtype=np.uint32)  # its first places: documents whose sum is not 0
    for query in range(len(starts) - 1):
        terms = every_term[starts[query] : starts[query + 1]]
        count = _add_up(terms, matrix, partial, reached, k)
        best = _best_of_all(partial, k) if count < 0 else _best_of(partial, reached[:count], k)
        for place in range(len(best)):
            document = -best[place][1]
            numbers[query, place] = document
            scores[query, place] = partial[document]
        if count < 0:
            partial[:] = 0.0
        for place in range(count):
            partial[reached[place]] = 0.0


@_compile
def _add_up(terms: Any, matrix: Any, partial: Any, reached: Any, k: int) -> int:
    """Add up the shares of a query's terms and count the documents reached, -1 for too many to be listed."""
    columns, rows, shares, largest = matrix
    count = 0
    rest = largest[terms].sum()  # what the terms that follow add to a document at most
    for place in range(len(terms)):
        start, end = columns[terms[place]], columns[terms[place] + 1]
        if k <= count <= end - start and rest < _lowest_hit(partial, reached[:count], k):
            return int(_look_up(terms[place:], matrix, partial, reached[:count], k))
        if count < 0 or count + end - start > len(partial) // _DENSE:
            count = -1
            for pair in range(start, end):
                partial[rows[pair]] += shares[pair]
        else:
            count = _add_column(rows[start:end], shares[start:end], partial, reached, count)
        rest -= largest[terms[place]]
    return count


@_compile
def _add_column(rows: Any, shares: Any, partial: Any, reached: Any, count: int) -> int:
    """Add the shares of a term, and count on from ``count`` the documents that it is the first to reach."""
    for pair in range(len(rows)):
        document = rows[pair]
        before = partial[document]
        partial[document] = before + shares[pair]
        reached[count] = document
        count += before == 0.0 and shares[pair] > 0.0
    return count


@_compile
def _look_up(terms: Any, matrix: Any, partial: Any, reached: Any, k: int) -> int:
    """Add the shares of the remaining terms to the documents that can be among the best; count these."""
    columns, rows, shares, largest = matrix
    count = len(reached)
    rest = largest[terms].sum()
    for term in terms:
        count = _drop_below(partial, reached[:count], _lowest_hit(partial, reached[:count], k) - rest)
        column, of_column = rows[columns[term] : columns[term + 1]], shares[columns[term] : columns[term + 1]]
        if len(column) < _SHORT * count:
            for pair in range(len(column)):
                if partial[column[pair]] > 0.0:
                    partial[column[pair]] += of_column[pair]
        else:
            for document in reached[:count]:
                pair = np.searchsorted(column, document)
                if pair < len(column) and column[pair] == document:
                    partial[document] += of_column[pair]
        rest -= largest[term]
    return count


@_compile
def _lowest_hit(partial: Any, reached: Any, k: int) -> float:
    """Compute what a document must score, before it is rounded, to be among the ``k`` best of these."""
    best = [partial[document] for document in reached[:k]]
    heapify(best)
    lowest: float = best[0]
    for document in reached[k:]:
        if partial[document] > lowest:
            heapreplace(best, partial[document])
            lowest = best[0]
    return lowest - (_SLACK + _RELATIVE_SLACK * lowest)


@_compile
def _drop_below(partial: Any, reached: Any, lowest: float) -> int:
    """Forget the documents whose sum is below a score, and count the others."""
    count = 0
    for document in reached:
        if partial[document] >= lowest:
            reached[count] = document
            count += 1
        else:
            partial[document] = 0.0
    return count


@_compile
def _best_of_all(partial: Any, k: int) -> list[tuple[float, int]]:
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
                _keep(best, k, block[place], start + place)
                if len(best) == k:  # documents come in order: of tied ones the first stay, and a higher
                    # rounded score needs at least half a step more, less what float32 may add
                    lowest = (best[0][0] + 0.4e-4) * (1 - 1e-6)
    return best


@_compile
def _best_of(partial: Any, reached: Any, k: int) -> list[tuple[float, int]]:
    """Collect the heap of `_best_of_all` from some of the documents, in any order."""
    best = [(0.0, 0)][:0]
    lowest = 0.0
    for document in reached:
        if partial[document] >= lowest:
            _keep(best, k, partial[document], document)
            if len(best) == k:  # a score half a step lower may be rounded to the same
                lowest = (best[0][0] - 0.6e-4) * (1 - 1e-6)
    return best


@_compile
def _keep(best: Any, k: int, score: float, document: int) -> None:
    """Put a document into a heap of the best ``k``, its first the worst: of tied ones the last document."""
    hit = (np.rint(np.float64(np.float32(score)) * 1e4) / 1e4, -np.int64(document))  # as lucene.round_scores
    if len(best) < k:
        heappush(best, hit)
    elif hit > best[0]:
        heapreplace(best, hit)
