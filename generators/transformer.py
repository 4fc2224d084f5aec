"""The Transformer row: the shape of BART (MM), from random weights and a vocabulary of the training split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.types import Json
from generators.bart.shape import BartShape
from generators.from_scratch import FromScratchRow
from generators.neural.tokens import Tokens
from generators.neural.training.plan import TrainingPlan
from generators.options import TransformerOptions

if TYPE_CHECKING:
    from torch import nn


class Transformer(FromScratchRow[TransformerOptions]):
    """Transformer (Vaswani et al. 2017), multimodal: ``[frames; tokens]`` in one encoder.

    Source: reference-models.md section 3.
    """

    label = "Transformer"
    name = "transformer"
    options_class = TransformerOptions

    def training_plan(self) -> TrainingPlan:
        """Set the warm-up of ``transformer.warmup_steps``, beside the settings of all rows."""
        plan, steps = super().training_plan(), self.options.warmup_steps
        return replace(plan, warmup=steps) if steps else plan

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Describe the shape of the model, from which it can be built again."""
        return {"frame_width": frame_width, "bart": transformer_shape(self.options, tokens).config()}

    def build_module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build BART of the library with random weights."""
        from generators.bart.fusion import Concat
        from generators.bart.model import FusedBart, random_bart

        bart = configuration["bart"]
        return FusedBart(random_bart(bart), Concat(bart["d_model"], configuration["frame_width"]))


def transformer_shape(options: TransformerOptions, tokens: Tokens) -> BartShape:
    """Take the shape from the section ``transformer``, for a vocabulary."""
    return BartShape.of(tokens, options, layers=(options.layers, options.layers))
