"""Options of the BART rows and of their pretraining; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from bench.options import Count, CountOrZero, NonNegative, Section, Share, ShareBelowOne
from generators.neural.options import check_heads

__cache_neutral__ = True


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
        check_heads(self, "heads", "width")
        check_heads(self, "fusion_heads", "fusion_width")


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
