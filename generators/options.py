"""Options of the generators; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Interval, MultipleOf

from bench.options import Count, CountOrZero, NonNegative, Section, Share, ShareBelowOne

__cache_neutral__ = True

VocabularySize: TypeAlias = Annotated[int, Ge(8)]


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


@dataclass(frozen=True)
class BartOptions(Section):
    """The BART rows: weights, and the shape where the weights are made here."""

    section: ClassVar[str] = "bart"
    weights: str = "auto"
    """A hub id, a folder, ``self`` (text infilling on the training split), ``minilm`` (English: MiniLM's
    encoder, and a random decoder that a few hundred steps do not teach to read), or ``auto``:
    fnlp/bart-base-chinese for Chinese, facebook/bart-base for English (paper, IV-B3: a Chinese BART)."""
    revision: str | None = None
    """The revision of a hub id; none takes the one pinned for that id, or the newest."""
    lr: NonNegative = 5e-5
    """Learning rate (paper, IV-B3)."""
    encoder_layers: Count = 6
    """Layers of an encoder made here (paper, IV-B3)."""
    decoder_layers: Count = 6
    """Layers of a decoder made here (paper, IV-B3)."""
    width: Count = 768
    """Width of a model made here, a multiple of ``heads`` (paper, IV-B3)."""
    heads: Count = 12
    """Attention heads of a model made here (Lewis et al. 2020, base)."""
    feed_forward: Count = 3072
    """Width of the feed-forward layers of a model made here (Lewis et al. 2020, base)."""
    dropout: ShareBelowOne = 0.1
    """Of weights made here (``self``, ``minilm``) and of fusions; a checkpoint has a value for itself."""
    fusion_lr: NonNegative | None = None
    """The rate of a fusion, which is not pretrained, as a multiple of the row's; none takes 5 for VG-BART
    (VG-GPLMs: 1.5e-4 / 3e-5, its layer norm excepted) and 1 for BART (MM) (paper, IV-B3: one rate)."""
    token_positions: Literal["kept", "shifted"] = "kept"
    """In BART (MM), tokens keep the positions that pretraining saw, or follow the frames (ours; kept had the
    lower validation loss on the demo, 2.398 against 2.432)."""
    fusion_width: Count = 256
    """Common width of VG-BART (MH), a multiple of ``fusion_heads`` (reference-models.md, section 6)."""
    fusion_heads: Count = 1
    """Heads of VG-BART (MH); the released code's default is 1 (reference-models.md, section 6)."""
    softmax_axis: Literal["frames", "text"] = "frames"
    """``text`` is what VG-BART (DP)'s released code does: a softmax over text positions, without a mask."""

    def __post_init__(self) -> None:
        _check_heads(self, "heads", "width")
        _check_heads(self, "fusion_heads", "fusion_width")


@dataclass(frozen=True)
class PretrainOptions(Section):
    """Text infilling, for ``bart.weights=self`` (Lewis et al. 2020, section 2.2)."""

    section: ClassVar[str] = "pretrain"
    steps: Count = 20_000
    """Training steps; fewer where a stop rule says so (ours)."""
    batch_size: Count = 64
    """Texts in a training step; transcripts, queries and ``texts`` have equal shares (ours)."""
    texts: str | None = None
    """A file of unlabelled texts, such as queries without videos: one a line, or ``.jsonl`` with ``text``."""
    window: CountOrZero = 0
    """Tokens of an example, cut from a longer text at a new place each time; 0 takes as many as rows read."""
    lr: NonNegative = 5e-4
    """Learning rate (ours)."""
    warmup: ShareBelowOne = 0.05
    """Share of the steps in which the rate rises (ours)."""
    masked: Share = 0.3
    """Share of the tokens that spans take away (Lewis et al. 2020, section 2.2)."""
    span: NonNegative = 3.0
    """Mean of the Poisson distribution of span lengths (Lewis et al. 2020, section 2.2)."""
    evaluation_steps: Count = 250
    """Steps between measurements of the loss on held-out texts; the weights of the best are kept (ours)."""
    patience: Count | None = None
    """Stop after so many measurements without a gain of ``least_gain``; none does all steps (ours)."""
    least_gain: NonNegative = 0.0
    """A fall of the held-out loss, in nats per token, that counts for ``patience`` (ours)."""
    target_loss: NonNegative = 0.0
    """Stop when the held-out loss, in nats per token, is as low as this; 0 never does (ours)."""


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
        _check_heads(self, "heads", "width")


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
        _check_heads(self, "heads", "width")


@dataclass(frozen=True)
class QMSOptions(Section):
    """QMS and its ablations (paper, section III; paper-audit.md, parts A1 to A4)."""

    section: ClassVar[str] = "qms"
    tau: Share = 0.5
    """A word is selected from this probability on (eq. 5)."""
    mu: Annotated[float, Interval(ge=-1, le=1)] | None = None
    """Queries less similar than this to the mean of their set are rejected (eq. 13). None takes 0.75, the
    paper's for mean BERT vectors, or what goes with the encoder: MiniLM 0.55."""
    entity_weight: NonNegative = 0.5
    """Lambda of eq. 18."""
    entity_loss: Literal["mean", "sum"] = "mean"
    """``mean`` over a transcript's words, or ``sum`` (eq. 10 to the letter; it grows with the length)."""
    beta: NonNegative = 0.5
    """Strength of the regulariser of eq. 18."""
    regulariser: Literal["decoupled", "norm", "plain"] = "decoupled"
    """``decoupled`` (AdamW's decay), ``norm`` (the un-squared Frobenius norm of eq. 18), ``plain`` (none)."""
    scores: Literal["free", "teacher"] = "free"
    """What U_v and U_t (eq. 15) are measured on: ``free`` greedy decodes, or ``teacher``-forced ones
    (cheaper, but the sampled query leaks into them)."""
    encoder: str = "auto"
    """What compares queries (eq. 11): ``minilm``, ``self`` (the family's pretrained encoder), a hub id or
    folder of a BERT, or ``auto``: MiniLM for English; for Chinese bert-base-chinese, or ``self``
    with ``bart.weights=self``."""
    fresh_lr: NonNegative = 1.0
    """The rate of visual encoder and entity block, which are not pretrained, as a multiple of the row's
    (paper, IV-B3: one rate)."""
    dropout: ShareBelowOne = 0.1
    """Inside the perceptron of eq. 4 (paper-audit.md, decision 4)."""


@dataclass(frozen=True)
class MT5Options(Section):
    """The mT5 backbone (paper, Table VI)."""

    section: ClassVar[str] = "mt5"
    weights: str = "csebuetnlp/mT5_multilingual_XLSum"
    """A hub id or a folder (reference-models.md, section 8)."""
    revision: str | None = None
    """The revision of a hub id; none takes the newest."""
    lr: NonNegative = 1e-4
    """Learning rate; the paper's 5e-5 is low for this family (reference-models.md, section 8)."""


def _check_heads(section: Section, heads: str, width: str) -> None:
    """Raise ValueError when the heads cannot share the width alike."""
    count, size = getattr(section, heads), getattr(section, width)
    if size % count:
        raise ValueError(
            f"option {section.section}.{width}={size} is not allowed with {section.section}.{heads}={count}: "
            "expected a multiple of the heads."
        )
