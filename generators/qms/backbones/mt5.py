"""mT5 as a backbone of QMS (paper, Table VI): its own depth, tokenizer and decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.context import Context
from bench.types import Json, Video
from bench.weights import digest_weights, locate_weights
from generators.neural.tokens import Tokens
from generators.qms.backbones.backbone import Backbone
from generators.qms.options import MT5Options
from generators.qms.row import QMSRow

if TYPE_CHECKING:
    from torch import Tensor
    from transformers.tokenization_utils_base import PreTrainedTokenizerBase

    from generators.qms.model import QMS


class MT5Tokens(Tokens):
    """T5's tokenizer: nothing before a text, an end behind it, and padding to start the decoder."""

    lead = 0

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int] | None = None) -> None:
        self.tokenizer = tokenizer
        self.pad = self.bos = self.mask = int(tokenizer.pad_token_id)
        self.eos = int(tokenizer.eos_token_id)
        self.prompt = tuple(prompt) if prompt is not None else (self.pad,)

    def frame(self, ids: Sequence[int]) -> list[int]:
        """Put the end behind a source."""
        return [*ids, self.eos]


class MT5Backbone(Backbone):
    """mT5 (Xue et al. 2021; the checkpoint of Hasan et al. 2021), with its own tokenizer."""

    tokens_class = MT5Tokens

    def __init__(self, context: Context) -> None:
        self.options = context.options(MT5Options)
        self.sections = (self.options,)
        self.learning_rate = self.options.lr

    @property
    def folder(self) -> Path:
        """The folder of the weights. Raises MissingError when they cannot be had."""
        return locate_weights(self.options.weights, option="mt5.weights", revision=self.options.revision)

    def module_class(self) -> type[QMS]:
        """Choose QMS on mT5's decoder."""
        from generators.qms.backbones.mt5_model import MT5Module

        return MT5Module

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Read the checkpoint's tokenizer."""
        from generators.qms.backbones.mt5_model import read_tokenizer

        return MT5Tokens(read_tokenizer(self.folder))

    def shape(self, tokens: Tokens) -> dict[str, Json]:
        """Read the checkpoint's shape. Raises DataError for another kind of model."""
        from generators.qms.backbones.mt5_model import read_shape

        return read_shape(self.folder)

    def build(self, shape: dict[str, Any]) -> Any:
        """Build an mT5 with random weights."""
        from generators.qms.backbones.mt5_model import random_mt5

        return random_mt5(shape)

    def pretrained_weights(self) -> Mapping[str, Tensor]:
        """Read the checkpoint's weights, in single precision."""
        from generators.qms.backbones.mt5_model import read_weights

        return read_weights(self.folder)

    def identity(self) -> Mapping[str, Json]:
        """Identify the pretrained weights by the digests of the checkpoint's files."""
        return {"weights": {**digest_weights(self.folder)}}

    def signature(self) -> Mapping[str, str]:
        """Name the folder of the weights, for the signature line."""
        return {"weights": Path(self.options.weights).name}


def qms_mt5(context: Context) -> QMSRow:
    """QMS on mT5 (Table VI)."""
    return QMSRow(context, MT5Backbone(context), name="qms-mt5", label="QMS (mT5)")
