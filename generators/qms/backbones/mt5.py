"""mT5 as a backbone of QMS (paper, Table VI): its own depth, tokenizer and decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast, T5Tokenizer
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from bench.context import Context
from bench.errors import DataError
from bench.types import Json, Video
from bench.weights import digest_weights, locate_weights, quiet_loading
from generators.neural.tokens import Tokens
from generators.qms.backbones.backbone import Backbone
from generators.qms.model import QMS
from generators.qms.options import MT5Options
from generators.qms.rows import QMSRow

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
"""What is read of a checkpoint's config: its shape and ids, never its settings for generation."""


class MT5Tokens(Tokens):
    """T5's tokenizer: nothing before a text, an end behind it, and padding to start the decoder."""

    lead = 0

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int] | None = None) -> None:
        self.tokenizer = tokenizer
        self.pad = self.bos = self.mask = int(tokenizer.pad_token_id)
        self.eos = int(tokenizer.eos_token_id)
        self.prompt = tuple(prompt) if prompt is not None else (self.pad,)

    def frame(self, ids: Sequence[int]) -> list[int]:
        """Put the end behind a source."""
        return [*ids, self.eos]


@dataclass(slots=True)
class MT5State:
    """The state of a search: memory ``[n, s, d]``, its mask, and the decoder's keys and values so far."""

    memory: Tensor
    mask: Tensor
    cache: EncoderDecoderCache


class MT5Module(QMS):
    """QMS on mT5: where the library's mT5 has its decoder and its output layer."""

    @property
    def decoder(self) -> Any:
        """The library's decoder, which writes the summary."""
        return self.bart.decoder

    def begin(self, memory: Tensor, mask: Tensor) -> MT5State:
        """Start a search over a memory ``[n, s, d]`` with its mask ``[n, s]``."""
        return MT5State(memory, mask.long(), EncoderDecoderCache(DynamicCache(), DynamicCache()))

    def step(self, tokens: Tensor, state: MT5State) -> tuple[Tensor, MT5State]:
        """Read tokens ``[n, t]``, return log-probabilities ``[n, v]``."""
        states = self.decoder(
            input_ids=tokens,
            encoder_hidden_states=state.memory,
            encoder_attention_mask=state.mask,
            past_key_values=state.cache,
            use_cache=True,
        ).last_hidden_state
        return self.score_vocabulary(states[:, -1]).float().log_softmax(-1), state

    def select(self, state: MT5State, rows: Tensor) -> MT5State:
        """Keep the given rows of memory and cache: videos that are still decoded."""
        state.cache.batch_select_indices(rows)
        return MT5State(state.memory[rows], state.mask[rows], state.cache)

    def reorder(self, state: MT5State, rows: Tensor) -> MT5State:
        """Order the beams anew; those of a video share its memory."""
        state.cache.self_attention_cache.batch_select_indices(rows)
        return state

    def score_vocabulary(self, states: Tensor) -> Tensor:
        """Project the decoder's states ``[..., d]`` to scores of all ids ``[..., v]``."""
        scores: Tensor = self.bart.lm_head(states)
        return scores


class MT5Backbone(Backbone):
    """mT5 (Xue et al. 2021; the checkpoint of Hasan et al. 2021), with its own tokenizer."""

    tokens_class = MT5Tokens

    def __init__(self, context: Context) -> None:
        self.options = context.options(MT5Options)
        self.sections = (self.options,)
        self.learning_rate = self.options.lr

    @property
    def folder(self) -> Path:
        """The folder of the weights. Raises MissingError when they cannot be had."""
        return locate_weights(self.options.weights, option="mt5.weights", revision=self.options.revision)

    def module_class(self) -> type[QMS]:
        """Choose QMS on mT5's decoder."""
        return MT5Module

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Read the checkpoint's tokenizer."""
        return _read_tokens(self.folder)

    def shape(self, tokens: Tokens) -> dict[str, Json]:
        """Read the checkpoint's shape. Raises DataError for another kind of model."""
        return _read_shape(self.folder)

    def build(self, shape: dict[str, Any]) -> Any:
        """Build an mT5 with random weights."""
        return MT5ForConditionalGeneration(MT5Config(**shape))

    def pretrained_weights(self) -> Mapping[str, Tensor]:
        """Read the checkpoint's weights, in single precision."""
        with quiet_loading():
            model = MT5ForConditionalGeneration.from_pretrained(str(self.folder), dtype=torch.float32)
        weights: Mapping[str, Tensor] = model.state_dict()
        return weights

    def identity(self) -> Mapping[str, Json]:
        """Identify the pretrained weights by the digests of the checkpoint's files."""
        return {"weights": {**digest_weights(self.folder)}}

    def signature(self) -> Mapping[str, str]:
        """Name the folder of the weights, for the signature line."""
        return {"weights": Path(self.options.weights).name}


def qms_mt5(context: Context) -> QMSRow:
    """QMS on mT5 (Table VI)."""
    return QMSRow(context, MT5Backbone(context), name="qms-mt5", label="QMS (mT5)")


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
