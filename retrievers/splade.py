"""SPLADE: a masked language model writes the weights of words, also of words that a text does not have."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.context import Context
from bench.store.digests import digest
from bench.types import Json, QueryId, Run, VideoId
from bench.weights import digest_weights, quiet_loading
from retrievers.options import SpladeOptions
from retrievers.ranking import PaddedHits, pad_hits, search_texts
from retrievers.rerank import locate_named

if TYPE_CHECKING:
    from sentence_transformers import SparseEncoder

DECIMALS = 4
"""Decimals of scores: the last bits depend on the batch in which a text is encoded."""
SUGGESTED = "naver/splade-cocondenser-ensembledistil"
"""What the message suggests where no weights are set (CC BY-NC-SA 4.0)."""
SHOWN = 8
"""Words that explain a match."""
_CELLS = 2**24
"""Scores held in memory at a time, of some queries with all documents."""


class Splade:
    """Ranks summaries by the inner product of their sparse vector with the query's, over the vocabulary.

    An empty summary is never returned; an empty query has no hits. Raises MissingError where no weights are
    set. Source: Formal et al. 2021, SPLADE, through sentence-transformers' SparseEncoder.
    """

    label = "SPLADE"

    def __init__(self, context: Context) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ModuleNotFoundError(name="sentence_transformers")
        self._options = context.options(SpladeOptions)
        self._device = context.device
        self._video_ids: tuple[VideoId, ...] = ()
        self._empty = 0
        self._matrix: Any = None  # scipy's compressed rows, [documents, vocabulary]

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Encode the summaries, replacing what was indexed before; equal texts share a vector."""
        self._video_ids = tuple(sorted(summaries))
        texts = [summaries[video_id] for video_id in self._video_ids]
        self._empty = sum(1 for text in texts if not text.strip())
        distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        rows = [distinct[text] for text in texts]
        self._matrix = self._encode(list(distinct), "document")[rows] if distinct else None

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Search each query by its sparse vector: the best ``k`` documents above 0, ties by video id."""
        return search_texts(queries, self._video_ids, lambda texts: self._search(texts, k), k)

    def identity(self) -> Mapping[str, Json]:
        """Identify the encoder by the digest of its weights."""
        return {"weights": self._digest}

    def signature(self) -> Mapping[str, str]:
        """Name the weights and the start of their digest, for the signature line."""
        return {"weights": f"{self._options.weights} {self._digest[:8]}"}

    def coverage(self) -> Mapping[str, int]:
        """Count the empty summaries in the corpus indexed last."""
        return {"empty documents": self._empty}

    def parameters(self) -> int:
        """Count the parameters of the encoder."""
        return sum(one.numel() for one in self._model.parameters())

    def index_bytes(self) -> int:
        """Count the bytes of the vectors indexed last, 0 before `index`."""
        if self._matrix is None:
            return 0
        return int(
            sum(part.nbytes for part in (self._matrix.data, self._matrix.indices, self._matrix.indptr))
        )

    def explain(self, query: str, text: str) -> Sequence[str]:
        """List the words that contribute to the score of a query and a summary, the heaviest first."""
        shared = self._encode([query], "query").multiply(self._encode([text], "document")).tocoo()
        best = np.argsort(-shared.data, kind="stable")[:SHOWN]
        words = self._model.tokenizer.convert_ids_to_tokens(shared.col[best].tolist())
        pairs = zip(words, shared.data[best], strict=True)
        return [f"{word} {value:.2f}" for word, value in pairs] or ["no word in common"]

    def _search(self, texts: list[str], k: int) -> PaddedHits:
        if self._matrix is None:
            return pad_hits([(np.empty(0, dtype=np.int64), np.empty(0))] * len(texts))
        queries, documents = self._encode(texts, "query"), self._matrix.T.tocsr()
        step = max(1, _CELLS // len(self._video_ids))
        parts = (queries[start : start + step] @ documents for start in range(0, len(texts), step))
        return pad_hits([hit for part in parts for hit in self._best(part, k)])

    def _best(self, product: Any, k: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
        """Select each query's documents of a product ``[q, documents]``: the best ``k``, and their ties."""
        for start, end in zip(product.indptr[:-1], product.indptr[1:], strict=True):
            scores = np.round(product.data[start:end].astype(np.float64), DECIMALS)
            least = np.sort(scores)[-k] if len(scores) > k else 0.0  # ties with the last stay
            best = (scores >= least) & (scores > 0)
            yield product.indices[start:end][best].astype(np.int64), scores[best]

    def _encode(self, texts: Sequence[str], side: str) -> Any:
        """Encode texts as sparse vectors ``[n, vocabulary]``; that of an empty text is zero."""
        from scipy import sparse

        encode = self._model.encode_query if side == "query" else self._model.encode_document
        vectors = encode(
            list(texts),
            batch_size=self._options.batch_size,
            show_progress_bar=False,
            convert_to_tensor=True,
            convert_to_sparse_tensor=True,
        )
        vectors = vectors.coalesce().cpu()
        rows, columns = vectors.indices().numpy()
        filled = np.array([bool(text.strip()) for text in texts])[rows]
        values = vectors.values().numpy()[filled]
        return sparse.csr_matrix(
            (values, (rows[filled], columns[filled])), shape=(len(texts), vectors.shape[1])
        )

    @cached_property
    def _folder(self) -> Path:
        return locate_named(self._options.weights, "splade", "a sparse encoder", SUGGESTED)

    @cached_property
    def _digest(self) -> str:
        return digest(digest_weights(self._folder))

    @cached_property
    def _model(self) -> SparseEncoder:
        from sentence_transformers import SparseEncoder

        with quiet_loading():
            return SparseEncoder(str(self._folder), device=self._device)
