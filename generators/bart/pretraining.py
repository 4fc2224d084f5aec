"""A small pretrained BART where none can be had: text infilling on the training split.

BART's own objective (Lewis et al. 2020, section 2.2): spans of a Poisson length give way to one mask
each, and the decoder writes the whole text.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BartForConditionalGeneration, BertModel

from bench.context import Context
from bench.store.code_digest import code_digest
from bench.store.digests import digest, file_digest
from bench.types import Json, Video
from generators.bart.checkpoints import (
    all_lines,
    known_ids,
    minilm_folder,
    no_bars,
    read_tokens,
    write_checkpoint,
)
from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart, random_bart, shape
from generators.neural.batches import Collate, Example
from generators.neural.tokens import Tokens, build
from generators.neural.training import Plan, train, write_log
from generators.options import BartOptions, PretrainOptions, TextOptions
from generators.quiet import quiet
from generators.versions import numerics

NO_FRAMES = np.zeros((0, 1), dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Hold the options that decide the weights made here."""

    bart: BartOptions
    pretrain: PretrainOptions
    text: TextOptions
    seed: int
    device: str
    bf16: bool

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
            "versions": numerics(),
        }


def self_pretrained(context: Context, recipe: Recipe, videos: Sequence[Video]) -> Path:
    """Return the folder of a BART pretrained on these videos' texts, made once for all rows that ask."""
    key = recipe.key() | {"texts": digest([[v.video_id, v.transcript, *v.references] for v in videos])}

    def make(folder: Path) -> Mapping[str, Json]:
        bart, tokens, log = pretrain(
            recipe, videos, context.store.scratch("pretrained", key), quiet=context.quiet
        )
        write_checkpoint(bart, tokens, folder)
        write_log(log, folder / "training.jsonl")
        return {"loss": log[-1]["loss"]}

    made: Path = context.store.fetch("pretrained", key, make).path
    return made


def warm_started(context: Context, recipe: Recipe) -> Path:
    """Return the folder of a BART with MiniLM's encoder and a random decoder, for English."""
    source = minilm_folder()
    key = recipe.key() | {"minilm": file_digest(source / "model.safetensors")}

    def make(folder: Path) -> None:
        torch.manual_seed(recipe.seed)
        tokens = minilm_tokens()
        bart = minilm_bart(source, recipe.bart.decoder_layers, recipe.bart.dropout)
        write_checkpoint(bart, tokens, folder)

    made: Path = context.store.fetch("warm-started", key, make).path
    return made


def pretrain(
    recipe: Recipe, videos: Sequence[Video], scratch: Path | None, *, quiet: bool = True
) -> tuple[BartForConditionalGeneration, Tokens, list[dict[str, float]]]:
    """Train a BART of the recipe's shape to fill in masked spans."""
    tokens = build(all_lines([(v.transcript, *v.references) for v in videos]), recipe.text.vocabulary)
    torch.manual_seed(recipe.seed)
    model = FusedBart(random_bart(recipe_shape(recipe.bart, tokens)), TextOnly(0, 0)).to(recipe.device)
    options = recipe.pretrain
    plan = Plan(
        label="text infilling",
        seed=recipe.seed,
        device=recipe.device,
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        warmup=options.warmup,
        bf16=recipe.bf16,
        quiet=quiet,
    )
    log = train(model, Infilling(videos, tokens, recipe), Collate(tokens.pad, 1), plan, scratch=scratch)
    return model.bart, tokens, log


def recipe_shape(options: BartOptions, tokens: Tokens) -> dict[str, Any]:
    """Return the BART configuration of the options."""
    return shape(
        vocabulary=len(tokens),
        layers=(options.encoder_layers, options.decoder_layers),
        width=options.width,
        heads=options.heads,
        feed_forward=options.feed_forward,
        dropout=options.dropout,
        specials=known_ids(tokens),
    )


class Infilling:
    """Give a window of each transcript and a query of each video with spans masked, anew each epoch."""

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
        chance = random.Random(f"{self._seed}:{self.epoch}:{index}")
        ids = chance.choice(self._groups[index])
        window = self._options.window or len(ids)
        start = chance.randrange(max(len(ids) - window, 0) + 1)
        ids = ids[start : start + window]
        masked = infill(
            ids, chance, share=self._options.masked, mean=self._options.span, mask=self._tokens.mask
        )
        target = self._tokens.target(ids)
        return Example(str(index), self._tokens.frame(masked), NO_FRAMES, [target]), target


def infill(ids: Sequence[int], chance: random.Random, *, share: float, mean: float, mask: int) -> list[int]:
    """Replace spans that cover about ``share`` of the tokens by one mask each; a span of 0 inserts one."""
    left = round(share * len(ids))
    gone, masks = [False] * len(ids), [False] * len(ids)
    while left > 0:
        length = min(_poisson(chance, mean), left)
        start = chance.randrange(len(ids))
        masks[start] = True
        for place in range(start, min(start + length, len(ids))):
            gone[place] = True
        left -= max(length, 1)
    out: list[int] = []
    for token, hidden, marked in zip(ids, gone, masks, strict=True):
        out += [mask] * marked + [token] * (not hidden)
    return out


def _poisson(chance: random.Random, mean: float) -> int:
    """Draw from a Poisson distribution (Knuth's method, fine for small means)."""
    limit, count, product = np.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def minilm_tokens() -> Tokens:
    """Return MiniLM's tokenizer as tokens of a BART."""
    folder = minilm_folder()
    return read_tokens(folder, {"decoder_start_token_id": 101, "bos_token_id": 101, "vocab_size": 30522})


def minilm_bart(source: Path, decoder_layers: int, dropout: float = 0.1) -> BartForConditionalGeneration:
    """Return a BART whose encoder computes what a BERT does, with a random decoder of the same shape.

    BERT's and BART's encoder layers are the same function under other names; BERT's token type is a
    constant and goes into the positions. Source: Rothe et al. 2020 (warm-starting one side).
    """
    with no_bars(), quiet():
        bert = BertModel.from_pretrained(str(source), dtype=torch.float32, add_pooling_layer=False)
    config = bert.config
    bart = random_bart(
        shape(
            vocabulary=config.vocab_size,
            layers=(config.num_hidden_layers, decoder_layers),
            width=config.hidden_size,
            heads=config.num_attention_heads,
            feed_forward=config.intermediate_size,
            dropout=dropout,
            specials=(0, 101, 102),
        )
    )
    bart.get_encoder().load_state_dict(_renamed(bert.state_dict()), strict=False)
    return bart


_NAMES = {
    "attention.self.query": "self_attn.q_proj",
    "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj",
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "self_attn_layer_norm",
    "intermediate.dense": "fc1",
    "output.dense": "fc2",
    "output.LayerNorm": "final_layer_norm",
}


def _renamed(bert: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a BERT's weights under the names of BART's encoder."""
    places = (
        bert["embeddings.position_embeddings.weight"] + bert["embeddings.token_type_embeddings.weight"][0]
    )
    renamed = {
        "embed_tokens.weight": bert["embeddings.word_embeddings.weight"],
        "embed_positions.weight": torch.cat((torch.zeros(2, places.shape[1]), places)),  # BART's offset of 2
        "layernorm_embedding.weight": bert["embeddings.LayerNorm.weight"],
        "layernorm_embedding.bias": bert["embeddings.LayerNorm.bias"],
    }
    for name, weight in bert.items():
        if name.startswith("encoder.layer."):
            number, _, rest = name.removeprefix("encoder.layer.").partition(".")
            part, _, kind = rest.rpartition(".")
            renamed[f"layers.{number}.{_NAMES[part]}.{kind}"] = weight
    return renamed
