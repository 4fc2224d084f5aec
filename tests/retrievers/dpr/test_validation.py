"""Validation of fine-tuning: the rank of the first relevant document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from retrievers.dpr.pairs import Ranking
from retrievers.dpr.validation import METRIC, RankingEvaluator


class Fixed:
    """An encoder that has a vector for each text."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self.vectors = vectors

    def encode(self, texts: Sequence[str], *, normalize_embeddings: bool, **_: Any) -> torch.Tensor:
        vectors = torch.tensor([self.vectors[text] for text in texts])
        return torch.nn.functional.normalize(vectors) if normalize_embeddings else vectors


VECTORS = {"red": [1.0, 0.0], "blue": [3.0, 9.0], "fox": [0.8, 0.1], "pan": [0.0, 1.0]}


def score(relevant: dict[str, set[str]], similarity: str, vectors: dict[str, list[float]] = VECTORS) -> float:
    ranking = Ranking({key: key for key in relevant}, {key: key for key in vectors}, relevant)
    return RankingEvaluator(ranking, ("", ""), similarity)(Fixed(vectors))[METRIC]


def test_the_text_of_the_query_is_no_document_for_it() -> None:
    assert score({"red": {"fox"}}, "cosine") == 1.0


def test_the_text_of_the_query_counts_where_it_is_relevant() -> None:
    assert score({"red": {"red"}}, "cosine") == 1.0


def test_the_first_of_several_relevant_documents_counts() -> None:
    assert score({"red": {"pan", "blue"}}, "cosine") == pytest.approx(1 / 2)


def test_the_similarity_decides_the_rank() -> None:
    assert score({"red": {"blue"}}, "cosine") == pytest.approx(1 / 2)
    assert score({"red": {"blue"}}, "dot") == 1.0


def test_an_encoder_of_one_vector_for_all_texts_finds_nothing() -> None:
    same = {f"text {i}": [1.0, 1.0] for i in range(30)}
    assert score({"text 0": {"text 1"}}, "cosine", same) == 0.0


def test_a_query_without_relevant_documents_is_not_counted() -> None:
    ranking = Ranking({"red": "red"}, {"fox": "fox"}, {"red": set()})
    assert len(RankingEvaluator(ranking, ("", ""), "dot")) == 0
