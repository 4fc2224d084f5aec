"""The four BART rows of Table III; they differ by the Fusion alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bench.context import Context
from bench.types import Json, Video
from generators.bart.options import BartOptions, PretrainOptions
from generators.bart.pretrained import PretrainedBart
from generators.neural.row import NeuralRow
from generators.neural.tokens import Tokens

if TYPE_CHECKING:
    from torch import nn

VG_BART_FUSION_LR = 5.0
"""1.5e-4 / 3e-5 (reference-models.md, section 6)."""


class BartRow(NeuralRow):
    """A row on pretrained BART; a subclass names the fusion."""

    fusion: ClassVar[str]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options = self.read_options(BartOptions)
        self.read_options(PretrainOptions)
        self.pretrained = PretrainedBart(context)

    @property
    def learning_rate(self) -> float:
        """The peak learning rate of fine-tuning, ``bart.lr``."""
        return self.options.lr

    def lr_multipliers(self) -> Mapping[str, float]:
        """Train the fusion, which is not pretrained, at a separate rate."""
        return {"fusion.": 1.0 if self.options.fusion_lr is None else self.options.fusion_lr}

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Read the tokenizer of the pretrained weights, which are made first where they must be."""
        return self.pretrained.prepare(train)

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Describe the shape of the checkpoint and the fusion."""
        return {
            "frame_width": frame_width,
            "bart": self.pretrained.config,
            "fusion": {"name": self.fusion, "settings": self.fusion_settings()},
        }

    def fusion_settings(self) -> dict[str, Json]:
        """List the fusion's arguments besides widths, which go into the model's config."""
        return {}

    def build_module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build BART with the fusion of this row, with random weights."""
        from generators.bart import fusion
        from generators.bart.model import FusedBart, random_bart

        part, width = configuration["fusion"], configuration["bart"]["d_model"]
        made = fusion.make(part["name"], width, configuration["frame_width"], part["settings"])
        return FusedBart(random_bart(configuration["bart"]), made)

    def load_pretrained(self, module: Any) -> None:
        """Copy the checkpoint's weights into the module."""
        module.bart.load_state_dict(self.pretrained.weights())

    def training_facts(self) -> Mapping[str, float]:
        """Report the loss at which pretraining ended, where the weights are made here."""
        return self.pretrained.facts

    def identity(self) -> Mapping[str, Json]:
        """Identify the pretrained weights by the digests of the checkpoint's files."""
        return self.pretrained.identity()

    def signature(self) -> Mapping[str, str]:
        """Name the source of the weights, for the signature line."""
        return self.pretrained.signature()


class BartText(BartRow):
    """BART (Text): BART that reads the transcript alone."""

    label = "BART (Text)"
    name = "bart-text"
    reads = ("text",)
    fusion = "text"

    @property
    def reads_both(self) -> bool:
        """Frames are not read."""
        return False


class BartMM(BartRow):
    """BART (MM): BART that reads the frames in front of the transcript."""

    label = "BART (MM)"
    name = "bart-mm"
    fusion = "concat"

    def fusion_settings(self) -> dict[str, Json]:
        """Describe which positions tokens have beside the frames."""
        return {"token_positions": self.options.token_positions}


class VGBart(BartRow):
    """What both VG-BART rows share: the rates of the released code (reference-models.md, section 6)."""

    def lr_multipliers(self) -> Mapping[str, float]:
        """Train the fusion at five times the rate, its layer norm at the rate itself."""
        times = VG_BART_FUSION_LR if self.options.fusion_lr is None else self.options.fusion_lr
        return {"fusion.norm.": 1.0, "fusion.": times}


class VGBartDP(VGBart):
    """VG-BART (DP): frames fused into BART's encoder by dot-product attention."""

    label = "VG-BART (DP)"
    name = "vg-bart-dp"
    fusion = "dot-product"

    def fusion_settings(self) -> dict[str, Json]:
        """Name the axis of the softmax, and the dropout."""
        return {"softmax_axis": self.options.softmax_axis, "dropout": self.options.dropout}


class VGBartMH(VGBart):
    """VG-BART (MH): frames fused into BART's encoder by multi-head attention."""

    label = "VG-BART (MH)"
    name = "vg-bart-mh"
    fusion = "multi-head"

    def fusion_settings(self) -> dict[str, Json]:
        """Name the common width, the heads and the dropout."""
        options = self.options
        return {"common": options.fusion_width, "heads": options.fusion_heads, "dropout": options.dropout}
