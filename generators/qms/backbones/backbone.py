"""What QMS needs of an encoder-decoder: an object that a `QMSRow` is given; nothing of QMS is repeated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bench.options import Section
from bench.types import Json, Video
from generators.neural.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

    from generators.qms.model import QMS


class Backbone(ABC):
    """What QMS needs of an encoder-decoder: tokenizer, shape, library model, weights and learning rate.

    A subclass reads its options in ``__init__``. Calls come in the order `vocabulary`, `shape`, `build`,
    `pretrained_weights`; a saved row is loaded with `build` alone.
    """

    sections: Sequence[Section]
    """The backbone's options, for the model card."""
    learning_rate: float
    tokens_class: ClassVar[type[Tokens]] = Tokens

    @abstractmethod
    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build the tokenizer from the training split, or read the checkpoint's."""

    @abstractmethod
    def shape(self, tokens: Tokens) -> dict[str, Json]:
        """Collect the arguments of `build` as JSON, so that a saved model can be built again."""

    def module_class(self) -> type[QMS]:
        """Choose QMS with the decoder of this library model."""
        from generators.qms.model import QMS

        return QMS

    def build(self, shape: dict[str, Any]) -> Any:
        """Build the library's model with random weights."""
        from generators.bart.model import random_bart

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
