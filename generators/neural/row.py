"""The base class of all trained generators: how one is trained, saved, loaded and writes summaries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError, UsageError
from bench.store.digests import digest
from bench.types import Json, Video, VideoId
from generators.neural.checkpoint import (
    load_weights,
    read_config,
    save_weights,
    write_card,
    write_config,
    write_log,
)
from generators.neural.definition import RowDefinition
from generators.neural.examples import Example, ModalityDropout, prepare, without_references
from generators.neural.training.plan import TrainingPlan, Validation
from generators.neural.validation import Floats, RowValidation, describe_choice, exchange_examples

if TYPE_CHECKING:
    from generators.neural.inference import Inference


class NeuralRow(RowDefinition):
    """A generator that is trained: one row of the paper's tables, such as BART (MM) or QMS.

    This class does what all of them have in common, in this order: `fit` trains on the training split and
    keeps the epoch that is best on validation (``train.choose``), `save` and `load` keep the model, and
    `summarize` writes by one beam search. What differs between rows is in `definition.RowDefinition`.
    """

    # Training

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

    def _train(self, videos: Sequence[Video], val: Sequence[Video]) -> None:
        from generators.neural.batches import TrainingSet
        from generators.neural.training.train import train

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
        """Join the row's settings of the training with the user's."""
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
        choose, inference = self.training.choose, self.inference()
        measured = RowValidation(
            choose,
            self._examples(videos),
            {video.video_id: video.references for video in videos},
            losses=inference.reference_losses,
            write=inference.write,
            exchanged=exchange_examples(videos, self.reads, seed=self.seed, prepare=self._examples),
        )
        more = self.extra_validation_metrics(val)
        return Validation(
            measured.scores,
            lambda: {**measured.extra(), **(more() if more else {})},
            keep="last" if choose == "last" else "best",
        )

    def _examples(self, videos: Sequence[Video]) -> Sequence[Example]:
        return prepare(videos, self.tokens, self.text)[0]

    # Saving and loading

    def save(self, folder: Path) -> None:
        """Write weights (safetensors), config.json, tokenizer, training log and model card to a folder."""
        save_weights(self.module, folder / "model.safetensors")
        write_config(folder, self.name, {"prompt": [*self.tokens.prompt], **self.config})
        self.tokens.save(folder)
        write_log(self.log, folder / "training.jsonl")
        later = self.sections_after_fit()
        sections = [section for section in self.sections if section.section not in later]
        write_card(folder, self.label, self.config, self.choice, notes=self._card_notes(), sections=sections)

    def _card_notes(self) -> dict[str, str]:
        """List the signature, and learning rate, decay and precision as trained, for the model card."""
        plan = self.training_plan()
        multipliers = ", ".join(f"{part}* times {times:g}" for part, times in plan.lr_multipliers.items())
        rate = f"{plan.lr:g}{f' ({multipliers})' if multipliers else ''}, weight decay {plan.weight_decay:g}"
        together = {"processes": str(self.processes)} if self.processes > 1 else {}
        return {
            **self.signature(),
            **together,
            "learning rate": rate,
            "precision": "bf16" if plan.bf16 else "fp32",
        }

    def load(self, folder: Path) -> None:
        """Read a model that `save` wrote. Raises DataError for a folder of another kind, row or version."""
        config = read_config(folder, self.name)
        self.build(self.tokens_class.load(folder, config.pop("prompt")), config)
        load_weights(self.module, folder / "model.safetensors")
        log = folder / "training.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        self.log = [json.loads(line) for line in lines]

    # Inference

    def inference(self) -> Inference:
        """Make what writes summaries and measures losses with the module as it is now."""
        from generators.neural.decoding.recording import StepRecorder
        from generators.neural.inference import Inference

        if self._replay is None and self.device.startswith("cuda"):
            self._replay = StepRecorder()
        return Inference(
            self.module, self.tokens, self.collate, self.decoding, self.device, self._bf16, self._replay
        )

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write a summary for every video; references are not read."""
        if self._tokens is None:
            raise UsageError(f"{self.label} cannot summarize before it was trained or loaded.")
        examples, cut = prepare(without_references(videos), self.tokens, self.text)
        self._coverage = {"transcripts truncated": cut.transcripts}
        summaries = self.inference().write(examples)
        return {video.video_id: summaries[video.video_id] for video in videos}

    def divide(self, videos: Sequence[Video], count: int) -> list[list[Video]]:
        """Deal the batches of `Inference.write` out to at most ``count`` parts; none is cut."""
        examples, _ = prepare(without_references(videos), self.tokens, self.text)
        order = sorted(range(len(videos)), key=lambda i: len(examples[i]), reverse=True)
        size = self.decoding.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        parts = [batches[number::count] for number in range(min(count, len(batches)))]
        return [[videos[i] for batch in part for i in batch] for part in parts]

    def reference_losses(self, videos: Sequence[Video]) -> Floats:
        """Measure how improbable each video's references are to the row ``[n]``, in nats per token.

        The references are not an input; NaN for a video without any. See `inference.Inference`.
        """
        return self.inference().reference_losses(self._examples(videos))

    # What the harness reports of a row

    def parameters(self) -> int:
        """Count the parameters, tied ones once; 0 before the row is built."""
        return sum(p.numel() for p in self._module.parameters()) if self._module is not None else 0

    def coverage(self) -> Mapping[str, int]:
        """Count the texts of the last `fit` or `summarize` that were longer than the row reads."""
        return dict(self._coverage)

    @property
    def choice(self) -> str:
        """Which epoch was selected by which score, as a sentence; empty where nothing was measured."""
        facts: dict[str, float] = {}
        for entry in self.log:
            facts |= entry if "kept_epoch" in entry else {}
        return describe_choice(self.training.choose, facts)

    def remarks(self) -> Sequence[str]:
        """Report which epoch was selected, for the coverage line."""
        return [self.choice] if self.choice else []
