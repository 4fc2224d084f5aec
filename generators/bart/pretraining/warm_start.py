"""A BART with the encoder of MiniLM and a random decoder, for ``bart.weights=minilm`` (English)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import BartForConditionalGeneration, BertModel

from bench.context import Context
from bench.types import Json
from bench.weights import digest_weights, minilm_folder, quiet_loading
from generators.bart.checkpoints import read_tokens, write_checkpoint
from generators.bart.model import random_bart
from generators.bart.pretraining.recipe import Recipe
from generators.bart.shape import BartShape
from generators.neural.tokens import Tokens

BERT_IDS = {"decoder_start_token_id": 101, "bos_token_id": 101}
"""A text begins with [CLS], in MiniLM as in every BERT."""


def warm_started(context: Context, recipe: Recipe) -> Path:
    """Make a BART with MiniLM's encoder and a random decoder once, and locate it in the store."""
    source = minilm_folder(option="bart.weights")
    key: dict[str, Json] = recipe.key() | {"minilm": {**digest_weights(source)}}

    def make(folder: Path) -> None:
        torch.manual_seed(recipe.seed)
        bart = minilm_bart(source, recipe.bart.decoder_layers, recipe.bart.dropout)
        write_checkpoint(bart, minilm_tokens(source), folder)

    return context.store.fetch("warm-started", key, make).path


def minilm_tokens(folder: Path) -> Tokens:
    """Read MiniLM's tokenizer for use with a BART."""
    return read_tokens(folder, {**BERT_IDS, "vocab_size": 30522})


def minilm_bart(source: Path, decoder_layers: int, dropout: float = 0.1) -> BartForConditionalGeneration:
    """Copy a BERT into the encoder of a BART, with a random decoder of the same shape.

    BERT's and BART's encoder layers are the same function under other names; BERT's token type is a
    constant and goes into the positions. Source: Rothe et al. 2020 (warm-starting one side).
    """
    with quiet_loading():
        bert = BertModel.from_pretrained(str(source), dtype=torch.float32, add_pooling_layer=False)
    config = bert.config
    bart = random_bart(
        BartShape(
            vocabulary=config.vocab_size,
            specials=(0, 101, 102),
            encoder_layers=config.num_hidden_layers,
            decoder_layers=decoder_layers,
            width=config.hidden_size,
            heads=config.num_attention_heads,
            feed_forward=config.intermediate_size,
            dropout=dropout,
        ).config()
    )
    bart.get_encoder().load_state_dict(_rename_weights(bert.state_dict()), strict=False)
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


def _rename_weights(bert: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename a BERT's weights to those of BART's encoder, so that it can be trained from them."""
    positions = (
        bert["embeddings.position_embeddings.weight"] + bert["embeddings.token_type_embeddings.weight"][0]
    )
    renamed = {
        "embed_tokens.weight": bert["embeddings.word_embeddings.weight"],
        "embed_positions.weight": torch.cat(
            (torch.zeros(2, positions.shape[1]), positions)
        ),  # BART's offset of 2
        "layernorm_embedding.weight": bert["embeddings.LayerNorm.weight"],
        "layernorm_embedding.bias": bert["embeddings.LayerNorm.bias"],
    }
    for name, weight in bert.items():
        if name.startswith("encoder.layer."):
            number, _, rest = name.removeprefix("encoder.layer.").partition(".")
            part, _, kind = rest.rpartition(".")
            renamed[f"layers.{number}.{_NAMES[part]}.{kind}"] = weight
    return renamed
