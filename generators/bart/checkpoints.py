"""Checkpoints of BART: configuration, tokenizer and weights, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BartTokenizer,
    BertTokenizer,
    PreTrainedTokenizerFast,
)

from bench.errors import DataError
from bench.weights import quiet_loading
from generators.neural.tokens import Tokens

SHAPE = [
    "vocab_size",
    "d_model",
    "encoder_layers",
    "decoder_layers",
    "encoder_attention_heads",
    "decoder_attention_heads",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "dropout",
    "attention_dropout",
    "activation_dropout",
    "activation_function",
    "scale_embedding",
    "init_std",
    "max_position_embeddings",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "decoder_start_token_id",
    "forced_eos_token_id",
]
"""What is read of a checkpoint's config: shape, spread of new weights, ids; no settings for generation."""


def read_config(folder: Path) -> dict[str, Any]:
    """Read shape and special ids of a BART checkpoint. Raises DataError for another kind of model."""
    try:
        config = BartConfig.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}/config.json cannot be read as that of a model: {error}") from error
    if getattr(config, "model_type", None) != "bart" or "d_model" not in config.to_dict():
        raise DataError(f"{folder} holds a model of type {config.model_type}, not bart.")
    return {key: getattr(config, key) for key in SHAPE}


def read_tokens(folder: Path, config: Mapping[str, Any]) -> Tokens:
    """Read a checkpoint's tokenizer, by the files it has.

    The Chinese BART has a BERT vocabulary (``vocab.txt``) and must never meet BartTokenizer.
    Raises DataError when vocabulary and weights are of different sizes: they come from two revisions.
    """
    if (folder / "vocab.txt").is_file():
        tokenizer = BertTokenizer.from_pretrained(str(folder))
    elif (folder / "tokenizer.json").is_file():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder))
    else:
        tokenizer = BartTokenizer.from_pretrained(str(folder))
    start, bos = config["decoder_start_token_id"], config["bos_token_id"]
    tokens = Tokens(tokenizer, (start,) if start == bos else (start, bos))
    if len(tokens) > config["vocab_size"]:
        raise DataError(
            f"{folder}: the vocabulary has {len(tokens)} tokens, the weights {config['vocab_size']}. "
            "They come from different revisions; fetch both from the same."
        )
    return tokens


def read_weights(folder: Path) -> BartForConditionalGeneration:
    """Load a checkpoint's weights into the library's model, in single precision."""
    with quiet_loading():
        return BartForConditionalGeneration.from_pretrained(str(folder), dtype=torch.float32)


def write_checkpoint(bart: BartForConditionalGeneration, tokens: Tokens, folder: Path) -> None:
    """Write a folder that `read_config`, `read_tokens` and `read_weights` read."""
    with quiet_loading():
        bart.save_pretrained(str(folder))
    tokens.save(folder)
