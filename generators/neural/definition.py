"""What defines a trained row: its options, its vocabulary and its torch module."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bench.context import Context
from bench.exchange import MODALITIES
from bench.options import Section
from bench.types import Json, Video
from generators.neural.examples import Example
from generators.neural.options import DecodeOptions, TextOptions, TrainOptions
from generators.neural.targets import Targets, Uniform
from generators.neural.tokens import Tokens
from generators.neural.training.plan import uses_bf16

if TYPE_CHECKING:
    from torch import nn

    from generators.neural.batches import Collate

O = TypeVar("O", bound=Section)  # noqa: E741  options


class RowDefinition(ABC):
    """The part of a trained row that differs between rows; `row.NeuralRow` trains it and writes with it.

    A subclass says: the vocabulary, the torch module, its pretrained weights and what its loss needs
    besides transcript, frames and query. The module must have ``forward(batch) -> {"loss": …}``, as
    `training.train` calls it, and the methods of `decoding.beams.Decoder`, as `decoding.beams.beam_search`
    calls them.

    All options are read in ``__init__``: what a row reads there is part of the keys of what it makes. Rows
    are built before each run, also where all that they make is in the store: torch and transformers, which
    take seconds to import, are imported by the methods that compute.
    """

    label: str
    """The row's name in the tables."""
    name: str
    """The row's name on the command line; `load` refuses a model that another row saved."""
    reads: Sequence[str] = MODALITIES
    """The inputs that the row has (`bench.protocols.MeasuringLoss`)."""
    tokens_class: type[Tokens] = Tokens
    """How `load` reads the tokenizer."""

    def __init__(self, context: Context) -> None:
        for package in ("torch", "transformers"):  # before any work, not when it is first imported
            if importlib.util.find_spec(package) is None:
                raise ModuleNotFoundError(name=package)
        self.context = context
        self.sections: list[Section] = []
        self.text = self.read_options(TextOptions)
        self.training = self.read_options(TrainOptions)
        self.decoding = self.read_options(DecodeOptions)
        self.seed, self.device, self.language = context.seed, context.device, context.language
        self.processes = context.processes
        self.log: list[dict[str, float]] = []
        """The training log: losses and scores by epoch."""
        self.config: dict[str, Json] = {}
        """What `build_module` needs, and what the model was trained on."""
        self._bf16 = uses_bf16(self.training.precision, self.device)
        self._module: Any = None
        self._replay: Any = None
        """On a GPU, the recorded steps of searches (`decoding.recording`)."""
        self._tokens: Tokens | None = None
        self._coverage: dict[str, int] = {}

    def read_options(self, kind: type[O]) -> O:
        """Read a section of the user's options, and list it in the model card."""
        section = self.context.options(kind)
        self.sections.append(section)
        return section

    def sections_after_fit(self) -> Sequence[str]:
        """Name the options of the search, which decide what is learnt only where it selects the epoch."""
        return () if self.training.choose == "cider" else (DecodeOptions.section,)

    @property
    def tokens(self) -> Tokens:
        """The row's tokenizer; only after `build`."""
        assert self._tokens is not None, f"{self.label} has no tokenizer before it is built"
        return self._tokens

    @property
    def module(self) -> Any:
        """The row's torch module; only after `build`."""
        assert self._module is not None, f"{self.label} has no module before it is built"
        return self._module

    def build(self, tokens: Tokens, config: dict[str, Json]) -> None:
        """Build the module of a configuration, with weights that depend on the seed alone."""
        import torch

        torch.manual_seed(self.seed)
        self._tokens, self.config = tokens, config
        shape = {name: value for name, value in config.items() if name != "trained_on"}
        self._module = self.build_module(shape).to(self.device).eval()
        self.collate = self.make_collate(tokens.pad, int(str(config["frame_width"])))

    @property
    def reads_both(self) -> bool:
        """Whether the row reads transcripts and frames: modality dropout is for such rows alone."""
        return True

    @property
    @abstractmethod
    def learning_rate(self) -> float:
        """The row's learning rate, unless ``train.lr`` sets one for all rows."""

    @property
    def weight_decay(self) -> float:
        """The row's decoupled weight decay (AdamW)."""
        return self.training.weight_decay

    @abstractmethod
    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build the tokenizer from the training split alone, or read a checkpoint's."""

    @abstractmethod
    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Describe the module as JSON: the arguments of `build_module`, ``frame_width`` among them."""

    @abstractmethod
    def build_module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build the module with random weights."""

    def load_pretrained(self, module: Any) -> None:  # noqa: B027  most rows have no pretrained weights
        """Copy pretrained weights into the module, where the row has any."""

    def lr_multipliers(self) -> Mapping[str, float]:
        """Set multiples of the learning rate for parameters, by the beginning of their names."""
        return {}

    def targets(self, train: Sequence[Video]) -> Targets:
        """Choose how the target query of a training video is drawn in each epoch."""
        return Uniform(self.seed)

    def add_supervision(self, train: Sequence[Video], examples: Sequence[Example]) -> Sequence[Example]:
        """Add to the training examples what the row's loss needs besides the target, such as labels."""
        return examples

    def make_collate(self, pad: int, frame_width: int) -> Collate:
        """Make the function that turns examples into a batch."""
        from generators.neural.batches import Collate

        return Collate(pad, frame_width)

    def extra_validation_metrics(self, val: Sequence[Video]) -> Callable[[], Mapping[str, float]] | None:
        """Make a function that measures what is logged after each epoch beside the score."""
        return None

    def training_facts(self) -> Mapping[str, float]:
        """Measure what the training log begins with: numbers about the training data."""
        return {}

    def identity(self) -> Mapping[str, Json]:
        """Digest the files that decide the output besides data and options: pretrained weights."""
        return {}

    def signature(self) -> Mapping[str, str]:
        """Describe what a reader of the scores must know of this row, such as the source of its weights."""
        return {}
