"""The loss of fine-tuning: a query ranks its positive above what is a negative for it in the batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import nn

FILLER = -1
"""The number of a hard negative that represents none: it is masked everywhere."""


@dataclass(frozen=True)
class Relevance:
    """The videos of each query and of each document, by the numbers that equal texts share."""

    query_videos: Mapping[int, frozenset[int]]
    document_videos: Mapping[int, frozenset[int]]

    def is_negative(self, query: int, document: int) -> bool:
        """Check that a document is wrong for a query: another text, of none of its videos."""
        if document in (FILLER, query):
            return False
        return self.query_videos[query].isdisjoint(self.document_videos[document])

    def masked(self, queries: Sequence[int], documents: Sequence[int]) -> torch.Tensor:
        """Mark where row i must not take document j as a negative, ``[b, n]`` bool; never document i."""
        mask = torch.tensor(  # [b, n]
            [[not self.is_negative(query, document) for document in documents] for query in queries]
        )
        mask.fill_diagonal_(False)
        return mask


class MaskedRankingLoss(nn.Module):
    """Train a query to rank its positive above the other positives of the batch and all hard negatives.

    Source: Karpukhin et al. 2020, equation 2. Masked out, so never negatives, are documents of any video of
    the query, and those of the query's own text: the library's loss has no such mask, and its sampler without
    duplicates compares strings only. The similarity is the one that the retriever ranks with.
    """

    def __init__(
        self, model: SentenceTransformer, relevance: Relevance, *, similarity: str, scale: float
    ) -> None:
        super().__init__()
        self.model = model
        self._relevance, self._normalise, self._scale = relevance, similarity == "cosine", scale

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: torch.Tensor) -> torch.Tensor:
        """Compute the mean cross-entropy of the batch: each query should rank its document first.

        The features are those of queries, positives and hard negatives, as many of each; ``labels`` is
        ``[b, 2 + hard negatives]``, the number of each text.
        """
        vectors = [
            self.model(features)["sentence_embedding"] for features in sentence_features
        ]  # [b, d] each
        if self._normalise:
            vectors = [nn.functional.normalize(part) for part in vectors]
        queries, documents = vectors[0], torch.cat(vectors[1:])  # [b, d], [n, d]
        scores = queries @ documents.T * self._scale  # [b, d] @ [d, n] -> [b, n]
        columns = labels.T.tolist()  # [2 + hard negatives, b]
        masked = self._relevance.masked(columns[0], [text for part in columns[1:] for text in part])
        scores = scores.masked_fill(masked.to(scores.device), -torch.inf)
        targets = torch.arange(len(scores), device=scores.device)
        loss: torch.Tensor = nn.functional.cross_entropy(scores, targets)
        return loss
