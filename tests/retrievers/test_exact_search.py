"""Exact search in blocks finds what sorting all products finds, whatever the blocks and their order."""

from __future__ import annotations

import numpy as np
import pytest

from retrievers import exact_search
from retrievers.exact_search import Vectors, nearest_of_all


def whole_numbers(rows: int, seed: int) -> Vectors:
    """Return vectors whose products are exact in any order, and often equal."""
    return np.random.default_rng(seed).integers(-3, 4, size=(rows, 8)).astype(np.float32)


@pytest.mark.parametrize("queries", [1, 7, 40])
@pytest.mark.parametrize("depth", [1, 10, 499, 500])
@pytest.mark.parametrize("block", [1, 64, 100_000])
@pytest.mark.parametrize("order", ["as they come", "best first", "best last"])
def test_the_highest_products_are_found(
    queries: int, depth: int, block: int, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_search, "PRODUCTS", block * queries)
    monkeypatch.setattr(exact_search, "QUERIES", 16)
    asked, vectors = whole_numbers(queries, 0), whole_numbers(500, 1)
    if order != "as they come":
        ascending = np.argsort(vectors @ asked[0])
        vectors = vectors[ascending if order == "best last" else ascending[::-1]]
    found = nearest_of_all(asked, vectors, depth)
    assert found.shape == (queries, depth)
    for query, rows in zip(asked, found, strict=True):
        assert len(set(rows.tolist())) == depth
        highest = np.sort(vectors @ query)[::-1][:depth]
        assert np.array_equal(np.sort(vectors[rows] @ query)[::-1], highest)
