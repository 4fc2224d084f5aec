"""Pretraining of a small BART by text infilling, for ``bart.weights=self``.

The texts are those of the training split and, with ``pretrain.texts``, others without videos.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BartForConditionalGeneration

from bench.context import Context
from bench.store.digests import digest
from bench.types import Json, Video
from generators.bart.checkpoints import write_checkpoint
from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart, random_bart
from generators.bart.pretraining.infilling import Group, HeldOut, Infilling, Masking
from generators.bart.pretraining.recipe import Recipe
from generators.neural.batches import Collate
from generators.neural.checkpoint import write_log
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.neural.training.plan import SCORE, TrainingPlan, Validation
from generators.neural.training.train import train

HELD_OUT_SHARE, MOST_HELD_OUT = 0.05, 100
"""Of the training videos, and of the unlabelled texts, so many are not pretrained on but measured."""
Kinds = Sequence[Sequence[Group]]
"""The texts to fill in, by kind: transcripts, queries, unlabelled texts."""


@dataclass(frozen=True)
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
