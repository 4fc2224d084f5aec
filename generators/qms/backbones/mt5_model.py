"""The module of QMS on mT5, and the checkpoints that its weights are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast, T5Tokenizer
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from bench.errors import DataError
from bench.weights import quiet_loading
from generators.neural.decoding.recording import cached_tensors
from generators.qms.model import QMS

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

    def tensors(self, state: MT5State) -> list[Tensor]:
        """List the tensors of a state."""
        return [state.memory, state.mask, *cached_tensors(state.cache)]

    def score_vocabulary(self, states: Tensor) -> Tensor:
        """Project the decoder's states ``[..., d]`` to scores of all ids ``[..., v]``."""
        scores: Tensor = self.bart.lm_head(states)
        return scores


def random_mt5(shape: dict[str, Any]) -> MT5ForConditionalGeneration:
    """Build an mT5 with random weights."""
    return MT5ForConditionalGeneration(MT5Config(**shape))


def read_shape(folder: Path) -> dict[str, Any]:
    """Read a checkpoint's shape. Raises DataError for another kind of model."""
    try:
        config = MT5Config.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}/config.json cannot be read as that of a model: {error}") from error
    if config.model_type not in ("mt5", "t5"):
        raise DataError(f"{folder} holds a model of type {config.model_type}, not mt5.")
    return {name: getattr(config, name) for name in SHAPE}


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Read a checkpoint's tokenizer, by the files it has."""
    kind = PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else T5Tokenizer
    tokenizer: PreTrainedTokenizerBase = kind.from_pretrained(str(folder))
    return tokenizer


def read_weights(folder: Path) -> Mapping[str, Tensor]:
    """Read a checkpoint's weights, in single precision."""
    with quiet_loading():
        model = MT5ForConditionalGeneration.from_pretrained(str(folder), dtype=torch.float32)
    weights: Mapping[str, Tensor] = model.state_dict()
    return weights
