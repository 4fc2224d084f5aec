"""Search over vectors: candidates by inner product, exact scores, ties by document number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from retrievers.nearest import Exact, Nearest, build
from retrievers.options import DPRSearchOptions
from retrievers.ranking import Hits

DECIMALS = 6
"""Decimals of dense scores: what the size of a batch changes lies below, except at a rounding edge."""
MARGIN = 16
"""Vectors requested beyond depth k, so that most queries need one search."""
SLACK = 1e-5
"""How far the sums of a search in float32 may lie from ours, relative to a score's size."""

PRODUCTS = 1_000_000
"""Products of numbers that are held at once while scores are summed: 8 MB."""


class VectorIndex:
    """An index of ``[u, d]`` vectors, each of which represents one or more documents of the same text.

    ``documents[i]`` are the numbers of the documents of vector ``i``, ascending. The search finds
    candidates in float32; their scores are summed again in float64, so that a score depends on nothing but
    the two vectors, and documents of one text have exactly one score. Searched approximately, candidates may
    be missing; scores, and the order of those that are found, are the same.
    """

    def __init__(
        self,
        vectors: npt.NDArray[np.float32],
        documents: Sequence[Sequence[int]],
        device: str,
        options: DPRSearchOptions = DPRSearchOptions(),  # noqa: B008, it is frozen
    ) -> None:
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._documents = np.fromiter(chain.from_iterable(documents), dtype=np.int64)  # [n], by vector
        self._starts = np.cumsum([0, *map(len, documents)])  # [u + 1], of each vector's documents
        self.width = vectors.shape[1] if len(vectors) else 0
        """Numbers in a vector; 0 for an empty index."""
        self._nearest = build(self._vectors, device, options) if len(vectors) else None

    @property
    def description(self) -> str:
        """How it searches, with the parameters that were derived from the number of vectors."""
        return self._nearest.description if self._nearest else "exact"

    def search(self, queries: npt.NDArray[np.float32], k: int) -> Hits:
        """Search for each row of ``[q, d]`` all documents that may be among the best ``k``."""
        return self._search(self._nearest, queries, k)

    def search_exactly(self, queries: npt.NDArray[np.float32], k: int) -> Hits:
        """Search as `search`, but compare each query with all vectors."""
        return self._search(Exact(self._vectors) if self._nearest else None, queries, k)

    def _search(self, nearest: Nearest | None, queries: npt.NDArray[np.float32], k: int) -> Hits:
        results: Hits = [(np.empty(0, dtype=np.int64), np.empty(0))] * len(queries)
        waiting, depth = np.arange(len(queries)), k + MARGIN
        while len(waiting) and nearest is not None:
            depth = min(depth, len(self._vectors))
            tied = []
            candidates = nearest.search(np.ascontiguousarray(queries[waiting]), depth)  # [q, depth]
            scored = self._scores(queries[waiting], candidates)
            for row, reached, of_reached in zip(waiting, candidates, scored, strict=True):
                rows, scores = reached[reached >= 0], of_reached[reached >= 0]
                # fewer than were requested: an approximate index does not reach more
                if len(rows) == depth < len(self._vectors) and _may_miss_a_hit(scores, k):
                    tied.append(row)
                else:
                    results[row] = self._expand(rows, scores, k)
            waiting, depth = np.array(tied, dtype=np.int64), depth * 4
        return results

    def size(self) -> int:
        """Count the bytes of the vectors, of the document numbers and of an approximate index."""
        beside = self._nearest.size if self._nearest else 0
        return int(self._vectors.nbytes + beside + self._documents.nbytes)

    def _scores(
        self, queries: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Compute the score of each query ``[q, d]`` with its own vectors ``[q, depth]``."""
        scores = np.empty(rows.shape)
        part = max(1, PRODUCTS // (rows.shape[1] * self.width))
        for start in range(0, len(rows), part):
            some = slice(start, start + part)
            # [part, depth, d]; numpy adds up the numbers of a row in one order, whatever is beside it
            products = self._vectors[rows[some]] * queries[some, None].astype(np.float64)
            scores[some] = products.sum(axis=2)
        rounded: npt.NDArray[np.float64] = np.round(scores, DECIMALS)
        return rounded

    def _expand(
        self, rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        # of documents with one score the lowest k numbers suffice
        counts = np.minimum(self._starts[rows + 1] - self._starts[rows], k)  # [depth]
        before = np.cumsum(counts) - counts
        places = np.repeat(self._starts[rows] - before, counts) + np.arange(counts.sum())
        return self._documents[places], np.repeat(scores, counts)


def _may_miss_a_hit(scores: npt.NDArray[np.float64], k: int) -> bool:
    """Check whether a vector that was not fetched may tie with, or beat, the one at rank ``k``."""
    ordered = np.sort(scores)[::-1]
    return bool(ordered[-1] + SLACK * max(1.0, abs(ordered[-1])) >= ordered[min(k, len(ordered)) - 1])
