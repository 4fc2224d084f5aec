"""QMS on mT5 (Table VI): its own depth, tokenizer and decoder; nothing of QMS is written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast, T5Tokenizer
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from bench.context import Context
from bench.errors import DataError, MissingError
from bench.store.digests import file_digest
from bench.types import Json, Video
from generators.neural.row import Neural
from generators.neural.tokens import Tokens
from generators.options import MT5Options
from generators.qms.model import QMS
from generators.qms.rows import QMSRow
from generators.quiet import quiet

SHAPE = (
    "vocab_size",
    "d_model",
    "d_kv",
    "d_ff",
    "num_layers",
    "num_decoder_layers",
    "num_heads",
    "relative_attention_num_buckets",
    "relative_attention_max_distance",
    "dropout_rate",
    "layer_norm_epsilon",
    "feed_forward_proj",
    "tie_word_embeddings",
    "pad_token_id",
    "eos_token_id",
    "decoder_start_token_id",
)
"""What of a checkpoint's config is kept: its shape and ids, never its settings for generation."""


class MT5Tokens(Tokens):
    """Frame texts as T5 does: nothing before, an end behind, and padding to start the decoder."""

    lead = 0

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int] | None = None) -> None:
        self._tokenizer = tokenizer
        self.pad = self.bos = self.mask = int(tokenizer.pad_token_id)
        self.eos = int(tokenizer.eos_token_id)
        self.prompt = tuple(prompt) if prompt is not None else (self.pad,)

    def frame(self, ids: Sequence[int]) -> list[int]:
        """Put the end behind a source."""
        return [*ids, self.eos]


class MT5Objective(QMS):
    """QMS whose decoder and vocabulary scores are mT5's."""

    @property
    def decoder(self) -> Any:
        """Return the library's decoder."""
        return self.bart.decoder

    def _vocabulary(self, states: Tensor) -> Tensor:
        scores: Tensor = self.bart.lm_head(states)
        return scores


class MT5(Neural):
    """Bring mT5 as a backbone (Xue et al. 2021; the checkpoint of Hasan et al. 2021)."""

    tokens_kind = MT5Tokens

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options = context.options(MT5Options)
        self._checkpoint: Path | None = None

    @property
    def rate(self) -> float:
        """Return ``mt5.lr``."""
        return self.options.lr

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Return the checkpoint's tokens."""
        self._checkpoint = _folder(self.options)
        return _read_tokens(self._checkpoint)

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Return the checkpoint's shape. Raises DataError for another kind of model."""
        assert self._checkpoint is not None
        return {"frame_width": frame_width, "bart": _read_shape(self._checkpoint)}

    def warm(self, module: Any) -> None:
        """Put the checkpoint's weights in."""
        with quiet():
            found = MT5ForConditionalGeneration.from_pretrained(str(self._checkpoint), dtype=torch.float32)
        module.bart.load_state_dict(found.state_dict())

    def identity(self) -> Mapping[str, Json]:
        """Return the digests of the weights."""
        files = sorted(p for p in _folder(self.options).iterdir() if p.suffix in (".safetensors", ".bin"))
        return {"weights": {path.name: file_digest(path) for path in files}}

    def signature(self) -> Mapping[str, str]:
        """Say where the weights come from."""
        return {"weights": Path(self.options.weights).name}


class MT5QMS(QMSRow, MT5):
    """QMS on mT5 (Table VI)."""

    label = "QMS (mT5)"
    name = "qms-mt5"
    kind = MT5Objective

    def library(self, shape: dict[str, Any]) -> Any:
        """Return an mT5 with random weights."""
        return MT5ForConditionalGeneration(MT5Config(**shape))


def _folder(options: MT5Options) -> Path:
    """Return the folder of the weights. Raises MissingError when they cannot be had."""
    if Path(options.weights).is_dir():
        return Path(options.weights)
    from huggingface_hub import snapshot_download

    try:
        patterns = ["*.json", "*.model", "*.safetensors", "*.bin"]
        return Path(snapshot_download(options.weights, revision=options.revision, allow_patterns=patterns))
    except Exception as error:  # the hub's client raises many kinds: offline, unknown, gated
        raise MissingError(
            f"mt5.weights={options.weights} is no folder here and cannot be had from the model hub "
            f"({type(error).__name__}). Name a folder: --set mt5.weights=DIR."
        ) from error


def _read_shape(folder: Path) -> dict[str, Any]:
    try:
        config = MT5Config.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}/config.json cannot be read as that of a model: {error}") from error
    if config.model_type not in ("mt5", "t5"):
        raise DataError(f"{folder} holds a model of type {config.model_type}, not mt5.")
    return {name: getattr(config, name) for name in SHAPE}


def _read_tokens(folder: Path) -> MT5Tokens:
    if (folder / "tokenizer.json").is_file():
        return MT5Tokens(PreTrainedTokenizerFast.from_pretrained(str(folder)))
    return MT5Tokens(T5Tokenizer.from_pretrained(str(folder)))
