"""Options that all trained rows share; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge

from bench.options import Count, CountOrZero, NonNegative, Section, Share, ShareBelowOne

__cache_neutral__ = True

VocabularySize: TypeAlias = Annotated[int, Ge(8)]


@dataclass(frozen=True)
class TextOptions(Section):
    """How much of each text a neural row reads, and the vocabulary of rows that start from nothing."""

    section: ClassVar[str] = "text"
    transcript_tokens: Annotated[int, Ge(3)] = 184  # [CLS], [SEP] and a token between them
    """Tokens read of a transcript, [CLS] and [SEP] included (paper, IV-A3)."""
    query_tokens: Count = 20
    """Tokens of a target query, without [CLS] and [SEP] (paper, IV-B3)."""
    vocabulary: VocabularySize = 8000
    """Limit of a vocabulary made of the training split: English sub-words, Chinese characters (ours)."""


@dataclass(frozen=True)
class TrainOptions(Section):
    """How every neural row is trained (paper, IV-B3)."""

    section: ClassVar[str] = "train"
    epochs: CountOrZero = 15
    """Passes over the training videos; 0 trains nothing (paper, IV-B3: about 15)."""
    batch_size: Count = 64
    """Videos in a training step (paper, IV-B3)."""
    lr: NonNegative | None = None
    """Learning rate; none takes the row's: ``bart.lr``, ``transformer.lr``, ``seq2seq.lr``, ``mdvc.lr``."""
    warmup: ShareBelowOne = 0.0
    """Share of the steps in which the rate rises; cosine to 0 follows (the paper states none)."""
    clip: NonNegative = 1.0
    """Largest gradient norm, 0 for no limit (the paper states none)."""
    weight_decay: NonNegative = 0.0
    """Decoupled decay (AdamW), not on biases and norms; at 0 AdamW is Adam (paper, IV-B3: Adam)."""
    drop_text: Share = 0.0
    """Share of a row's samples that lose their whole transcript, so that frames must be read (ours)."""
    drop_frames: Share = 0.0
    """Share of a row's samples that lose all frames; with ``drop_text`` at most 1 (ours)."""
    patience: Count | None = None
    """Stop after so many epochs without a better score on validation; none, and ``choose=last``, train to
    the end (ours)."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Numbers of training: ``bf16`` is autocast; ``auto`` is bf16 on a GPU, fp32 on a CPU (ours)."""
    choose: Literal["loss", "cider", "last"] = "loss"
    """Which epoch is kept: that of the least ``loss`` (teacher-forced, over all references of the validation
    videos), of the best ``cider`` (of their summaries, decoded as tested), or the ``last`` (ours; the
    paper's is the peak on validation of a metric that it does not name)."""
    validation_videos: CountOrZero = 0
    """The first so many validation videos are measured after each epoch; 0 takes all. A choice by few is
    a choice by chance: CIDEr of 50 videos has a standard error of 12 to 14 points (ours)."""
    checkpoint_steps: CountOrZero = 500
    """Steps between checkpoints from which a killed training goes on, besides one an epoch (ours)."""

    def __post_init__(self) -> None:
        if self.drop_text + self.drop_frames > 1:
            raise ValueError(
                f"option train.drop_text={self.drop_text} is not allowed with train.drop_frames="
                f"{self.drop_frames}: a sample keeps one of them, expected a sum of at most 1."
            )


@dataclass(frozen=True)
class DecodeOptions(Section):
    """The beam search of every neural row; a checkpoint's settings of generation do not count."""

    section: ClassVar[str] = "decode"
    beams: Count = 4
    """Beams of the search; 1 is greedy (paper, IV-B3)."""
    max_tokens: Count = 20
    """Limit of a summary's tokens, without [CLS] and [SEP] (paper, IV-B3)."""
    length_penalty: float = 1.0
    """A finished beam scores its log-probability / length ** this (reference-models.md, section 5)."""
    no_repeat_ngram: CountOrZero = 3
    """No n-gram of this length occurs twice; 0 allows repeats (3 is what fnlp/bart-base-chinese sets)."""
    early_stopping: Literal["true", "false", "never"] = "true"
    """``true`` ends with ``beams`` finished beams; ``false``, ``never`` search longer, as in transformers."""
    batch_size: Count = 64
    """Videos summarized at once (paper, IV-B3)."""


def check_heads(section: Section, heads: str, width: str) -> None:
    """Raise ValueError when the heads cannot share the width alike."""
    count, size = getattr(section, heads), getattr(section, width)
    if size % count:
        raise ValueError(
            f"option {section.section}.{width}={size} is not allowed with {section.section}.{heads}={count}: "
            "expected a multiple of the heads."
        )
