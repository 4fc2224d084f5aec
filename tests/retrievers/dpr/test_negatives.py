"""Hard negatives: similar words, never a relevant text, never the query's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.types import Video
from retrievers.bm25.retriever import BM25
from retrievers.dpr.negatives import mine_negatives
from retrievers.dpr.pairs import sibling_pairs

QUERIES = [
    ("red fox jumps", "fox in the snow"),
    ("red fox sleeps", "animal video"),
    ("red fox jumps", "funny fox"),  # its first query is also that of the first video
    ("beef noodle", "cook beef in oil"),
]


def videos() -> list[Video]:
    none = np.empty((0, 1), dtype=np.float32)
    return [Video(f"v{i}", "", none, texts) for i, texts in enumerate(QUERIES)]


def test_a_hard_negative_is_similar_and_never_relevant(context: Callable) -> None:
    pairs = sibling_pairs(videos(), 0, None)
    negatives = mine_negatives(pairs, 2, BM25(context(**{"bm25.engine": "bm25s"})), 0)
    by_query = {query: texts for (query, _), texts in zip(pairs.pairs, negatives, strict=True)}
    assert by_query["red fox jumps"][0] == "red fox sleeps"
    for query, texts in by_query.items():
        assert len(texts) == len(set(texts)) == 2
        assert all(pairs.is_negative(query, text) for text in texts)
    assert not {"fox in the snow", "funny fox", "red fox jumps"} & set(by_query["red fox jumps"])


def test_they_are_the_same_each_time_and_fewer_where_there_are_no_more(context: Callable) -> None:
    pairs = sibling_pairs(videos(), 0, None)
    first, second = (
        mine_negatives(pairs, 16, BM25(context(**{"bm25.engine": "bm25s"})), 0) for _ in range(2)
    )
    assert first == second
    assert all(0 < len(texts) < 16 for texts in first)
