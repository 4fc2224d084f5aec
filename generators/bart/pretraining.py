"""Pretraining of a small BART by text infilling, for ``bart.weights=self``.

The texts are those of the training split and, with ``pretrain.texts``, others without videos.
"""

from __future__ import annotations

import dataclasses
import math
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from transformers import BartForConditionalGeneration

from bench.context import Context
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.types import Json, Video
from generators.bart.checkpoints import write_checkpoint
from generators.bart.fusion import TextOnly
from generators.bart.infilling import Group, HeldOut, Infilling, Masking
from generators.bart.model import BartShape, FusedBart, random_bart
from generators.bart.options import BartOptions, PretrainOptions
from generators.bart.unlabelled import read_texts
from generators.groups import PACKAGES
from generators.neural.batches import Collate
from generators.neural.options import TextOptions, TrainOptions
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.neural.training.plan import SCORE, TrainingPlan, Validation, uses_bf16
from generators.neural.training.train import train, write_log

HELD_OUT_SHARE, MOST_HELD_OUT = 0.05, 100
"""Of the training videos, and of the unlabelled texts, so many are not pretrained on but measured."""
Kinds = Sequence[Sequence[Group]]
"""The texts to fill in, by kind: transcripts, queries, unlabelled texts."""


@dataclasses.dataclass(frozen=True)
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
            "pretrain": dataclasses.asdict(self.pretrain) | {"texts": None},  # known by its digest
            **self.identity(),
            "text": dataclasses.asdict(self.text),
            "seed": self.seed,
            "device": self.device.partition(":")[0],
            "bf16": self.bf16,
            **({"processes": self.processes} if self.processes > 1 else {}),
            "code": code_digest(__name__),
            "versions": {**installed_versions(["numpy", *PACKAGES])},
        }


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """A BART made here, as a folder of the store."""

    folder: Path
    facts: Mapping[str, float]
    """The infilling loss in nats per token: ``infilling_loss``, of held-out texts where there are some."""


def self_pretrained(context: Context, recipe: Recipe, videos: Sequence[Video]) -> Pretrained:
    """Pretrain a BART on these videos' texts, once for all rows: the store holds it."""
    key = recipe.key() | {"texts": digest([[v.video_id, v.transcript, *v.references] for v in videos])}

    def make(folder: Path) -> Mapping[str, Json]:
        scratch = context.store.scratch("pretrained", key)
        bart, tokens, log = pretrain(recipe, videos, scratch)
        write_checkpoint(bart, tokens, folder)
        write_log(log, folder / "training.jsonl")
        held_out = [entry["heldout_loss"] for entry in log if "heldout_loss" in entry]
        last = [entry["loss"] for entry in log if "loss" in entry][-1]
        return {"infilling_loss": min(held_out, default=last)}

    artefact = context.store.fetch("pretrained", key, make)
    return Pretrained(artefact.path, {"infilling_loss": artefact.meta["infilling_loss"]})


def pretrain(
    recipe: Recipe, videos: Sequence[Video], scratch: Path | None
) -> tuple[BartForConditionalGeneration, Tokens, list[dict[str, float]]]:
    """Train a BART of the recipe's shape to fill in masked spans, and return it with its log.

    The weights are those of the round with the lowest loss on held-out texts, ``heldout_loss`` in the log.
    """
    unlabelled = recipe.unlabelled
    tokens = build([*transcripts_and_queries(videos), *unlabelled], recipe.text.vocabulary)
    torch.manual_seed(recipe.seed)
    model = FusedBart(random_bart(recipe.shape(tokens).config()), TextOnly(0, 0)).to(recipe.device)
    options = recipe.pretrain
    rounds = max(round(options.steps / options.evaluation_steps), 1)
    trained, measured = split_texts(recipe, tokens, videos, unlabelled)
    masking = Masking(tokens, options, options.window or recipe.text.transcript_tokens - 2, recipe.seed)
    held_out = HeldOut(measured, masking, options.batch_size)
    validation = Validation(lambda: [-held_out.loss(model, recipe.device)])
    log = train(
        model,
        Infilling(trained, masking, math.ceil(options.steps / rounds) * options.batch_size),
        Collate(tokens.pad, 1),
        _plan(recipe, rounds),
        validation=validation if any(measured) else None,
        scratch=scratch,
    )
    return model.bart, tokens, [_name_loss(entry) for entry in log]


def _plan(recipe: Recipe, rounds: int) -> TrainingPlan:
    options = recipe.pretrain
    return TrainingPlan(
        label="text infilling",
        seed=recipe.seed,
        device=recipe.device,
        epochs=rounds,
        batch_size=options.batch_size,
        lr=options.lr,
        lr_option="pretrain.lr",
        warmup=options.warmup,
        patience=options.patience,
        least_gain=options.least_gain,
        target_score=-options.target_loss if options.target_loss else None,
        bf16=recipe.bf16,
    )


def _name_loss(entry: Mapping[str, float]) -> dict[str, float]:
    """Replace the score in an entry of the log by the held-out loss, whose negative it is."""
    named = {name: value for name, value in entry.items() if name != SCORE}
    return named | ({"heldout_loss": -entry[SCORE]} if SCORE in entry else {})


def split_texts(
    recipe: Recipe, tokens: Tokens, videos: Sequence[Video], unlabelled: Sequence[str]
) -> tuple[Kinds, Kinds]:
    """Split texts into those to train on and those to measure, as ids; a video's stay on one side."""
    limit = recipe.text.query_tokens
    transcripts = [[one.ids] for one in tokens.encode([v.transcript for v in videos], sys.maxsize)]
    queries = [[one.ids for one in tokens.encode(v.references, limit)] for v in videos]
    others = [[one.ids] for one in tokens.encode(unlabelled, sys.maxsize)]
    sides: tuple[list[list[Group]], list[list[Group]]] = [], []
    for kind in (transcripts, queries, others):
        measured = _draw_held_out(len(kind), recipe.seed)
        for side, wanted in zip(sides, (False, True), strict=True):
            groups = (group for i, group in enumerate(kind) if (i in measured) is wanted)
            side.append([texts for group in groups if (texts := [ids for ids in group if ids])])
    return sides


def _draw_held_out(count: int, seed: int) -> set[int]:
    size = min(int(count * HELD_OUT_SHARE), MOST_HELD_OUT)
    return set(random.Random(f"held out:{seed}").sample(range(count), size))
