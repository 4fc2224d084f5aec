"""Options of the generators; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section
from generators.ranges import divides, one_of, within

SOME, ANY, SHARE = (1, None), (0, None), (0, 1)
BELOW_ONE = (0, 0.999999)


@dataclass(frozen=True)
class LeadOptions(Section):
    """How much Lead takes."""

    section: ClassVar[str] = "lead"
    units: int = 8
    """Characters of Chinese, words of English (paper, IV-B2: P = 8, the mean query length rounded up)."""

    def __post_init__(self) -> None:
        within(self, units=SOME)


@dataclass(frozen=True)
class TextOptions(Section):
    """How much of each text a neural row reads, and the vocabulary of rows that start from nothing."""

    section: ClassVar[str] = "text"
    transcript_tokens: int = 184
    """With [CLS] and [SEP] (paper, IV-A3)."""
    query_tokens: int = 20
    """Without specials (paper, IV-B3)."""
    vocabulary: int = 8000
    """Most tokens of a vocabulary made of the training split: English sub-words, Chinese characters."""

    def __post_init__(self) -> None:
        within(self, transcript_tokens=(3, None), query_tokens=SOME, vocabulary=(8, None))


@dataclass(frozen=True)
class TrainOptions(Section):
    """How every neural row is trained (paper, IV-B3)."""

    section: ClassVar[str] = "train"
    epochs: int = 15
    batch_size: int = 64
    lr: float | None = None
    """None takes the row's own: ``bart.lr``, ``transformer.lr``, ``seq2seq.lr``, ``mdvc.lr``."""
    warmup: float = 0.0
    """Share of the steps with a rising rate; cosine to 0 follows. The paper states none."""
    clip: float = 1.0
    """Largest gradient norm, 0 for no limit."""
    weight_decay: float = 0.0
    """Decoupled (AdamW), not on biases and norms; at 0 AdamW is Adam."""
    patience: int | None = None
    """Stop after so many epochs without a better CIDEr on validation; None trains to the end."""
    precision: str = "auto"
    """``fp32``, ``bf16`` (autocast), or ``auto``: bf16 on a GPU, fp32 on a CPU."""
    validation_videos: int = 0
    """CIDEr is measured on the first so many validation videos after each epoch; 0 takes all."""
    validation_beams: int = 4
    """Beams of those decodes; 1 is greedy, about three times cheaper."""
    checkpoint_steps: int = 500
    """A checkpoint to continue from after so many steps, besides one after each epoch."""

    def __post_init__(self) -> None:
        within(self, epochs=ANY, batch_size=SOME, lr=ANY, warmup=BELOW_ONE, clip=ANY, weight_decay=ANY)
        within(self, patience=SOME, validation_videos=ANY, validation_beams=SOME, checkpoint_steps=ANY)


@dataclass(frozen=True)
class DecodeOptions(Section):
    """The one beam search of every neural row; nothing is left to a checkpoint's own settings."""

    section: ClassVar[str] = "decode"
    beams: int = 4
    max_tokens: int = 20
    """Most tokens of a summary, without specials."""
    length_penalty: float = 1.0
    """A finished beam scores its log-probability / length ** this."""
    no_repeat_ngram: int = 3
    """No n-gram of this length occurs twice; 0 allows repeats. 3 is what fnlp/bart-base-chinese sets."""
    early_stopping: str = "true"
    """``true`` ends with ``beams`` finished beams; ``false``, ``never`` look longer, as in transformers."""
    batch_size: int = 64

    def __post_init__(self) -> None:
        within(self, beams=SOME, max_tokens=SOME, no_repeat_ngram=ANY, batch_size=SOME)


@dataclass(frozen=True)
class BartOptions(Section):
    """The BART rows: weights, and the shape where the weights are made here."""

    section: ClassVar[str] = "bart"
    weights: str = "auto"
    """A hub id, a folder, ``self`` (text infilling on the training split), ``minilm`` (English:
    MiniLM's encoder, random decoder), or ``auto``: fnlp/bart-base-chinese for Chinese,
    facebook/bart-base for English."""
    revision: str | None = None
    """The revision of a hub id; None takes the one pinned in generators/weights.py, or the newest."""
    lr: float = 5e-5
    encoder_layers: int = 6
    decoder_layers: int = 6
    width: int = 768
    heads: int = 12
    feed_forward: int = 3072
    dropout: float = 0.1
    """Of weights made here (``self``, ``minilm``) and of fusions; a checkpoint brings its own."""
    fusion_lr: float = 5.0
    """The rate of parts without pretraining, as a multiple of ``bart.lr`` (VG-GPLMs: 1.5e-4 / 3e-5)."""
    fusion_width: int = 256
    """Common width of VG-BART (MH)."""
    fusion_heads: int = 1
    """Heads of VG-BART (MH); the released code's default is 1."""
    softmax_axis: str = "frames"
    """``text`` is what VG-BART (DP)'s released code does: a softmax over text positions, without a mask."""

    def __post_init__(self) -> None:
        within(self, lr=ANY, encoder_layers=SOME, decoder_layers=SOME, width=SOME, heads=SOME)
        within(
            self, feed_forward=SOME, dropout=BELOW_ONE, fusion_lr=ANY, fusion_width=SOME, fusion_heads=SOME
        )
        one_of(self, "softmax_axis", "frames", "text")
        divides(self, "heads", "width")
        divides(self, "fusion_heads", "fusion_width")


@dataclass(frozen=True)
class PretrainOptions(Section):
    """Text infilling, for ``bart.weights=self`` (Lewis et al. 2020, section 2.2)."""

    section: ClassVar[str] = "pretrain"
    epochs: int = 10
    batch_size: int = 64
    lr: float = 5e-4
    warmup: float = 0.05
    masked: float = 0.3
    """Share of the tokens that spans take away."""
    span: float = 3.0
    """Mean of the Poisson distribution of span lengths."""
    window: int = 64
    """Tokens of a training example, cut from a transcript at a new place each epoch; 0 takes it whole."""

    def __post_init__(self) -> None:
        within(
            self, epochs=SOME, batch_size=SOME, lr=ANY, warmup=BELOW_ONE, masked=SHARE, span=ANY, window=ANY
        )


@dataclass(frozen=True)
class TransformerOptions(Section):
    """The Transformer row: a BART shape without pretraining."""

    section: ClassVar[str] = "transformer"
    lr: float = 1e-4
    layers: int = 6
    width: int = 768
    heads: int = 12
    feed_forward: int = 3072
    dropout: float = 0.1

    def __post_init__(self) -> None:
        within(self, lr=ANY, layers=SOME, width=SOME, heads=SOME, feed_forward=SOME, dropout=BELOW_ONE)
        divides(self, "heads", "width")


@dataclass(frozen=True)
class Seq2SeqOptions(Section):
    """The Seq2Seq row (Luong et al. 2015)."""

    section: ClassVar[str] = "seq2seq"
    lr: float = 1e-3
    layers: int = 2
    width: int = 512
    dropout: float = 0.3

    def __post_init__(self) -> None:
        within(self, lr=ANY, layers=SOME, width=(2, None), dropout=BELOW_ONE)
        if self.width % 2:
            raise ValueError(f"option seq2seq.width={self.width} is odd: two directions share it.")


@dataclass(frozen=True)
class MDVCOptions(Section):
    """The MDVC row (Iashin & Rahtu 2020), with two streams."""

    section: ClassVar[str] = "mdvc"
    lr: float = 1e-4
    layers: int = 2
    width: int = 512
    heads: int = 4
    feed_forward: int = 2048
    dropout: float = 0.1
    smoothing: float = 0.1
    """Label smoothing; the released code's 0.7 is meant for longer targets."""
    vocabulary: int = 3000
    """Most tokens, built from the training queries alone: the output layer has the square of it."""

    def __post_init__(self) -> None:
        within(self, lr=ANY, layers=SOME, width=SOME, heads=SOME, feed_forward=SOME, dropout=BELOW_ONE)
        within(self, smoothing=BELOW_ONE, vocabulary=(8, None))
        divides(self, "heads", "width")


@dataclass(frozen=True)
class QMSOptions(Section):
    """QMS and its ablations (paper, section III; paper-audit.md, parts A1 to A4)."""

    section: ClassVar[str] = "qms"
    tau: float = 0.5
    """A word is selected from this probability on (eq. 5)."""
    mu: float | None = None
    """Queries less similar than this to the mean of their set are rejected (eq. 13). None takes 0.75, the
    paper's for mean BERT vectors, or what goes with the encoder (generators/sentences.py): MiniLM 0.55."""
    entity_weight: float = 0.5
    """Lambda of eq. 18."""
    entity_loss: str = "mean"
    """``mean`` over a transcript's words, or ``sum`` (eq. 10 to the letter; it grows with the length)."""
    beta: float = 0.5
    """Strength of the regulariser of eq. 18."""
    regulariser: str = "decoupled"
    """``decoupled`` (AdamW's decay), ``norm`` (the un-squared Frobenius norm, to the letter) or ``plain``."""
    scores: str = "free"
    """What U_v and U_t (eq. 15) are measured on: ``free`` greedy decodes, or ``teacher``-forced ones
    (cheaper, but the sampled query leaks into them)."""
    encoder: str = "auto"
    """What compares queries (eq. 11): ``minilm``, ``self`` (the family's own pretrained encoder), a hub id or
    folder of a BERT, or ``auto``: MiniLM for English; for Chinese bert-base-chinese, or ``self``
    with ``bart.weights=self``."""
    fresh_lr: float = 1.0
    """The rate of visual encoder and entity block, which are not pretrained, as a multiple of the row's."""
    dropout: float = 0.1
    """Inside the perceptron of eq. 4."""

    def __post_init__(self) -> None:
        within(self, tau=SHARE, mu=(-1, 1), entity_weight=ANY, beta=ANY, fresh_lr=ANY, dropout=BELOW_ONE)


@dataclass(frozen=True)
class MT5Options(Section):
    """The mT5 backbone (paper, Table VI)."""

    section: ClassVar[str] = "mt5"
    weights: str = "csebuetnlp/mT5_multilingual_XLSum"
    """A hub id or a folder."""
    revision: str | None = None
    lr: float = 1e-4
    """5e-5, the paper's, is low for this family (reference-models.md, section 8)."""

    def __post_init__(self) -> None:
        within(self, lr=ANY)
