"""What decides the weights of a BART that is made on this machine: its options and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.context import Context
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.types import Json
from generators.bart.options import BartOptions, PretrainOptions
from generators.bart.pretraining.unlabelled import read_texts
from generators.bart.shape import BartShape
from generators.groups import PACKAGES
from generators.neural.options import TextOptions, TrainOptions
from generators.neural.tokens import Tokens
from generators.neural.training.plan import uses_bf16


@dataclass(frozen=True)
class Recipe:
    """The options that decide the weights of a BART that is made on this machine."""

    bart: BartOptions
    pretrain: PretrainOptions
    text: TextOptions
    seed: int
    device: str
    bf16: bool
    processes: int = 1
    """So many train together (torchrun)."""

    @classmethod
    def of(cls, context: Context) -> Recipe:
        """Read the recipe from the options of a run."""
        device = context.device
        return cls(
            context.options(BartOptions),
            context.options(PretrainOptions),
            context.options(TextOptions),
            context.seed,
            device,
            uses_bf16(context.options(TrainOptions).precision, device),
            context.processes,
        )

    def shape(self, tokens: Tokens) -> BartShape:
        """Set the shape of the BART that is pretrained, for a vocabulary."""
        return BartShape.of(tokens, self.bart, layers=(self.bart.encoder_layers, self.bart.decoder_layers))

    @property
    def unlabelled(self) -> Sequence[str]:
        """The texts of ``pretrain.texts``. Raises MissingError and DataError for the file."""
        return read_texts(self.pretrain.texts) if self.pretrain.texts else ()

    def identity(self) -> dict[str, Json]:
        """Identify the unlabelled texts by their digest; {} without any."""
        return {"unlabelled": digest(list(self.unlabelled))} if self.pretrain.texts else {}

    def key(self) -> dict[str, Json]:
        """Collect what decides the pretrained weights besides the videos; rates of fine-tuning do not."""
        shaping = ("encoder_layers", "decoder_layers", "width", "heads", "feed_forward", "dropout")
        return {
            "bart": {name: getattr(self.bart, name) for name in shaping},
            "pretrain": asdict(self.pretrain) | {"texts": None},  # known by its digest
            **self.identity(),
            "text": asdict(self.text),
            "seed": self.seed,
            "device": self.device.partition(":")[0],
            "bf16": self.bf16,
            **({"processes": self.processes} if self.processes > 1 else {}),
            "code": code_digest("generators.bart.pretraining.pretrain"),
            "versions": {**installed_versions(["numpy", *PACKAGES])},
        }
