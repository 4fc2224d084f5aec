"""The Transformer row: the shape of BART (MM), from random weights and a vocabulary of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from bench.context import Context
from bench.types import Json, Video
from generators.bart.checkpoints import all_lines, known_ids
from generators.bart.fusion import Concat
from generators.bart.model import FusedBart, random_bart, shape
from generators.neural.row import Neural
from generators.neural.tokens import Tokens, build
from generators.options import TransformerOptions


class Transformer(Neural):
    """Transformer (Vaswani et al. 2017), multimodal: ``[frames; tokens]`` in one encoder.

    Source: reference-models.md section 3.
    """

    label = "Transformer"
    name = "transformer"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options = context.options(TransformerOptions)

    @property
    def rate(self) -> float:
        """Return ``transformer.lr``."""
        return self.options.lr

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build a vocabulary of transcripts and queries."""
        return build(all_lines([(v.transcript, *v.references) for v in train]), self.text.vocabulary)

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Return the shape."""
        o = self.options
        bart = shape(
            vocabulary=len(tokens),
            layers=(o.layers, o.layers),
            width=o.width,
            heads=o.heads,
            feed_forward=o.feed_forward,
            dropout=o.dropout,
            specials=known_ids(tokens),
        )
        return {"frame_width": frame_width, "bart": bart}

    def module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build library BART with random weights."""
        bart = configuration["bart"]
        return FusedBart(random_bart(bart), Concat(bart["d_model"], configuration["frame_width"]))
