"""Options of simple rows, and of those without pretraining; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, MultipleOf

from bench.options import Count, CountOrZero, NonNegative, Section, Share, ShareBelowOne
from generators.neural.options import VocabularySize, check_heads

__cache_neutral__ = True


@dataclass(frozen=True)
class LeadOptions(Section):
    """How much Lead takes."""

    section: ClassVar[str] = "lead"
    units: CountOrZero = 8
    """Characters of Chinese, words of English (paper, IV-B2: P = 8, the mean query length rounded up); 0
    takes the mean length of the training queries, rounded up, which is 14 in ActivityNet."""


@dataclass(frozen=True)
class TrainingFreeOptions(Section):
    """What the rows take that need no training: ``tfidf``, ``textrank``, ``yake``, ``minilm-select``."""

    section: ClassVar[str] = "training-free"
    units: Count | None = None
    """Length of a summary: words of English, characters of Chinese; none takes ``lead.units`` (ours)."""
    window: Annotated[int, Ge(2)] = 2
    """TextRank: words within so many words are joined (Mihalcea & Tarau 2004, section 3.2: 2 was best)."""
    max_document_share: Share = 0.2
    """TextRank: words in more than this share of the training transcripts are left out (ours)."""
    candidates: Literal["phrases", "sentences"] = "phrases"
    """MiniLM select: runs of one to three content words, or sentences of at most ``units`` words (ours)."""
    relevance: Share = 0.7
    """MiniLM select: lambda of maximal marginal relevance; less of it makes phrases differ more (ours)."""


@dataclass(frozen=True)
class TransformerOptions(Section):
    """The Transformer row: a BART shape without pretraining (reference-models.md, section 3)."""

    section: ClassVar[str] = "transformer"
    lr: NonNegative = 1e-4
    """Learning rate (ours; the paper states one for all rows)."""
    layers: Count = 6
    """Layers of encoder and of decoder (paper, IV-B3)."""
    width: Count = 768
    """Width, a multiple of ``heads`` (paper, IV-B3)."""
    heads: Count = 12
    """Attention heads (reference-models.md, section 3)."""
    feed_forward: Count = 3072
    """Width of the feed-forward layers (reference-models.md, section 3)."""
    dropout: ShareBelowOne = 0.1
    """Dropout (reference-models.md, section 3)."""
    warmup_steps: CountOrZero = 0
    """Steps in which the rate rises, half of all at most; 0 takes ``train.warmup`` (reference-models.md,
    section 3: 1,000)."""

    def __post_init__(self) -> None:
        check_heads(self, "heads", "width")


@dataclass(frozen=True)
class Seq2SeqOptions(Section):
    """The Seq2Seq row (Luong et al. 2015; reference-models.md, section 2)."""

    section: ClassVar[str] = "seq2seq"
    lr: NonNegative = 1e-3
    """Learning rate (reference-models.md, section 2)."""
    layers: Count = 2
    """Layers of encoder and of decoder (reference-models.md, section 2)."""
    width: Annotated[int, Ge(2), MultipleOf(2)] = 512
    """Hidden width; the two directions of the encoder share it (reference-models.md, section 2)."""
    dropout: ShareBelowOne = 0.3
    """Dropout (reference-models.md, section 2)."""


@dataclass(frozen=True)
class MDVCOptions(Section):
    """The MDVC row (Iashin & Rahtu 2020), with two streams (reference-models.md, section 4)."""

    section: ClassVar[str] = "mdvc"
    lr: NonNegative = 1e-4
    """Learning rate (ours; the released code's is 1e-5)."""
    layers: Count = 2
    """Layers of encoders and of decoders (reference-models.md, section 4)."""
    width: Count = 512
    """Width of each stream, a multiple of ``heads`` (reference-models.md, section 4)."""
    heads: Count = 4
    """Attention heads (reference-models.md, section 4)."""
    feed_forward: Count = 2048
    """Width of the feed-forward layers (reference-models.md, section 4)."""
    dropout: ShareBelowOne = 0.1
    """Dropout (reference-models.md, section 4)."""
    smoothing: ShareBelowOne = 0.1
    """Label smoothing; the released code's 0.7 is meant for longer targets (ours)."""
    vocabulary: VocabularySize = 3000
    """Limit of written tokens, of the training queries alone: the output layer has the square of it (ours).
    What is read has a vocabulary of transcripts and queries, limited by ``text.vocabulary``."""

    def __post_init__(self) -> None:
        check_heads(self, "heads", "width")
