"""Exact vector search: equal to brute force, ties at the cut by number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from retrievers.dpr.vectors import DECIMALS, VectorIndex

Floats = npt.NDArray[np.float32]


def best(index: VectorIndex, queries: Floats, k: int) -> list[list[tuple[int, float]]]:
    rows = []
    for numbers, scores in index.search(queries, k):
        order = np.lexsort((numbers, -scores))[:k]
        rows.append([(int(numbers[i]), float(scores[i])) for i in order])
    return rows


def brute(
    vectors: Floats, documents: list[list[int]], queries: Floats, k: int
) -> list[list[tuple[int, float]]]:
    rows = []
    for query in queries.astype(np.float64):
        scores = np.round(vectors.astype(np.float64) @ query, DECIMALS)
        every = [(n, float(s)) for s, part in zip(scores, documents, strict=True) for n in part]
        rows.append(sorted(every, key=lambda hit: (-hit[1], hit[0]))[:k])
    return rows


def some(n: int, d: int, seed: int = 0) -> Floats:
    vectors = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def shared_out(n: int, most: int) -> list[list[int]]:
    """Give each of ``n`` vectors one to ``most`` of the numbers, dealt like cards."""
    chance = np.random.default_rng(1)
    counts = chance.integers(1, most + 1, size=n)
    numbers = chance.permutation(int(counts.sum()))
    return [sorted(part.tolist()) for part in np.split(numbers, np.cumsum(counts)[:-1])]


@pytest.mark.parametrize("k", [1, 10, 100, 5000])
def test_it_equals_brute_force(k: int) -> None:
    vectors, queries, documents = some(700, 24), some(40, 24, seed=2), shared_out(700, 3)
    found = best(VectorIndex(vectors, documents, "cpu"), queries, k)
    assert [[n for n, _ in row] for row in found] == [
        [n for n, _ in row] for row in brute(vectors, documents, queries, k)
    ]


@pytest.mark.parametrize("k", [1, 7, 40, 200])
def test_vectors_that_tie_are_ordered_by_document_number(k: int) -> None:
    # few different vectors of small whole numbers, in many rows: ties everywhere, exact in any order
    vectors = np.random.default_rng(3).integers(0, 3, size=(500, 4)).astype(np.float32)
    documents = shared_out(500, 2)
    queries = np.random.default_rng(4).integers(0, 2, size=(20, 4)).astype(np.float32)
    assert best(VectorIndex(vectors, documents, "cpu"), queries, k) == brute(vectors, documents, queries, k)


def test_a_constant_scorer_returns_the_lowest_numbers() -> None:
    index = VectorIndex(np.ones((900, 2), dtype=np.float32), [[899 - i] for i in range(900)], "cpu")
    assert [n for n, _ in best(index, np.ones((1, 2), dtype=np.float32), 30)[0]] == list(range(30))


def test_scores_do_not_depend_on_the_other_queries() -> None:
    vectors, queries = some(300, 48), some(64, 48, seed=5)
    index = VectorIndex(vectors, [[i] for i in range(300)], "cpu")
    together = best(index, queries, 10)
    assert together == [best(index, queries[i : i + 1], 10)[0] for i in range(64)]


def test_an_empty_index_finds_nothing() -> None:
    index = VectorIndex(np.empty((0, 1), dtype=np.float32), [], "cpu")
    assert best(index, some(2, 5), 3) == [[], []]
    assert (index.size(), index.width) == (0, 0)


def test_no_queries_find_nothing() -> None:
    assert VectorIndex(some(5, 3), [[i] for i in range(5)], "cpu").search(some(0, 3), 3) == []
