"""The loss of fine-tuning: its masks, its similarity, and its hard negatives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from retrievers.dpr.loss import FILLER, MaskedRankingLoss, Relevance

VECTORS = torch.tensor([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0], [2.0, -1.0]])
APART = Relevance({i: frozenset({i % 2}) for i in range(6)}, {i: frozenset({i % 2}) for i in range(6)})


def loss_of(similarity: str, scale: float, labels: list[list[int]], *parts: torch.Tensor) -> float:
    model: Any = lambda features: {"sentence_embedding": features["vectors"]}  # noqa: E731
    loss = MaskedRankingLoss(model, APART, similarity=similarity, scale=scale)
    return float(loss([{"vectors": part} for part in parts], torch.tensor(labels)))


def test_a_document_of_any_video_of_the_query_is_masked_and_a_filler_everywhere() -> None:
    videos = {0: frozenset({0, 1}), 1: frozenset({2})}
    relevance = Relevance(videos, {2: frozenset({0}), 3: frozenset({1}), 4: frozenset({2})})
    assert relevance.masked([0, 1], [2, 4, 3, FILLER]).tolist() == [
        [False, False, True, True],  # 3 is of the query's other video
        [False, False, False, True],
    ]


def test_the_text_of_the_query_is_masked() -> None:
    relevance = Relevance({0: frozenset({0}), 1: frozenset({1})}, {0: frozenset({5}), 1: frozenset({6})})
    assert relevance.masked([0, 1], [1, 0]).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(("similarity", "scale"), [("dot", 1.0), ("cosine", 20.0)])
def test_the_similarity_is_that_of_the_retriever(similarity: str, scale: float) -> None:
    queries, documents = VECTORS[:2], VECTORS[2:]
    scores = queries @ documents.T
    if similarity == "cosine":
        scores = scores / queries.norm(dim=1)[:, None] / documents.norm(dim=1)
    expected = torch.nn.functional.cross_entropy(scores * scale, torch.arange(2))
    actual = loss_of(similarity, scale, [[0, 2], [1, 3]], queries, documents)
    assert actual == pytest.approx(float(expected), rel=1e-5)


def test_a_hard_negative_adds_a_column_and_a_filler_does_not() -> None:
    queries, documents = VECTORS[:2], VECTORS[2:]
    plain = loss_of("dot", 1.0, [[0, 2], [1, 3]], queries, documents)
    filled = loss_of("dot", 1.0, [[0, 2, FILLER], [1, 3, FILLER]], queries, documents, documents)
    harder = loss_of("dot", 1.0, [[0, 2, 5], [1, 3, 4]], queries, documents, documents.flip(0))
    assert filled == pytest.approx(plain)
    assert harder > plain
