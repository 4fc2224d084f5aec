"""The Seq2Seq row: its name, its options and the shape of its module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.types import Json
from generators.from_scratch import FromScratchRow
from generators.neural.tokens import Tokens
from generators.options import Seq2SeqOptions

if TYPE_CHECKING:
    from torch import nn


class Seq2Seq(FromScratchRow[Seq2SeqOptions]):
    """Seq2Seq: LSTMs with attention over frames and transcript, from random weights.

    Source: reference-models.md section 2.
    """

    label = "Seq2Seq"
    name = "seq2seq"
    options_class = Seq2SeqOptions

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Describe the shape of the model, from which it can be built again."""
        o = self.options
        return {
            "vocabulary": len(tokens),
            "pad": tokens.pad,
            "frame_width": frame_width,
            "width": o.width,
            "layers": o.layers,
            "dropout": o.dropout,
        }

    def build_module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build the encoder and decoder LSTMs with random weights."""
        from generators.seq2seq.model import AttentiveLSTM

        return AttentiveLSTM(**configuration)
