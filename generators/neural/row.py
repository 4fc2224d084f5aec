"""From a torch module to a row: the only adapter to the Generator protocol."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from bench.context import Context
from bench.errors import DataError, UsageError
from bench.options import Section
from bench.store.digests import digest
from bench.types import Json, Video, VideoId
from generators.neural import model_card as card
from generators.neural.batches import Collate, Example, TrainingSet, prepare, to_device
from generators.neural.checkpoint import load_weights, save_weights
from generators.neural.decoding import Rules, beam_search
from generators.neural.targets import Targets, Uniform
from generators.neural.tokens import Tokens
from generators.neural.training import SCORE, Plan, train, write_log
from generators.neural.validation import cider
from generators.options import DecodeOptions, TextOptions, TrainOptions

FORMAT = {"format": "qms-bench neural generator", "version": 1}


class Neural(ABC):
    """Train, save, load and summarize for a row, which says what its vocabulary and its module are.

    A module owes `training.train` its loss and `decoding.beam_search` the methods of a Decoder.
    """

    label: str
    name: ClassVar[str]
    """The row's name on the command line; a saved model of another row is refused."""
    tokens_kind: ClassVar[type[Tokens]] = Tokens

    def __init__(self, context: Context) -> None:
        self.context = context
        self.text = context.options(TextOptions)
        self.training = context.options(TrainOptions)
        self.decoding = context.options(DecodeOptions)
        self.seed, self.device, self.language = context.seed, context.device, context.language
        Rules.of(self.decoding, (), 0, 0)  # a wrong setting is told before anything is trained
        self._bf16 = _bf16(self.training.precision, self.device)
        self._module: Any = None
        self._tokens: Tokens | None = None
        self._config: dict[str, Json] = {}
        self._log: list[dict[str, float]] = []
        self._coverage: dict[str, int] = {}

    # What a row says

    @property
    @abstractmethod
    def rate(self) -> float:
        """Return the row's own learning rate, for ``train.lr=none``."""

    @abstractmethod
    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build or fetch the tokens, from the training split alone."""

    @abstractmethod
    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Return what `module` needs, as JSON."""

    @abstractmethod
    def module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build the module with random weights."""

    def warm(self, module: Any) -> None:  # noqa: B027  most rows have nothing to put in
        """Put pretrained weights into the module, where the row has any."""

    def rates(self) -> Mapping[str, float]:
        """Return multiples of the learning rate by the beginning of parameters' names."""
        return {}

    def targets(self, train: Sequence[Video]) -> Targets:
        """Return how a training target is drawn."""
        return Uniform(self.seed)

    def prepared(self, train: Sequence[Video], examples: Sequence[Example]) -> Sequence[Example]:
        """Return training examples with whatever else the row's loss needs."""
        return examples

    def collate(self, pad: int, frame_width: int) -> Collate:
        """Return what makes batches of examples."""
        return Collate(pad, frame_width)

    def watch(self, val: Sequence[Video]) -> Callable[[], Mapping[str, float]] | None:
        """Return what to measure and log after each epoch beside CIDEr."""
        return None

    def notes(self) -> dict[str, str]:
        """Return what the model card says besides: weights and the like, and rates and decay as trained."""
        plan, told = self._plan(), dict(getattr(self, "signature", dict)())
        faster = ", ".join(f"{part}* times {times:g}" for part, times in plan.rates.items())
        rate = f"{plan.lr:g}{f' ({faster})' if faster else ''}, weight decay {plan.weight_decay:g}"
        return {**told, "learning rate": rate, "precision": "bf16" if plan.bf16 else "fp32"}

    # Trainable

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train on videos with references, keep the epoch with the best CIDEr on validation.

        Raises DataError when no training video has a reference.
        """
        if not any(video.references for video in train):
            raise DataError(
                f"{self.label} cannot be trained: none of {len(train)} training videos has a query."
            )
        tokens = self.vocabulary(train)
        config = self.configuration(
            tokens, max([1, *(v.frames.shape[1] for v in train if v.frames.ndim == 2)])
        )
        self._build(tokens, config)
        self.warm(self._module)
        self._run(train, val)
        texts = digest([[v.video_id, v.transcript, *v.references] for v in train])[:16]
        about: dict[str, Json] = {
            "language": self.language,
            "train": len(train),
            "val": len(val),
            "seed": self.seed,
        }
        self._config |= {"trained_on": {**about, "texts": texts}}

    def _run(self, videos: Sequence[Video], val: Sequence[Video]) -> None:
        assert self._tokens is not None
        examples, cut = prepare(videos, self._tokens, self.text)
        self._coverage = {"transcripts truncated": cut.transcripts, "queries truncated": cut.queries}
        self._log = train(
            self._module,
            TrainingSet(self.prepared(videos, examples), self.targets(videos)),
            self._collate,
            self._plan(),
            score=self._scorer(val),
            watch=self.watch(val),
            scratch=self.context.scratch,
        )

    def save(self, folder: Path) -> None:
        """Write safetensors, config.json, the tokenizer, the training log and a model card."""
        assert self._tokens is not None, "saved before it was trained"
        save_weights(self._module, folder / "model.safetensors")
        config = FORMAT | {"row": self.name, "prompt": self._tokens.prompt} | self._config
        (folder / "config.json").write_text(
            json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        self._tokens.save(folder)
        write_log(self._log, folder / "training.jsonl")
        sections = [value for value in vars(self).values() if isinstance(value, Section)]
        text = card.write(self.label, self._config, self._log, notes=self.notes(), sections=sections)
        (folder / "README.md").write_text(text, encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Become what was saved. Raises DataError for a folder of another kind, row or version."""
        config = _read_config(folder, self.name)
        self._build(
            self.tokens_kind.load(folder, config["prompt"]),
            {k: config[k] for k in config if k not in (*FORMAT, "row", "prompt")},
        )
        load_weights(self._module, folder / "model.safetensors")
        log = folder / "training.jsonl"
        self._log = (
            [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            if log.exists()
            else []
        )

    def _build(self, tokens: Tokens, config: dict[str, Json]) -> None:
        torch.manual_seed(self.seed)
        self._tokens, self._config = tokens, config
        self._module = self.module(config).to(self.device).eval()
        self._collate = self.collate(tokens.pad, int(str(config["frame_width"])))

    # Generator

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write a summary for every video; references are not read."""
        if self._tokens is None:
            raise UsageError(f"{self.label} was asked to summarize before it was trained or loaded.")
        bare = [Video(v.video_id, v.transcript, v.frames) for v in videos]
        examples, cut = prepare(bare, self._tokens, self.text)
        self._coverage = {"transcripts truncated": cut.transcripts}
        rules = Rules.of(self.decoding, self._tokens.prompt, self._tokens.eos, self._tokens.pad)
        written = self._write(examples, rules)
        return {video.video_id: written[video.video_id] for video in videos}

    def _write(self, examples: Sequence[Example], rules: Rules) -> dict[VideoId, str]:
        """Decode in batches of like length, longest first: too little memory shows at once."""
        assert self._tokens is not None
        order, size = sorted(examples, key=len, reverse=True), self.decoding.batch_size
        written: dict[VideoId, str] = {}
        self._module.eval()
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self._bf16):
            for start in range(0, len(order), size):
                part = order[start : start + size]
                batch = to_device(self._collate([(example, []) for example in part]), self.device)
                for example, ids in zip(part, beam_search(self._module, batch, rules), strict=True):
                    written[example.video_id] = self._tokens.decode(ids)
        return written

    # What else it tells

    def parameters(self) -> int:
        """Return the number of parameters, tied ones once."""
        return sum(p.numel() for p in self._module.parameters()) if self._module is not None else 0

    def coverage(self) -> Mapping[str, int]:
        """Return how many texts of the last call were longer than is read."""
        return dict(self._coverage)

    def identity(self) -> Mapping[str, Json]:
        """Return what decides the output besides data and options: for most rows nothing."""
        return {}

    # How it is trained

    def _plan(self) -> Plan:
        options = self.training
        return Plan(
            label=self.label,
            seed=self.seed,
            device=self.device,
            epochs=options.epochs,
            batch_size=options.batch_size,
            lr=options.lr if options.lr is not None else self.rate,
            warmup=options.warmup,
            clip=options.clip,
            weight_decay=options.weight_decay,
            patience=options.patience,
            bf16=self._bf16,
            checkpoint_steps=options.checkpoint_steps,
            quiet=self.context.quiet,
            rates=self.rates(),
        )

    def _scorer(self, val: Sequence[Video]) -> Any:
        """Return what measures CIDEr on the validation videos, None when they have no queries."""
        assert self._tokens is not None
        chosen = val[: self.training.validation_videos or None]
        references = {video.video_id: video.references for video in chosen if video.references}
        if not references:
            return None
        examples, _ = prepare(
            [Video(v.video_id, v.transcript, v.frames) for v in chosen], self._tokens, self.text
        )
        options = DecodeOptions(**{**vars(self.decoding), "beams": self.training.validation_beams})
        rules = Rules.of(options, self._tokens.prompt, self._tokens.eos, self._tokens.pad)
        return lambda: cider(self._write(examples, rules), references)

    @property
    def best(self) -> float | None:
        """Return the best CIDEr on validation, None where there was none to measure."""
        return max((entry[SCORE] for entry in self._log if SCORE in entry), default=None)


def _bf16(precision: str, device: str) -> bool:
    return precision == "bf16" or (precision == "auto" and device.startswith("cuda"))


def _read_config(folder: Path, row: str) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as the settings of a saved model: {error}") from error
    found = {key: config.get(key) for key in (*FORMAT, "row")}
    wanted = FORMAT | {"row": row}
    if found != wanted:
        raise DataError(
            f"{path} describes {found}, but this row needs {wanted}. "
            "Train it again, or name the right folder."
        )
    return config
