"""The dense retriever without training: texts become vectors, and the nearest vectors are the hits."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.context import Context
from bench.errors import UsageError
from bench.neural.e5 import PASSAGE_PREFIX, QUERY_PREFIX
from bench.store.code_digest import code_digest
from bench.types import Json, QueryId, Run, VideoId
from retrievers.dpr.embedding_cache import EmbeddingCache, embed
from retrievers.dpr.vectors import DECIMALS, VectorIndex
from retrievers.dpr.weights import Weights, locate
from retrievers.nearest import describe
from retrievers.options import DPROptions, DPRSearchOptions
from retrievers.ranking import Hits, PaddedHits, pad_hits, search_texts

if TYPE_CHECKING:
    from retrievers.dpr.encoding.encoders import Encoder


@dataclass(frozen=True)
class Role:
    """One side of the retriever, query or document: its weights and what precedes its texts."""

    name: str
    weights: str | None
    prefix: str
    option: str
    """The option that names the weights, for messages."""


class PretrainedDPR:
    """Ranks summaries by the inner product of their vector with the query's.

    All vectors are compared with the query's, or those that an approximate index reaches (``dpr-search``).
    Query and document are separate throughout: weights, prefix, encoder, cache. An empty summary has no
    vector and is never returned; an empty query has no hits.
    """

    label = "DPR (PT)"

    def __init__(self, context: Context) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ModuleNotFoundError(name="sentence_transformers")
        self._options = options = context.options(DPROptions)
        self._search_options = context.options(DPRSearchOptions)
        self._language, self._device = context.language, context.device
        self._context = context
        self._bf16 = self._search_options.precision == "bf16"
        self._instructions = _require_bf16() if self._bf16 and self._device == "cpu" else ""
        self.document = Role(
            "document",
            options.weights,
            self._prefix(options.document_prefix, options.weights, PASSAGE_PREFIX),
            "dpr.weights",
        )
        shared = options.query_weights is None
        self.query = Role(
            "query",
            options.weights if shared else options.query_weights,
            self._prefix(
                options.query_prefix, options.weights if shared else options.query_weights, QUERY_PREFIX
            ),
            "dpr.weights" if shared else "dpr.query_weights",
        )
        self._cache_enabled = True
        self._encoders: dict[str, Encoder] = {}
        self._located: dict[str, Weights] = {}
        self._video_ids: tuple[VideoId, ...] = ()
        self._counts: dict[str, int] = {}
        self._index: VectorIndex | None = None

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Index the summaries, replacing what was indexed before; equal texts share one vector."""
        self._video_ids = tuple(sorted(summaries))
        documents: dict[str, list[int]] = {}
        for number, video_id in enumerate(self._video_ids):
            if summaries[video_id].strip():
                documents.setdefault(summaries[video_id], []).append(number)
        texts = list(documents)
        vectors, numbers = self._embed(texts, self.document), list(documents.values())
        self._index = VectorIndex(vectors, numbers, self._device, self._search_options)
        cut = self._truncated(texts, self.document)
        self._counts = {
            "documents truncated": sum(len(documents[text]) for text in cut),
            "empty documents": len(summaries) - sum(map(len, documents.values())),
        }

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Search the best ``k`` documents of each query, scores of 6 decimals, ties by video id."""
        cut = self._truncated(list(dict.fromkeys(queries.values())), self.query)
        self._counts["queries truncated"] = sum(1 for text in queries.values() if text in cut)
        return search_texts(queries, self._video_ids, lambda texts: self._search(texts, k), k)

    @property
    def approximation(self) -> str:
        """How an index searches that may miss documents; empty for an exact search."""
        if self._search_options.method == "exact":
            return ""
        return self._index.description if self._index else describe(self._search_options)

    def search_exactly(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Search as `search`, but compare each query with all vectors."""
        return search_texts(queries, self._video_ids, lambda texts: self._search(texts, k, exactly=True), k)

    def encode(self, summaries: Mapping[VideoId, str], queries: Mapping[QueryId, str]) -> None:
        """Compute the vectors of summaries and queries, and store them for `index` and `search`."""
        for texts, role in ((summaries, self.document), (queries, self.query)):
            self._embed(list(dict.fromkeys(text for text in texts.values() if text.strip())), role)

    def identity(self) -> Mapping[str, Json]:
        """Digest each tower's weights. Raises MissingError when there are none."""
        return {role.name: self._weights(role).digest for role in (self.document, self.query)}

    def signature(self) -> Mapping[str, str]:
        """Name weights, pooling, similarity and prefixes of the two sides for the signature line."""
        sides = {role.name: self._describe(role) for role in (self.document, self.query)}
        towers = {"weights": sides["document"]} if len(set(sides.values())) == 1 else sides
        precision = {"precision": "bf16"} if self._bf16 else {}
        search = describe(self._search_options)
        return {**towers, "scores": f"{DECIMALS} decimals", "search": search, **precision}

    @contextmanager
    def uncached(self) -> Iterator[None]:
        """Encode everything anew within the block, so that timing measures the encoder and not the cache."""
        self._cache_enabled = False
        try:
            yield
        finally:
            self._cache_enabled = True

    def coverage(self) -> Mapping[str, int]:
        """Count the documents and queries that were cut at the encoder's limit, and the empty ones."""
        return dict(self._counts)

    def parameters(self) -> int:
        """Count the parameters of the towers; one that serves both sides counts once."""
        digests = {self._weights(role).digest: role for role in (self.document, self.query)}
        return sum(self._encoder(role).parameters() for role in digests.values())

    def index_bytes(self) -> int:
        """Measure the vectors indexed last in bytes; 0 before `index`."""
        return self._index.size() if self._index else 0

    def explain(self, query: str, text: str) -> Sequence[str]:
        """Explain a score: the similarity of a query and a summary; nothing of an empty one."""
        if not query.strip() or not text.strip():
            return ["no vector of an empty text"]
        left, right = self._embed([query], self.query)[0], self._embed([text], self.document)[0]  # [d] each
        return [f"similarity {float(left.astype(np.float64) @ right.astype(np.float64)):.4f}"]

    def _prefix(self, option: str | None, weights: str | None, default: str) -> str:
        """Determine the prefix of a side's texts: the option, or that of the Chinese default's training."""
        if option is not None:
            return option
        return default if weights is None and self._language != "en" else ""

    def _search(self, texts: list[str], k: int, *, exactly: bool = False) -> PaddedHits:
        if self._index is None:
            raise AssertionError("search before index")
        rows = [i for i, text in enumerate(texts) if text.strip()]
        results: Hits = [(np.empty(0, dtype=np.int64), np.empty(0))] * len(texts)
        vectors = self._embed([texts[i] for i in rows], self.query)  # [q, d]
        if rows and self._index.width not in (0, vectors.shape[1]):
            raise UsageError(
                f"dpr.query_weights gives vectors of {vectors.shape[1]} numbers, the documents' weights of "
                f"{self._index.width}: the two encoders must be of one kind."
            )
        search = self._index.search_exactly if exactly else self._index.search
        for i, hits in zip(rows, search(vectors, k), strict=True):
            results[i] = hits
        return pad_hits(results)

    def _embed(self, texts: Sequence[str], role: Role) -> npt.NDArray[np.float32]:
        if not texts:
            return np.empty((0, 1), dtype=np.float32)

        def encode(part: Sequence[str]) -> npt.NDArray[np.float32]:
            return self._encoder(role).encode([role.prefix + text for text in part])

        if not self._cache_enabled:
            return encode(texts)
        cache = EmbeddingCache(self._context.store.root / "embeddings", self._scope(role))
        return embed(texts, encode, cache, audit=self._context.audit_cache)

    def _scope(self, role: Role) -> dict[str, Json]:
        """Collect what decides a vector besides its text: the key of the cache of vectors."""
        return {
            "weights": self._weights(role).digest,
            "code": code_digest("retrievers.dpr.encoding.bf16"),  # and what it imports
            "role": role.name,
            "prefix": role.prefix,
            "max_tokens": self._options.max_tokens,
            "batch_size": self._options.batch_size,
            "bf16": self._bf16,
            "instructions": self._instructions,
        }

    def _truncated(self, texts: Sequence[str], role: Role) -> set[str]:
        texts = [text for text in texts if text.strip()]
        if not texts:
            return set()
        flags = self._encoder(role).truncated([role.prefix + text for text in texts])
        return {text for text, cut in zip(texts, flags, strict=True) if cut}

    def _encoder(self, role: Role) -> Encoder:
        weights = self._weights(role)
        if weights.digest not in self._encoders:
            self._encoders[weights.digest] = self._load(weights)
        return self._encoders[weights.digest]

    def _load(self, weights: Weights) -> Encoder:
        # torch and transformers take seconds to import
        from retrievers.dpr.encoding.bf16 import Bf16Encoder
        from retrievers.dpr.encoding.encoders import load_encoder

        limit, size = self._options.max_tokens, self._options.batch_size
        if self._instructions:
            return Bf16Encoder(weights, max_tokens=limit, batch_size=size)
        return load_encoder(weights, device=self._device, max_tokens=limit, batch_size=size, bf16=self._bf16)

    def _weights(self, role: Role) -> Weights:
        if role.name not in self._located:  # locating digests files: half a second and more for each search
            self._located[role.name] = locate(
                role.weights, self._language, option=role.option, store=self._context.store
            )
        return self._located[role.name]

    def _signature_weights(self, role: Role) -> Weights:
        """Look up the weights of a side that the signature names; subclasses may name others."""
        return self._weights(role)

    def _describe(self, role: Role) -> str:
        weights = self._signature_weights(role)
        prefix = f", prefix {role.prefix!r}" if role.prefix else ""
        return f"{weights.name} {weights.digest[:8]}, {weights.pooling} pooling, {weights.similarity}{prefix}"


def _require_bf16() -> str:
    """Name the instructions for bfloat16, on which sums depend. Raises UsageError when there are none."""
    from retrievers.dpr.encoding.bf16 import bf16_instructions

    found = bf16_instructions()
    if not found:
        raise UsageError(
            "dpr-search.precision=bf16: this processor has no instructions for bfloat16 (AMX or "
            "AVX512_BF16), without which it is many times as slow. Leave the option out, or use "
            "--device cuda."
        )
    return found
