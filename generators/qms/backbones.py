"""The encoder-decoders that QMS is built on (paper, Table VI): BART, and a Transformer from random weights.

A third, mT5, is in `generators.qms.mt5`. A `Backbone` is an object that a `QMSRow` is given; nothing of QMS
is repeated for another one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from bench.context import Context
from bench.options import Section
from bench.types import Json, Video
from generators.bart.model import random_bart
from generators.bart.options import BartOptions, PretrainOptions
from generators.bart.pretrained import PretrainedBart
from generators.neural.options import TextOptions
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.options import TransformerOptions
from generators.qms.model import QMS
from generators.transformer import transformer_shape


class Backbone(ABC):
    """What QMS needs of an encoder-decoder: tokenizer, shape, library model, weights and learning rate.

    A subclass reads its options in ``__init__``. Calls come in the order `vocabulary`, `shape`, `build`,
    `pretrained_weights`; a saved row is loaded with `build` alone.
    """

    sections: Sequence[Section]
    """The backbone's options, for the model card."""
    learning_rate: float
    tokens_class: ClassVar[type[Tokens]] = Tokens
    module_class: ClassVar[type[QMS]] = QMS
    """QMS with the decoder of this library model."""

    @abstractmethod
    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build the tokenizer from the training split, or read the checkpoint's."""

    @abstractmethod
    def shape(self, tokens: Tokens) -> dict[str, Json]:
        """Collect the arguments of `build` as JSON, so that a saved model can be built again."""

    def build(self, shape: dict[str, Any]) -> Any:
        """Build the library's model with random weights."""
        return random_bart(shape)

    def pretrained_weights(self) -> Mapping[str, Tensor] | None:
        """Read the pretrained weights, by their names in the library's model; None if there are none."""
        return None

    def identity(self) -> Mapping[str, Json]:
        """Identify pretrained weights by the digests of their files; {} without any."""
        return {}

    def facts(self) -> Mapping[str, float]:
        """Report numbers of the pretraining, for the training log; {} without one."""
        return {}

    def signature(self) -> Mapping[str, str]:
        """Name the source of the weights, for the signature line; {} for random ones."""
        return {}


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
