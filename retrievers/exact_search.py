"""Exact search over vectors on the CPU: matrix products in blocks, few of which are looked at again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

PRODUCTS = 2_000_000
"""Products that are held at once: 8 MB, which stay in the processor's caches in part."""
QUERIES = 1024
"""Queries that are compared with a block at once, so that a block is not too narrow."""


def nearest_of_all(queries: Vectors, vectors: Vectors, depth: int) -> Rows:
    """Search the ``depth`` vectors of the highest inner product with each query: ``[q, depth]``, unordered.

    Of equal products any may be taken. ``depth`` is at most the number of vectors. Most products of a block
    are below the lowest of the best so far; the comparison with it is all that is done with them.
    """
    found = np.empty((len(queries), depth), dtype=np.int64)
    for start in range(0, len(queries), QUERIES):
        found[start : start + QUERIES] = _compare(queries[start : start + QUERIES], vectors, depth)
    return found


def _compare(queries: Vectors, vectors: Vectors, depth: int) -> Rows:
    block = max(depth, PRODUCTS // len(queries))
    products = queries @ vectors[:block].T  # [q, block]
    numbers = _highest(products, depth)
    best = np.take_along_axis(products, numbers, axis=1)  # [q, depth]
    for start in range(block, len(vectors), block):
        products = queries @ vectors[start : start + block].T
        places = np.flatnonzero(products > best.min(axis=1, keepdims=True))
        if len(places):
            best, numbers = _merge((best, numbers), products, places, start)
    return numbers


def _merge(kept: tuple[Vectors, Rows], products: Vectors, places: Rows, start: int) -> tuple[Vectors, Rows]:
    """Put the products at ``places`` among the best so far; ``start`` is the number of the first vector."""
    count, depth = kept[0].shape
    row, column = np.divmod(places, products.shape[1])
    counts = np.bincount(row, minlength=count)
    slot = depth + np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = depth + int(counts.max())
    wider = np.full((count, width), -np.inf, dtype=np.float32), np.zeros((count, width), dtype=np.int64)
    for whole, so_far, new in zip(wider, kept, (products.reshape(-1)[places], start + column), strict=True):
        whole[:, :depth] = so_far
        whole[row, slot] = new
    highest = _highest(wider[0], depth)
    return np.take_along_axis(wider[0], highest, axis=1), np.take_along_axis(wider[1], highest, axis=1)


def _highest(products: Vectors, depth: int) -> Rows:
    """Locate the ``depth`` highest numbers of each row, unordered."""
    rest = products.shape[1] - depth
    return np.argpartition(products, rest, axis=1)[:, rest:]
