"""Options of the retrievers; light, because every command reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section

ENGINES = ("lucene", "bm25s")
ANALYZERS = ("auto", "en", "zh", "standard")
SIBLINGS, SUMMARIES = "siblings", "summaries"


@dataclass(frozen=True)
class BM25Options(Section):
    """BM25's parameters; defaults are Anserini's."""

    section: ClassVar[str] = "bm25"
    k1: float = 0.9
    b: float = 0.4
    engine: str = "lucene"
    """``lucene`` is Lucene itself, ``bm25s`` the same ranking without Java."""
    analyzer: str = "auto"
    """``auto`` takes the dataset's language: ``en`` Porter stems and stop words, ``zh`` CJK bigrams.
    ``standard`` fits both: whole words and single ideographs, nothing stemmed, nothing left out."""

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

    def __post_init__(self) -> None:
        _within("dpr.batch_size", self.batch_size, (1, math.inf))
        if self.max_tokens is not None:
            # a text needs room for the two tokens that frame it and one of its own
            _within("dpr.max_tokens", self.max_tokens, (3, math.inf))


@dataclass(frozen=True)
class DPRFinetuneOptions(Section):
    """How the dense retriever is fine-tuned; the defaults fit a CPU."""

    section: ClassVar[str] = "dpr-ft"
    positives: str = SIBLINGS
    """``siblings``: a query is paired with other queries of its training video, whoever writes summaries;
    ``summaries``: with each generator's own summary of that video, a model for each generator."""
    untied: bool = True
    """A tower of its own for each side, as in DPR (Karpukhin et al. 2020, section 3.1)."""
    epochs: int = 1
    batch_size: int = 32
    lr: float = 2e-5
    warmup_ratio: float = 0.1
    scale: float = 20.0
    """What cosines are multiplied by before the softmax: one over the temperature."""
    max_pairs: int | None = 2000
    """Pairs trained on, drawn with the seed; None takes all."""

    def __post_init__(self) -> None:
        _one_of("dpr-ft.positives", self.positives, (SIBLINGS, SUMMARIES))
        for key in ("epochs", "batch_size"):
            _within(f"dpr-ft.{key}", getattr(self, key), (1, math.inf))
        _within("dpr-ft.lr", self.lr, (0.0, math.inf))
        _within("dpr-ft.scale", self.scale, (0.0, math.inf))
        _within("dpr-ft.warmup_ratio", self.warmup_ratio, (0.0, 1.0))
        if self.max_pairs is not None:
            _within("dpr-ft.max_pairs", self.max_pairs, (1, math.inf))


@dataclass(frozen=True)
class HybridOptions(Section):
    """Which rankings are fused, and how."""

    section: ClassVar[str] = "hybrid"
    retrievers: str = "bm25,dpr-pt"
    """Two or more retrievers, comma-separated."""
    k: int = 60
    """The constant of reciprocal rank fusion (Cormack et al. 2009)."""
    depth: int = 1000
    """Documents taken of each member."""

    def __post_init__(self) -> None:
        for key in ("k", "depth"):
            _within(f"hybrid.{key}", getattr(self, key), (1, math.inf))


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"option {key}={value!r} is unknown. Known: {', '.join(known)}.")


def _within(key: str, value: float, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if not (math.isfinite(value) and low <= value <= high):
        limit = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise ValueError(f"option {key}={value!r} is out of range: it must be {limit}.")
