"""The four BART rows of Table III: one adapter, four fusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from bench.context import Context
from bench.types import Json, Video
from generators.bart import fusion
from generators.bart.checkpoints import Source, read_config, read_tokens, read_weights
from generators.bart.model import FusedBart, random_bart
from generators.bart.pretraining import Recipe, self_pretrained, warm_started
from generators.neural.row import Neural
from generators.neural.tokens import Tokens
from generators.options import BartOptions, PretrainOptions


class Bart(Neural):
    """Be a row on pretrained BART; children name the fusion."""

    fusion: ClassVar[str]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options = context.options(BartOptions)
        self._pretrain = context.options(PretrainOptions)
        self.source = Source.of(self.options, self.language)
        self._checkpoint: Path | None = None

    @property
    def rate(self) -> float:
        """Return ``bart.lr``."""
        return self.options.lr

    def rates(self) -> Mapping[str, float]:
        """Let what no pretraining has seen learn faster."""
        return {"fusion.": self.options.fusion_lr}

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Return the tokens of the pretrained weights, which are made first where they must be."""
        self._checkpoint = self._find(train)
        return read_tokens(self._checkpoint, read_config(self._checkpoint))

    def _find(self, train: Sequence[Video]) -> Path:
        if not self.source.made_here:
            return self.source.folder()
        recipe = Recipe(self.options, self._pretrain, self.text, self.seed, self.device, self._bf16)
        if self.source.name == "minilm":
            return warm_started(self.context, recipe)
        return self_pretrained(self.context, recipe, train)

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Return the checkpoint's shape and the fusion."""
        assert self._checkpoint is not None
        return {
            "frame_width": frame_width,
            "bart": read_config(self._checkpoint),
            "fusion": {"name": self.fusion, "settings": self.fusion_settings()},
        }

    def fusion_settings(self) -> dict[str, Json]:
        """Return the fusion's arguments besides widths."""
        return {}

    def module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build library BART and the fusion."""
        made, width = configuration["fusion"], configuration["bart"]["d_model"]
        part = fusion.make(made["name"], width, configuration["frame_width"], made["settings"])
        return FusedBart(random_bart(configuration["bart"]), part)

    def warm(self, module: Any) -> None:
        """Put the checkpoint's weights in."""
        assert self._checkpoint is not None
        module.bart.load_state_dict(read_weights(self._checkpoint).state_dict())

    def identity(self) -> Mapping[str, Json]:
        """Return the digests of the checkpoint's files."""
        return self.source.identity()

    def signature(self) -> Mapping[str, str]:
        """Say where the weights come from."""
        return {"weights": str(self.source)}


class BartText(Bart):
    """BART (Text): the transcript alone."""

    label = "BART (Text)"
    name = "bart-text"
    fusion = "text"


class BartMM(Bart):
    """BART (MM): frames before the tokens."""

    label = "BART (MM)"
    name = "bart-mm"
    fusion = "concat"


class VGBartDP(Bart):
    """VG-BART (DP): dot-product fusion."""

    label = "VG-BART (DP)"
    name = "vg-bart-dp"
    fusion = "dot-product"

    def fusion_settings(self) -> dict[str, Json]:
        """Return the axis of the softmax."""
        return {"softmax_axis": self.options.softmax_axis, "dropout": self.options.dropout}


class VGBartMH(Bart):
    """VG-BART (MH): multi-head fusion."""

    label = "VG-BART (MH)"
    name = "vg-bart-mh"
    fusion = "multi-head"

    def fusion_settings(self) -> dict[str, Json]:
        """Return the common width and the heads."""
        options = self.options
        return {"common": options.fusion_width, "heads": options.fusion_heads, "dropout": options.dropout}
