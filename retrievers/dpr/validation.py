"""Validation of a dense encoder while it is trained: how early a query finds a relevant document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator

from retrievers.dpr.pairs import Ranking

METRIC = "val_mrr@10"
"""Mean reciprocal rank at depth 10 on the validation split, by which an epoch is selected."""
DEPTH = 10
ROWS = 256
"""Queries scored at once: memory grows with the number of documents only."""


class RankingEvaluator(BaseEvaluator):
    """Rank all documents of validation for each query, with the similarity that the retriever uses.

    The query's text itself is no document for it, unless it is relevant: it would be the first hit of any
    encoder. Of equal scores the relevant document comes last, so that an encoder that gives every text the
    same vector scores 0.
    """

    def __init__(self, ranking: Ranking, prefixes: tuple[str, str], similarity: str) -> None:
        self.greater_is_better, self.primary_metric = True, METRIC  # what the base class would set
        keys = [key for key in ranking.queries if ranking.relevant[key]]
        self._queries = [prefixes[0] + ranking.queries[key] for key in keys]
        self._documents = [prefixes[1] + text for text in ranking.documents.values()]
        numbers = {key: i for i, key in enumerate(ranking.documents)}
        self._relevant = [sorted(numbers[text] for text in ranking.relevant[key]) for key in keys]
        self._same = [
            numbers[key] if key in numbers and key not in ranking.relevant[key] else None for key in keys
        ]
        self._normalise = similarity == "cosine"

    def __len__(self) -> int:
        """Count the queries of the validation."""
        return len(self._queries)

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Compute the mean reciprocal rank of an encoder on the validation queries, to select the epoch."""
        queries = self._encode(model, self._queries, "query")
        documents = self._encode(model, self._documents, "document")
        total = 0.0
        for start in range(0, len(queries), ROWS):
            scores = queries[start : start + ROWS] @ documents.T  # [r, d] @ [d, n] -> [r, n]
            for i, row in enumerate(scores, start):
                total += _reciprocal_rank(row, self._relevant[i], self._same[i])
        return {METRIC: total / len(queries)}

    def _encode(self, model: SentenceTransformer, texts: Sequence[str], side: str) -> torch.Tensor:
        vectors: torch.Tensor = model.encode(  # [n, d]
            list(texts),
            prompt="",  # the retriever's prefixes are in the texts
            task=side,
            show_progress_bar=False,
            convert_to_tensor=True,
            normalize_embeddings=self._normalise,
        )
        return vectors


def _reciprocal_rank(scores: torch.Tensor, relevant: Sequence[int], same: int | None) -> float:
    """Compute one over the rank of the first relevant document, 0 below `DEPTH`; ``scores`` is ``[n]``."""
    best = scores[list(relevant)].max()
    others = scores.clone()
    others[list(relevant)] = -torch.inf
    if same is not None:
        others[same] = -torch.inf
    rank = 1 + int((others >= best).sum())
    return 1 / rank if rank <= DEPTH else 0.0
