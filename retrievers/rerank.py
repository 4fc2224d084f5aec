"""Reranking: a cross-encoder, which reads query and document together, orders what BM25 returns first."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.context import Context
from bench.errors import MissingError
from bench.store.digests import digest
from bench.systems.ensemble import build_member
from bench.types import NO_HIT, Json, QueryId, Run, VideoId
from bench.weights import digest_weights, locate_weights, quiet_loading
from retrievers.options import RerankOptions

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

DECIMALS = 4
"""Decimals of scores: the last bits depend on the batch in which a pair is scored."""
SUGGESTED = "cross-encoder/ms-marco-MiniLM-L6-v2"
"""What the message suggests where no weights are set (Apache-2.0)."""


class Rerank:
    """Ranks the best ``rerank.k`` documents of BM25 by a cross-encoder's score; the others follow unchanged.

    Scores are the logit of a model with one output. Raises MissingError where no weights are set or they are
    not those of a reranker. Source: Nogueira and Cho 2019.
    """

    label = "BM25 + reranker"

    def __init__(self, context: Context) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ModuleNotFoundError(name="sentence_transformers")
        self._options = context.options(RerankOptions)
        self._device = context.device
        self._first = build_member(context, "bm25")
        self._texts: dict[VideoId, str] = {}

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Index the summaries with BM25, and keep their texts."""
        self._texts = dict(summaries)
        self._first.system.index(summaries)

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Rerank the documents that BM25 retrieves: the best ``k`` of each query, ties by video id."""
        run = self._first.system.search(queries, max(k, self._options.k))
        scores = np.full(run.scores.shape, -np.inf)  # [q, m]
        reranked = run.hits[:, : self._options.k]
        pairs = {
            (query, self._texts[run.video_ids[hit]]): 0.0
            for query, hits in zip(queries.values(), reranked.tolist(), strict=True)
            for hit in hits
            if hit != NO_HIT
        }
        values = dict(zip(pairs, self._score(list(pairs)), strict=True))
        for row, query in enumerate(queries.values()):
            hits = [hit for hit in run.hits[row].tolist() if hit != NO_HIT]
            head = [values[query, self._texts[run.video_ids[hit]]] for hit in hits[: self._options.k]]
            rest = run.scores[row, len(head) : len(hits)]
            below = np.unique(-rest, return_inverse=True)[1].reshape(-1)  # equal scores stay equal
            scores[row, : len(hits)] = [*head, *(min(head, default=0.0) - 1.0 - below)]
        return Run.from_arrays(run.query_ids, run.video_ids, run.hits, scores, k)

    def identity(self) -> Mapping[str, Json]:
        """Identify the retriever by the digest of its weights and the key of BM25."""
        return {"weights": self._digest, "first": dict(self._first.key)}

    def signature(self) -> Mapping[str, str]:
        """Describe the weights, the number of documents they rank, and BM25 for the signature line."""
        weights = f"{self._options.weights} {self._digest[:8]}"
        return {"reranker": weights, "reranked": str(self._options.k), **self._first.signature()}

    def coverage(self) -> Mapping[str, int]:
        """Count what BM25 could not index, which is therefore never reranked."""
        return self._first.coverage()

    def parameters(self) -> int:
        """Count the parameters of the cross-encoder."""
        return sum(one.numel() for one in self._model.parameters())

    def explain(self, query: str, text: str) -> Sequence[str]:
        """Explain a hit by the cross-encoder's score of the query and the summary."""
        return [f"reranker's score {self._score([(query, text)])[0]:.4f}"]

    def _score(self, pairs: list[tuple[str, str]]) -> list[float]:
        if not pairs:
            return []
        import torch

        scores = self._model.predict(
            pairs,
            batch_size=self._options.batch_size,
            show_progress_bar=False,
            activation_fn=torch.nn.Identity(),  # a sigmoid makes ties of the best
        )
        return [round(float(score), DECIMALS) for score in scores]

    @cached_property
    def _folder(self) -> Path:
        return locate_named(self._options.weights, "rerank", "a cross-encoder", SUGGESTED)

    @cached_property
    def _digest(self) -> str:
        return digest(digest_weights(self._folder))

    @cached_property
    def _model(self) -> CrossEncoder:
        from sentence_transformers import CrossEncoder

        limit: dict[str, Any] = {"max_length": self._options.max_tokens} if self._options.max_tokens else {}
        with quiet_loading():
            model: CrossEncoder = CrossEncoder(str(self._folder), device=self._device, **limit)
        if model.num_labels != 1:
            raise MissingError(
                f"rerank.weights={self._options.weights!r} has {model.num_labels} outputs for a pair, and a "
                f"reranker has one. Name another, such as {SUGGESTED}."
            )
        return model


def locate_named(weights: str | None, section: str, what: str, suggested: str) -> Path:
    """Locate the weights that ``SECTION.weights`` names. Raises MissingError with an example if none is."""
    option = f"{section}.weights"
    if weights is None:
        raise MissingError(
            f"{section} needs the weights of {what}, and none come with this package. Name a hub id, such as "
            f"--set {option}={suggested}, or a folder: --set {option}=FOLDER."
        )
    return locate_weights(weights, option=option)
