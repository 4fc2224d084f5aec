"""BART's decoder in a search: one token after another, over a memory that the beams of a video share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.masking_utils import create_bidirectional_mask


@dataclass(slots=True)
class BartState:
    """The state of a search: ``n`` rows over the memory of ``m`` videos, each with as many rows.

    Rows of a video follow one another. Keys and values are those of each layer: ``[m, h, s, d]`` of the
    memory, ``[n, h, t, d]`` of the tokens read so far, None before the first.
    """

    memory: list[tuple[Tensor, Tensor]]
    mask: Tensor | None
    """Which states of the memory are attended to, ``[m, 1, 1, s]``; None for all."""
    read: list[tuple[Tensor, Tensor] | None]
    rows: int = 1
    """Rows of a video."""


def begin(decoder: Any, memory: Tensor, mask: Tensor) -> BartState:
    """Start a search over a memory ``[m, s, d]``, whose keys and values are computed once."""
    attentions = [layer.encoder_attn for layer in decoder.layers]
    projected = [[split_heads(p(memory), a) for p in (a.k_proj, a.v_proj)] for a in attentions]
    attended: Any = create_bidirectional_mask(
        config=decoder.config, inputs_embeds=memory[:, :1], attention_mask=mask.long(),
        encoder_hidden_states=memory,
    )  # fmt: skip
    return BartState([(keys, values) for keys, values in projected], attended, [None] * len(attentions))


def advance(decoder: Any, tokens: Tensor, state: BartState) -> Tensor:
    """Read tokens ``[n, t]`` after those read before, and return the last state ``[n, d]``.

    Without dropout. Several tokens can be read at the start alone.
    """
    past = state.read[0]
    assert past is None or tokens.shape[1] == 1
    hidden = decoder.embed_tokens(tokens) + decoder.embed_positions(
        tokens, 0 if past is None else past[0].shape[2]
    )
    hidden = decoder.layernorm_embedding(hidden)  # [n, t, d]
    for number, layer in enumerate(decoder.layers):
        hidden = layer.self_attn_layer_norm(hidden + _attend_to_read(layer, hidden, state, number))
        hidden = layer.encoder_attn_layer_norm(hidden + _attend_to_memory(layer, hidden, state, number))
        widened = layer.activation_fn(layer.fc1(hidden))
        hidden = layer.final_layer_norm(hidden + layer.fc2(widened))
    last: Tensor = hidden[:, -1]
    return last


def select(state: BartState, rows: Tensor) -> BartState:
    """Take the given rows ``[m]``, which may repeat; memory is copied where it must be."""
    videos, counts = torch.unique_consecutive(rows // state.rows, return_counts=True)
    alike = len(rows) > 0 and bool((counts == counts[0]).all())
    if not alike:
        videos = rows // state.rows
    memory, mask = state.memory, state.mask
    if not torch.equal(videos, torch.arange(len(memory[0][0]), device=rows.device)):
        memory = [(keys[videos], values[videos]) for keys, values in memory]
        mask = mask if mask is None else mask[videos]
    return reorder(BartState(memory, mask, state.read, int(counts[0]) if alike else 1), rows)


def reorder(state: BartState, rows: Tensor) -> BartState:
    """Replace each row by one of the same video."""
    read = [past and (past[0].index_select(0, rows), past[1].index_select(0, rows)) for past in state.read]
    return BartState(state.memory, state.mask, read, state.rows)


def tensors(state: BartState) -> list[Tensor]:
    """List the tensors of a state, whose shapes tell how many rows and tokens it has."""
    read = [tensor for past in state.read if past is not None for tensor in past]
    mask = [] if state.mask is None else [state.mask]
    return [*(tensor for pair in state.memory for tensor in pair), *mask, *read]


def split_heads(states: Tensor, attention: Any) -> Tensor:
    """Split states ``[n, t, h * d]`` into heads ``[n, h, t, d]``."""
    return states.view(*states.shape[:2], attention.num_heads, -1).transpose(1, 2)


def _attend_to_read(layer: Any, hidden: Tensor, state: BartState, number: int) -> Tensor:
    attention, past = layer.self_attn, state.read[number]
    query, keys, values = (
        split_heads(project(hidden), attention)
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )  # [n, h, t, d]
    if past is not None:
        keys, values = torch.cat((past[0], keys), 2), torch.cat((past[1], values), 2)
    state.read[number] = keys, values
    attended = scaled_dot_product_attention(query, keys, values, is_causal=hidden.shape[1] > 1)
    projected: Tensor = attention.out_proj(attended.transpose(1, 2).flatten(2))  # [n, t, h * d]
    return projected


def _attend_to_memory(layer: Any, hidden: Tensor, state: BartState, number: int) -> Tensor:
    attention, shape = layer.encoder_attn, hidden.shape
    query = attention.q_proj(hidden).view(shape[0] // state.rows, -1, shape[2])  # [m, rows * t, h * d]
    attended = scaled_dot_product_attention(
        split_heads(query, attention), *state.memory[number], attn_mask=state.mask
    )
    projected: Tensor = attention.out_proj(attended.transpose(1, 2).reshape(shape))  # [n, t, h * d]
    return projected
