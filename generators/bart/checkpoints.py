"""The checkpoint that a BART row starts from: its name and identity, reading and writing it."""

from __future__ import annotations

import dataclasses
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

from bench.errors import DataError, UsageError
from bench.types import Json
from bench.weights import digest_weights, locate_weights, minilm_folder, quiet_loading
from generators.bart.options import BartOptions
from generators.neural.tokens import Tokens

DEFAULTS = {"zh": "fnlp/bart-base-chinese", "en": "facebook/bart-base"}
REVISIONS: Mapping[str, str] = {"facebook/bart-base": "aadd2ab0ae0c8268c7c9693540e9904811f36177"}
"""Pinned revisions of hub ids. The Chinese checkpoint changed its vocabulary in December 2022: set
``bart.revision`` to choose; the digests of the files are part of every key either way."""

MADE_HERE = {"self": "self-pretrained", "minilm": "MiniLM encoder, random decoder"}

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


@dataclasses.dataclass(frozen=True)
class Source:
    """Which weights a BART row starts from: the option ``bart.weights`` with ``auto`` resolved."""

    name: str
    revision: str | None = None

    @classmethod
    def of(cls, options: BartOptions, language: str) -> Source:
        """Resolve ``auto``. Raises UsageError for MiniLM with another language than English."""
        name = DEFAULTS.get(language, DEFAULTS["en"]) if options.weights == "auto" else options.weights
        if name == "minilm" and language != "en":
            raise UsageError(
                f"bart.weights=minilm reads English only, and this dataset is '{language}'. "
                "Use bart.weights=self."
            )
        return cls(name, options.revision or REVISIONS.get(name))

    @property
    def made_here(self) -> bool:
        """Whether the weights are made on this machine."""
        return self.name in MADE_HERE

    def __str__(self) -> str:
        if self.made_here:
            return MADE_HERE[self.name]
        if Path(self.name).is_dir():
            return f"{Path(self.name).resolve().name} (folder)"
        # where no revision was named, the hub's cache is named after the newest
        return f"{self.name}@{(self.revision or self.folder().name)[:8]}"

    def identity(self) -> dict[str, Json]:
        """Identify the checkpoint by the digests of its files; {} for weights made from the data."""
        if self.name == "self":
            return {}
        minilm = self.name == "minilm"
        folder = minilm_folder(option="bart.weights") if minilm else self.folder()
        return {"weights": {**digest_weights(folder)}}

    def folder(self) -> Path:
        """Locate a checkpoint: a folder, or the copy of what the model hub has under the name.

        Raises MissingError when the weights cannot be had.
        """
        return locate_weights(
            self.name,
            option="bart.weights",
            revision=self.revision,
            remedy="Name a folder, or use bart.weights=self to pretrain on the training split.",
        )


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
