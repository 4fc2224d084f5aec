"""BART, and a Transformer of its architecture without pretraining, as backbones of QMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.context import Context
from bench.types import Json, Video
from generators.bart.options import BartOptions, PretrainOptions
from generators.bart.pretrained import PretrainedBart
from generators.neural.options import TextOptions
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.options import TransformerOptions
from generators.qms.backbones.backbone import Backbone
from generators.transformer import transformer_shape

if TYPE_CHECKING:
    from torch import Tensor


class BartBackbone(Backbone):
    """Pretrained BART, the backbone of QMS in the paper."""

    def __init__(self, context: Context) -> None:
        self.options = context.options(BartOptions)
        self.sections = (self.options, context.options(PretrainOptions))
        self.learning_rate = self.options.lr
        self._pretrained = PretrainedBart(context)

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Read the checkpoint's tokenizer; the checkpoint is made first where it must be."""
        return self._pretrained.prepare(train)

    def shape(self, tokens: Tokens) -> dict[str, Json]:
        """Copy the shape from the configuration of the checkpoint."""
        return self._pretrained.config

    def pretrained_weights(self) -> Mapping[str, Tensor]:
        """Read the weights of the checkpoint, by their names in the library's model."""
        return self._pretrained.weights()

    def identity(self) -> Mapping[str, Json]:
        """Identify the pretrained weights by the digests of the checkpoint's files."""
        return self._pretrained.identity()

    def facts(self) -> Mapping[str, float]:
        """Report the loss at which pretraining ended, where the weights are made here."""
        return self._pretrained.facts

    def signature(self) -> Mapping[str, str]:
        """Name the source of the weights, for the signature line."""
        return self._pretrained.signature()


class TransformerBackbone(Backbone):
    """A Transformer of BART's architecture without pretraining, as in the row `transformer`."""

    def __init__(self, context: Context) -> None:
        self.options = context.options(TransformerOptions)
        self.sections = (self.options,)
        self.learning_rate = self.options.lr
        self._text = context.options(TextOptions)

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build a vocabulary of the training transcripts and queries."""
        return build(transcripts_and_queries(train), self._text.vocabulary)

    def shape(self, tokens: Tokens) -> dict[str, Json]:
        """Set the shape from the options of the section ``transformer``."""
        return transformer_shape(self.options, tokens).config()
