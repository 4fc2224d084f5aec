"""Pretraining of a small BART on the training split, by text infilling, for ``bart.weights=self``.

BART's own objective (Lewis et al. 2020, section 2.2): spans of a Poisson length give way to one mask
each, and the decoder writes the whole text.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import BartForConditionalGeneration

from bench.context import Context
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.types import Json, Video
from generators.bart.checkpoints import write_checkpoint
from generators.bart.fusion import TextOnly
from generators.bart.model import BartShape, FusedBart, random_bart
from generators.groups import PACKAGES
from generators.neural.batches import Collate, Example
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.neural.training.plan import TrainingPlan, uses_bf16
from generators.neural.training.train import train, write_log
from generators.options import BartOptions, PretrainOptions, TextOptions, TrainOptions

NO_FRAMES = np.zeros((0, 1), dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The options that decide the weights of a BART that is made on this machine."""

    bart: BartOptions
    pretrain: PretrainOptions
    text: TextOptions
    seed: int
    device: str
    bf16: bool

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
        )

    def shape(self, tokens: Tokens) -> BartShape:
        """Return the shape of the BART, for a vocabulary."""
        return BartShape.of(tokens, self.bart, layers=(self.bart.encoder_layers, self.bart.decoder_layers))

    def key(self) -> dict[str, Json]:
        """Return what the artefact depends on besides the texts; rates of fine-tuning are none of it."""
        shaping = ("encoder_layers", "decoder_layers", "width", "heads", "feed_forward", "dropout")
        return {
            "bart": {name: getattr(self.bart, name) for name in shaping},
            "pretrain": dataclasses.asdict(self.pretrain),
            "text": dataclasses.asdict(self.text),
            "seed": self.seed,
            "device": self.device.partition(":")[0],
            "bf16": self.bf16,
            "code": code_digest(__name__),
            "versions": {**installed_versions(["numpy", *PACKAGES])},
        }


def self_pretrained(context: Context, recipe: Recipe, videos: Sequence[Video]) -> Path:
    """Return the folder of a BART pretrained on these videos' texts; the store holds one for all rows."""
    key = recipe.key() | {"texts": digest([[v.video_id, v.transcript, *v.references] for v in videos])}

    def make(folder: Path) -> Mapping[str, Json]:
        bart, tokens, log = pretrain(
            recipe, videos, context.store.scratch("pretrained", key), quiet=context.quiet
        )
        write_checkpoint(bart, tokens, folder)
        write_log(log, folder / "training.jsonl")
        return {"loss": log[-1]["loss"]}

    return context.store.fetch("pretrained", key, make).path


def pretrain(
    recipe: Recipe, videos: Sequence[Video], scratch: Path | None, *, quiet: bool = True
) -> tuple[BartForConditionalGeneration, Tokens, list[dict[str, float]]]:
    """Train a BART of the recipe's shape to fill in masked spans."""
    tokens = build(transcripts_and_queries(videos), recipe.text.vocabulary)
    torch.manual_seed(recipe.seed)
    model = FusedBart(random_bart(recipe.shape(tokens).config()), TextOnly(0, 0)).to(recipe.device)
    options = recipe.pretrain
    plan = TrainingPlan(
        label="text infilling",
        seed=recipe.seed,
        device=recipe.device,
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        lr_option="pretrain.lr",
        warmup=options.warmup,
        bf16=recipe.bf16,
        quiet=quiet,
    )
    log = train(model, Infilling(videos, tokens, recipe), Collate(tokens.pad, 1), plan, scratch=scratch)
    return model.bart, tokens, log


class Infilling:
    """The examples of text infilling: a window of each transcript and a query of each video, spans masked.

    Windows, queries and spans are drawn again in each ``epoch``.
    """

    def __init__(self, videos: Sequence[Video], tokens: Tokens, recipe: Recipe) -> None:
        self.epoch = 0
        self._options, self._seed, self._tokens = recipe.pretrain, recipe.seed, tokens
        limit = recipe.text.transcript_tokens - 2
        transcripts = [[one.ids] for one in tokens.encode([v.transcript for v in videos], limit) if one.ids]
        queries = [
            [one.ids for one in tokens.encode(v.references, recipe.text.query_tokens) if one.ids]
            for v in videos
        ]
        self._groups = transcripts + [group for group in queries if group]

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def lengths(self) -> list[int]:
        """Return the most tokens each example may have."""
        window = self._options.window
        return [
            min(max(map(len, group)), window) if window else max(map(len, group)) for group in self._groups
        ]

    def __getitem__(self, index: int) -> tuple[Example, list[int]]:
        rng = random.Random(f"{self._seed}:{self.epoch}:{index}")
        ids = rng.choice(self._groups[index])
        window = self._options.window or len(ids)
        start = rng.randrange(max(len(ids) - window, 0) + 1)
        ids = ids[start : start + window]
        masked = infill(ids, rng, share=self._options.masked, mean=self._options.span, mask=self._tokens.mask)
        target = self._tokens.target(ids)
        return Example(str(index), self._tokens.frame(masked), NO_FRAMES, [target]), target


def infill(ids: Sequence[int], rng: random.Random, *, share: float, mean: float, mask: int) -> list[int]:
    """Replace spans that cover about ``share`` of the tokens by one mask each; a span of 0 inserts one."""
    left = round(share * len(ids))
    gone, masks = [False] * len(ids), [False] * len(ids)
    while left > 0:
        length = min(_poisson(rng, mean), left)
        start = rng.randrange(len(ids))
        masks[start] = True
        for place in range(start, min(start + length, len(ids))):
            gone[place] = True
        left -= max(length, 1)
    out: list[int] = []
    for token, hidden, marked in zip(ids, gone, masks, strict=True):
        out += [mask] * marked + [token] * (not hidden)
    return out


def _poisson(rng: random.Random, mean: float) -> int:
    """Draw from a Poisson distribution (Knuth's method, fine for small means)."""
    limit, count, product = np.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
