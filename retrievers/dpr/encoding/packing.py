"""Texts packed one after another into one row of tokens, so that a BERT spends no work on padding."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface

from retrievers.dpr.encoding.tokens import tokenize

ATTENTION = "within_texts"
"""The name under which transformers finds `attend_within_texts`."""
STEP = 16
"""Rows differ in size for texts that differ by more than so many tokens."""
TEXTS_IN_ROW = {torch.float32: 4, torch.bfloat16: 8}
"""How many texts of the longest that it may hold a row has space for: one alone costs as much as all of them.
The instructions for bfloat16 need long rows: with four texts they lose a quarter of their advantage.
"""
TOKENS_IN_ROW = {torch.float32: 320, torch.bfloat16: 256}
"""Tokens of a row at least: in shorter ones calls from Python cost more than short texts do."""


def can_be_packed(model: SentenceTransformer, device: str) -> bool:
    """Check whether a model gives the same vectors for packed texts as for padded ones.

    A BERT does, whose tokens meet in the attention alone. On a GPU the sum of a pooling has no fixed order.
    """
    config: Any = getattr(model[0], "config", None)
    poolings = list(model)[1:]
    return (
        device == "cpu"
        and getattr(config, "model_type", None) == "bert"
        and len(poolings) > 0
        and all(isinstance(module, Pooling | Normalize) for module in poolings)
    )


def use_packed_attention(model: SentenceTransformer) -> None:
    """Replace the attention of a model, which then encodes packed texts and no others."""
    AttentionInterface.register(ATTENTION, attend_within_texts)
    bert: Any = model[0].model
    bert.set_attn_implementation(ATTENTION)


@torch.inference_mode()
def encode_packed(model: SentenceTransformer, texts: Sequence[str]) -> Tensor:
    """Encode each text as a vector ``[n, d]`` that does not depend on the texts beside it.

    Sums in another order differ by some 1e-7, and the order depends on the shape of a product. The number of
    tokens in a row depends on the length of a text alone (`row_size`); what is left of a row is filled up.
    """
    tokens = tokenize(model.preprocess, texts, "cpu")
    ids = torch.split(tokens.columns["input_ids"], tokens.lengths.tolist())
    vectors: list[Tensor] = [torch.empty(0)] * len(texts)
    numbers = next(model.parameters()).dtype
    for size, row in fill_rows([len(text) for text in ids], numbers):
        encoded = _encode_row(model, [ids[i] for i in row], size)  # [texts of the row, d]
        for i, vector in zip(row, encoded, strict=True):
            vectors[i] = vector
    return torch.stack(vectors).float()  # [n, d]


def row_size(length: int, numbers: torch.dtype) -> int:
    """Return how many tokens the row of a text of ``length`` tokens has, for a model of such numbers."""
    texts = TEXTS_IN_ROW.get(numbers, TEXTS_IN_ROW[torch.float32])
    return max(TOKENS_IN_ROW.get(numbers, TOKENS_IN_ROW[torch.float32]), texts * -(-length // STEP) * STEP)


def fill_rows(lengths: Sequence[int], numbers: torch.dtype) -> Iterator[tuple[int, list[int]]]:
    """Yield the tokens of each row and the numbers of its texts, the longest that still fits first."""
    waiting: dict[int, dict[int, list[int]]] = {}  # size of a row → length → texts
    for number, length in enumerate(lengths):
        waiting.setdefault(row_size(length, numbers), {}).setdefault(length, []).append(number)
    for size, texts in sorted(waiting.items()):
        while texts:
            row, free = [], size
            while fitting := [length for length in texts if length <= free]:
                length = max(fitting)
                row.append(texts[length].pop(0))
                free -= length
                if not texts[length]:
                    del texts[length]
            yield size, row


def _encode_row(model: SentenceTransformer, texts: Sequence[Tensor], size: int) -> Tensor:
    lengths = [len(text) for text in texts]
    longest = max(lengths[0], 1)  # the first; an empty text has no token where the tokenizer adds none
    whole, rest = divmod(size - sum(lengths), longest)
    lengths += [longest] * whole + [rest] * (rest > 0)  # what fills the row up is texts of zeros
    ids = torch.cat(list(texts))  # [t of the texts]
    features = {
        "input_ids": pad(ids, (0, sum(lengths) - len(ids)))[None],  # [1, t]
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],  # [1, t]
        "cu_seq_lens_q": torch.tensor([0, *itertools.accumulate(lengths)]),
    }
    runs = [(length, len(list(equal))) for length, equal in itertools.groupby(lengths)]
    bert: Any = model[0].model
    states = bert(input_ids=features["input_ids"], position_ids=features["position_ids"], runs=runs)
    features["token_embeddings"] = states.last_hidden_state.float()  # [1, t, d]
    for module in list(model)[1:]:
        module(features)
    return features["sentence_embedding"][: len(texts)]  # [b, d]


def attend_within_texts(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: None,
    *, runs: Sequence[tuple[int, int]], scaling: float | None = None, **options: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attend from each token ``[1, h, t, d]`` to those of its own text; the result is ``[1, t, h, d]``.

    ``runs`` lists the texts as they follow one another: a length, and how many texts in turn have it.
    """
    attended, start = [], 0
    for length, count in runs:
        part = slice(start, start + length * count)
        shape = (query.shape[1], count, length, query.shape[3])
        own = [states[0, :, part].reshape(shape) for states in (query, key, value)]
        result = scaled_dot_product_attention(own[0], own[1], own[2], scale=scaling)  # [h, n, t, d]
        attended.append(result.flatten(1, 2))
        start = part.stop
    return torch.cat(attended, 1).transpose(0, 1)[None], None
