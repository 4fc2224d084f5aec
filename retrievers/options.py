"""Options of the retrievers; light, because every command reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section

ENGINES = ("lucene", "bm25s")
ANALYZERS = ("auto", "en", "zh")


@dataclass(frozen=True)
class BM25Options(Section):
    """BM25's parameters; defaults are Anserini's."""

    section: ClassVar[str] = "bm25"
    k1: float = 0.9
    b: float = 0.4
    engine: str = "lucene"
    """``lucene`` is Lucene itself, ``bm25s`` the same ranking without Java."""
    analyzer: str = "auto"
    """``auto`` takes the dataset's language; ``en`` Porter stems and stop words, ``zh`` CJK bigrams."""

    def __post_init__(self) -> None:
        _one_of("bm25.engine", self.engine, ENGINES)
        _one_of("bm25.analyzer", self.analyzer, ANALYZERS)
        _within("bm25.k1", self.k1, (0.0, math.inf))
        _within("bm25.b", self.b, (0.0, 1.0))


@dataclass(frozen=True)
class DPROptions(Section):
    """The dense retriever's weights and limits."""

    section: ClassVar[str] = "dpr"
    weights: str | None = None
    """Hub id or folder; None is MiniLM for English, and nothing for Chinese."""
    query_weights: str | None = None
    """The query tower, when it is not the document tower."""
    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int | None = None
    """None takes the model's own limit."""
    batch_size: int = 64
    audit_cache: bool = False
    """Compute a sample of the embeddings read from the cache again and compare."""

    def __post_init__(self) -> None:
        _within("dpr.batch_size", self.batch_size, (1, math.inf))
        if self.max_tokens is not None:
            # a text needs room for the two tokens that frame it and one of its own
            _within("dpr.max_tokens", self.max_tokens, (3, math.inf))


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"option {key}={value!r} is unknown. Known: {', '.join(known)}.")


def _within(key: str, value: float, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if not (math.isfinite(value) and low <= value <= high):
        limit = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise ValueError(f"option {key}={value!r} is out of range: it must be {limit}.")
