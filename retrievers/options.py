"""Options of the retrievers; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section


@dataclass(frozen=True)
class BM25Options(Section):
    """BM25's parameters; defaults are Anserini's."""

    section: ClassVar[str] = "bm25"
    k1: float = 0.9
    b: float = 0.4
    engine: str = "lucene"
    analyzer: str = "auto"
    """``auto`` takes the dataset's language; ``en`` Porter stems and stop words, ``zh`` CJK bigrams."""
    threads: int = 2


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
