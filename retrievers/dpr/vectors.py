"""Exact search over vectors: FAISS inner product, exact scores, ties by document number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import MissingError
from retrievers.ranking import Hits

DECIMALS = 6
"""Decimals of dense scores: what the size of a batch changes lies below, except at a rounding edge."""
MARGIN = 16
"""Vectors requested beyond depth k, so that most queries need one search."""
SLACK = 1e-5
"""How far FAISS's sums may lie from ours, relative to a score's size."""
GPU_DEPTH = 2048
"""The deepest search that FAISS does on a GPU."""


class VectorIndex:
    """An index of ``[u, d]`` vectors, each of which represents one or more documents of the same text.

    ``documents[i]`` are the numbers of the documents of vector ``i``, ascending. FAISS finds the
    candidates; their scores are summed again in float64, one query at a time, so that a score depends
    on nothing but the two vectors, and documents of one text have exactly one score.
    """

    def __init__(
        self, vectors: npt.NDArray[np.float32], documents: Sequence[Sequence[int]], device: str
    ) -> None:
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._documents = [np.asarray(numbers, dtype=np.int64) for numbers in documents]
        self.width = vectors.shape[1] if len(vectors) else 0
        """Numbers in a vector; 0 for an empty index."""
        self._index = self._near = None
        if len(vectors):
            faiss = _faiss()
            self._index = faiss.IndexFlatIP(vectors.shape[1])
            self._index.add(self._vectors)
            self._near = _on_gpu(faiss, self._index, device)

    def search(self, queries: npt.NDArray[np.float32], k: int) -> Hits:
        """Search for each row of ``[q, d]`` all documents that may be among the best ``k``."""
        results: Hits = [(np.empty(0, dtype=np.int64), np.empty(0))] * len(queries)
        waiting, depth = np.arange(len(queries)), k + MARGIN
        while len(waiting) and self._index is not None:
            depth = min(depth, len(self._vectors))
            tied = []
            for row, candidates in zip(waiting, self._candidates(queries[waiting], depth), strict=True):
                scores = self._scores(queries[row], candidates)
                if depth < len(self._vectors) and _may_miss_a_hit(scores, k):
                    tied.append(row)
                else:
                    results[row] = self._expand(candidates, scores, k)
            waiting, depth = np.array(tied, dtype=np.int64), depth * 4
        return results

    def size(self) -> int:
        """Count the bytes of the vectors and of the document numbers."""
        return int(self._vectors.nbytes + sum(numbers.nbytes for numbers in self._documents))

    def _candidates(self, queries: npt.NDArray[np.float32], depth: int) -> npt.NDArray[np.int64]:
        index: Any = self._near if depth <= GPU_DEPTH else self._index
        rows: npt.NDArray[np.int64] = index.search(np.ascontiguousarray(queries), depth)[1]  # [q, depth]
        return rows

    def _scores(self, query: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        products = self._vectors[rows].astype(np.float64) * query.astype(np.float64)  # [depth, d]
        rounded: npt.NDArray[np.float64] = np.round(products.sum(axis=1), DECIMALS)
        return rounded

    def _expand(
        self, rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        # of documents with one score the lowest k numbers suffice
        numbers = [self._documents[row][:k] for row in rows]
        return np.concatenate(numbers), np.repeat(scores, [len(part) for part in numbers])


def _may_miss_a_hit(scores: npt.NDArray[np.float64], k: int) -> bool:
    """Check whether a vector that was not fetched may tie with, or beat, the one at rank ``k``."""
    ordered = np.sort(scores)[::-1]
    return bool(ordered[-1] + SLACK * max(1.0, abs(ordered[-1])) >= ordered[min(k, len(ordered)) - 1])


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingError(
            "FAISS, which searches the vectors, is not installed. Install it with: pip install faiss-cpu "
            "(or faiss-gpu on a machine with a GPU; never both)."
        ) from None
    return faiss


def _on_gpu(faiss: Any, index: Any, device: str) -> Any:
    if not (device.startswith("cuda") and hasattr(faiss, "StandardGpuResources")):
        return index
    number = int(device.partition(":")[2] or 0)
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), number, index)
