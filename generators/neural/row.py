"""The base class of all trained generators: it connects a torch module to the harness."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.exchange import MODALITIES, exchange_inputs
from bench.options import Section
from bench.store.digests import digest
from bench.types import Json, Video, VideoId
from generators.neural import model_card
from generators.neural.batches import (
    Collate,
    Example,
    ModalityDropout,
    TrainingSet,
    prepare,
    without_references,
)
from generators.neural.checkpoint import load_weights, read_config, save_weights, write_config
from generators.neural.decoding import Rules
from generators.neural.scoring import Floats, reference_losses
from generators.neural.targets import Targets, Uniform
from generators.neural.tokens import Tokens
from generators.neural.training.plan import TrainingPlan, Validation, uses_bf16
from generators.neural.training.train import train, write_log
from generators.neural.validation import RowValidation, describe_choice
from generators.neural.writing import write_summaries
from generators.options import DecodeOptions, TextOptions, TrainOptions

_EXCHANGED = 64
"""Validation videos on which the use of each input is measured after an epoch: enough for a curve."""
O = TypeVar("O", bound=Section)  # noqa: E741  options


class NeuralRow(ABC):
    """A generator that is trained: one row of the paper's tables, such as BART (MM) or QMS.

    This class does what all of them have in common: it trains on the training split, keeps the epoch that is
    best on validation (``train.choose``), saves and loads the model, and writes summaries by one beam
    search. A subclass says what differs: the vocabulary, the torch module, its pretrained weights and what
    its loss needs besides transcript, frames and query. The module must have
    ``forward(batch) -> {"loss": …}``, as `training.train` calls it, and the methods of `decoding.Decoder`,
    as `decoding.beam_search` calls them.

    All options are read in ``__init__``: what a row reads there is part of the keys of what it makes.
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
        self.context = context
        self.sections: list[Section] = []
        self.text = self.read_options(TextOptions)
        self.training = self.read_options(TrainOptions)
        self.decoding = self.read_options(DecodeOptions)
        self.seed, self.device, self.language = context.seed, context.device, context.language
        self.log: list[dict[str, float]] = []
        """The training log: losses and scores by epoch."""
        self.config: dict[str, Json] = {}
        """What `build_module` needs, and what the model was trained on."""
        self._bf16 = uses_bf16(self.training.precision, self.device)
        self._module: Any = None
        self._tokens: Tokens | None = None
        self._coverage: dict[str, int] = {}

    def read_options(self, kind: type[O]) -> O:
        """Return a section of the user's options and list it in the model card."""
        section = self.context.options(kind)
        self.sections.append(section)
        return section

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

    # What differs between rows

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
        """Return multiples of the learning rate for parameters, by the beginning of their names."""
        return {}

    def targets(self, train: Sequence[Video]) -> Targets:
        """Choose how the target query of a training video is drawn in each epoch."""
        return Uniform(self.seed)

    def add_supervision(self, train: Sequence[Video], examples: Sequence[Example]) -> Sequence[Example]:
        """Add to the training examples what the row's loss needs besides the target, such as labels."""
        return examples

    def make_collate(self, pad: int, frame_width: int) -> Collate:
        """Make the function that turns examples into a batch."""
        return Collate(pad, frame_width)

    def extra_validation_metrics(self, val: Sequence[Video]) -> Callable[[], Mapping[str, float]] | None:
        """Return a function that measures what is logged after each epoch beside the score."""
        return None

    def training_facts(self) -> Mapping[str, float]:
        """Return numbers about the training data that the log begins with."""
        return {}

    def identity(self) -> Mapping[str, Json]:
        """Return digests of files that decide the output besides data and options: pretrained weights."""
        return {}

    def signature(self) -> Mapping[str, str]:
        """Return what a reader of the scores must know of this row, such as the source of its weights."""
        return {}

    # Training, saving, loading

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train on the videos with references, and keep the epoch that ``train.choose`` names on ``val``.

        Raises DataError when no training video has a reference.
        """
        if not any(video.references for video in train):
            raise DataError(
                f"{self.label} cannot be trained: none of {len(train)} training videos has a query."
            )
        tokens = self.vocabulary(train)
        widths = [video.frames.shape[1] for video in train if video.frames.ndim == 2]
        self.build(tokens, self.configuration(tokens, max([1, *widths])))
        self.load_pretrained(self.module)
        self._train(train, val)
        texts = digest([[v.video_id, v.transcript, *v.references] for v in train])[:16]
        about: dict[str, Json] = {
            "language": self.language,
            "train": len(train),
            "val": len(val),
            "seed": self.seed,
        }
        self.config |= {"trained_on": {**about, "texts": texts}}

    def build(self, tokens: Tokens, config: dict[str, Json]) -> None:
        """Build the module of a configuration, with weights that depend on the seed alone."""
        torch.manual_seed(self.seed)
        self._tokens, self.config = tokens, config
        shape = {name: value for name, value in config.items() if name != "trained_on"}
        self._module = self.build_module(shape).to(self.device).eval()
        self.collate = self.make_collate(tokens.pad, int(str(config["frame_width"])))

    def _train(self, videos: Sequence[Video], val: Sequence[Video]) -> None:
        examples, cut = prepare(videos, self.tokens, self.text)
        self._coverage = {"transcripts truncated": cut.transcripts, "queries truncated": cut.queries}
        supervised = self.add_supervision(videos, examples)
        data = TrainingSet(supervised, self.targets(videos), self._modality_dropout())
        self.log = train(
            self.module,
            data,
            self.collate,
            self.training_plan(),
            validation=self._validation(val),
            scratch=self.context.scratch,
        )
        if facts := self.training_facts():
            self.log.insert(0, {"epoch": 0.0, **facts})

    def _modality_dropout(self) -> ModalityDropout | None:
        text, frames = self.training.drop_text, self.training.drop_frames
        if not self.reads_both or not text + frames:
            return None
        return ModalityDropout(self.seed, text, frames, self.tokens.frame([]))

    def training_plan(self) -> TrainingPlan:
        """Return the settings of the training, the row's and the user's together."""
        options = self.training
        return TrainingPlan(
            label=self.label,
            seed=self.seed,
            device=self.device,
            epochs=options.epochs,
            batch_size=options.batch_size,
            lr=options.lr if options.lr is not None else self.learning_rate,
            warmup=options.warmup,
            clip=options.clip,
            weight_decay=self.weight_decay,
            patience=options.patience,
            bf16=self._bf16,
            checkpoint_steps=options.checkpoint_steps,
            lr_multipliers=self.lr_multipliers(),
        )

    def _validation(self, val: Sequence[Video]) -> Validation | None:
        """Measure what ``train.choose`` names on the validation videos; None when they have no queries."""
        videos = [v for v in val[: self.training.validation_videos or None] if v.references]
        if not videos:
            return None
        choose, rules = self.training.choose, self._rules(self.decoding)
        measured = RowValidation(
            choose,
            prepare(videos, self.tokens, self.text)[0],
            {video.video_id: video.references for video in videos},
            losses=self._losses,
            write=lambda examples: self._write(examples, rules),
            exchanged=self._exchange(videos),
        )
        more = self.extra_validation_metrics(val)
        return Validation(
            measured.scores,
            lambda: {**measured.extra(), **(more() if more else {})},
            keep="last" if choose == "last" else "best",
        )

    def _exchange(self, videos: Sequence[Video]) -> dict[str, dict[int, Example]]:
        """Return up to `_EXCHANGED` videos with another one's input, by modality and by their number."""
        sample = dict(enumerate(videos[:_EXCHANGED]))
        exchanged: dict[str, dict[int, Example]] = {}
        for modality in (m for m in MODALITIES if m in self.reads):
            wrong = exchange_inputs(list(sample.values()), modality, seed=self.seed)
            numbers = [number for number, video in sample.items() if video.video_id in wrong]
            examples, _ = prepare([wrong[sample[n].video_id] for n in numbers], self.tokens, self.text)
            exchanged[modality] = dict(zip(numbers, examples, strict=True))
        return exchanged

    def reference_losses(self, videos: Sequence[Video]) -> Floats:
        """Return how improbable the row finds each video's references ``[n]``, in nats per token.

        The references are not an input; NaN for a video without any. See `scoring.reference_losses`.
        """
        return self._losses(prepare(videos, self.tokens, self.text)[0])

    def _losses(self, examples: Sequence[Example]) -> Floats:
        return reference_losses(
            self.module,
            examples,
            collate=self.collate,
            tokens=self.tokens,
            rows=self.decoding.batch_size * self.decoding.beams,
            device=self.device,
            bf16=self._bf16,
        )

    def save(self, folder: Path) -> None:
        """Write weights (safetensors), config.json, tokenizer, training log and model card to a folder."""
        save_weights(self.module, folder / "model.safetensors")
        write_config(folder, self.name, {"prompt": [*self.tokens.prompt], **self.config})
        self.tokens.save(folder)
        write_log(self.log, folder / "training.jsonl")
        card = model_card.write(
            self.label, self.config, self.choice, notes=self._card_notes(), sections=self.sections
        )
        (folder / "README.md").write_text(card, encoding="utf-8")

    def _card_notes(self) -> dict[str, str]:
        """Return the signature, and learning rate, decay and precision as trained."""
        plan = self.training_plan()
        multipliers = ", ".join(f"{part}* times {times:g}" for part, times in plan.lr_multipliers.items())
        rate = f"{plan.lr:g}{f' ({multipliers})' if multipliers else ''}, weight decay {plan.weight_decay:g}"
        return {**self.signature(), "learning rate": rate, "precision": "bf16" if plan.bf16 else "fp32"}

    def load(self, folder: Path) -> None:
        """Read a model that `save` wrote. Raises DataError for a folder of another kind, row or version."""
        config = read_config(folder, self.name)
        self.build(self.tokens_class.load(folder, config.pop("prompt")), config)
        load_weights(self.module, folder / "model.safetensors")
        log = folder / "training.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        self.log = [json.loads(line) for line in lines]

    # Summaries

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write a summary for every video; references are not read."""
        if self._tokens is None:
            raise UsageError(f"{self.label} cannot summarize before it was trained or loaded.")
        examples, cut = prepare(without_references(videos), self.tokens, self.text)
        self._coverage = {"transcripts truncated": cut.transcripts}
        summaries = self._write(examples, self._rules(self.decoding))
        return {video.video_id: summaries[video.video_id] for video in videos}

    def divide(self, videos: Sequence[Video], count: int) -> list[list[Video]]:
        """Deal the batches of `write_summaries` out to at most ``count`` parts; none is cut."""
        examples, _ = prepare(without_references(videos), self.tokens, self.text)
        order = sorted(range(len(videos)), key=lambda i: len(examples[i]), reverse=True)
        size = self.decoding.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        parts = [batches[number::count] for number in range(min(count, len(batches)))]
        return [[videos[i] for batch in part for i in batch] for part in parts]

    def _write(self, examples: Sequence[Example], rules: Rules) -> dict[VideoId, str]:
        return write_summaries(
            self.module,
            examples,
            collate=self.collate,
            tokens=self.tokens,
            rules=rules,
            batch_size=self.decoding.batch_size,
            device=self.device,
            bf16=self._bf16,
        )

    def _rules(self, options: DecodeOptions) -> Rules:
        return Rules.of(options, self.tokens.prompt, self.tokens.eos, self.tokens.pad)

    # What the harness reports of a row

    def parameters(self) -> int:
        """Return the number of parameters, tied ones counted once; 0 before the row is built."""
        return sum(p.numel() for p in self._module.parameters()) if self._module is not None else 0

    def coverage(self) -> Mapping[str, int]:
        """Return how many texts of the last `fit` or `summarize` were longer than the row reads."""
        return dict(self._coverage)

    @property
    def choice(self) -> str:
        """Which epoch was kept by which score, as a sentence; empty where nothing was measured."""
        facts: dict[str, float] = {}
        for entry in self.log:
            facts |= entry if "kept_epoch" in entry else {}
        return describe_choice(self.training.choose, facts)

    def remarks(self) -> Sequence[str]:
        """Return which epoch was kept."""
        return [self.choice] if self.choice else []
