"""Text encoders: neural models that turn a text into one float32 vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
import transformers
from sentence_transformers import SentenceTransformer

from bench.errors import MissingError
from bench.weights import quiet_loading
from retrievers.dpr.encoding.packing import can_be_packed, encode_packed, use_packed_attention
from retrievers.dpr.encoding.tokens import Tokens, tokenize
from retrievers.dpr.weights import Weights

Vectors = npt.NDArray[np.float32]
BUCKET = 16
"""A batch's number of tokens is a multiple of this."""
CPU_ROWS = 15
"""Texts in a batch on a CPU, at most: it is filled up with empty texts, so that one query costs a batch."""
GPU_LENGTH = 512
"""Tokens of a text, at most, for which a batch of shorter ones on a GPU takes more of them instead."""


class Encoder(Protocol):
    """A model that turns texts into vectors."""

    limit: int
    """How many tokens of a text are read."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode each text as a vector, ``[n, d]`` float32."""
        ...

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Mark the texts that have more tokens than are read."""
        ...

    def parameters(self) -> int:
        """Count the parameters of the encoder, for the table of costs."""
        ...


def load_encoder(
    weights: Weights, *, device: str, max_tokens: int | None, batch_size: int, bf16: bool = False
) -> Encoder:
    """Load an encoder, with its numbers in float32 or bfloat16.

    Raises MissingError when the folder holds none that can be loaded.
    """
    kind = NativeDPREncoder if weights.is_native_dpr else SentenceEncoder
    try:
        with quiet_loading():
            encoder = kind(weights, device=device, max_tokens=max_tokens, batch_size=batch_size)
            if bf16:
                encoder.model.bfloat16()
            return encoder
    except Exception as error:  # whatever a broken folder makes the libraries raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MissingError(
            f"the weights '{weights.name}' in {weights.folder} cannot be loaded as a text encoder: {reason} "
            "Name others with --set dpr.weights=FOLDER."
        ) from error


class SentenceEncoder:
    """Encode with sentence-transformers, normalised unless the model is made for dot products.

    A plain checkpoint without modules.json gets the library's default, mean pooling. A BERT on a CPU reads
    texts packed one after another, any other model padded batches.
    """

    def __init__(self, weights: Weights, *, device: str, max_tokens: int | None, batch_size: int) -> None:
        self.model = SentenceTransformer(str(weights.folder), device=device)
        self.limit = smallest_limit(max_tokens, self.model.max_seq_length)
        self.model.max_seq_length = self.limit
        self._normalise = weights.similarity == "cosine"
        self._rows = rows_of_batch(batch_size, self.limit, device)
        self._packed = can_be_packed(self.model, device)
        if self._packed:
            use_packed_attention(self.model)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode each text as a vector, ``[n, d]`` float32."""
        if self._packed:
            return self._normalised(encode_packed(self.model, texts))
        tokens = tokenize(self.model.preprocess, [*texts, ""], self.model.device)
        return encode_alike(tokens, self.model.tokenizer.pad_token_id, self.limit, self._rows, self._batch)

    def _batch(self, features: dict[str, Any]) -> Vectors:
        with torch.inference_mode():
            vectors = self.model(features)["sentence_embedding"].float()  # [b, d]
        return self._normalised(vectors)

    def _normalised(self, vectors: torch.Tensor) -> Vectors:
        if self._normalise:
            vectors = torch.nn.functional.normalize(vectors)
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Mark the texts that have more tokens than are read."""
        return too_long(self.model.tokenizer, texts, self.limit)

    def parameters(self) -> int:
        """Count the parameters of the encoder, for the table of costs."""
        return count_parameters(self.model)


class NativeDPREncoder:
    """Encode with a DPR checkpoint in its native format: the [CLS] state, for dot products.

    Source: Karpukhin et al. 2020, section 3.1; the folder's config.json says whether it encodes
    questions or passages.
    """

    def __init__(self, weights: Weights, *, device: str, max_tokens: int | None, batch_size: int) -> None:
        config = transformers.AutoConfig.from_pretrained(weights.folder)
        context = "DPRContextEncoder" in (config.architectures or ())
        kind: Any = transformers.DPRContextEncoder if context else transformers.DPRQuestionEncoder
        self.model = kind.from_pretrained(weights.folder).to(device).eval()
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(weights.folder)
        self.limit = smallest_limit(max_tokens, config.max_position_embeddings)
        self._rows = rows_of_batch(batch_size, self.limit, device)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode each text as a vector, ``[n, d]`` float32."""
        tokens = tokenize(self._preprocess, [*texts, ""], self.model.device)
        return encode_alike(tokens, self._tokenizer.pad_token_id, self.limit, self._rows, self._batch)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Mark the texts that have more tokens than are read."""
        return too_long(self._tokenizer, texts, self.limit)

    def parameters(self) -> int:
        """Count the parameters of the encoder, for the table of costs."""
        return count_parameters(self.model)

    def _preprocess(self, texts: list[str]) -> dict[str, torch.Tensor]:
        padded = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self.limit, return_tensors="pt"
        )
        return {name: padded[name] for name in ("input_ids", "attention_mask")}

    def _batch(self, features: dict[str, torch.Tensor]) -> Vectors:
        with torch.inference_mode():
            vectors = self.model(**features).pooler_output  # [b, d]
        return np.asarray(vectors.float().cpu().numpy(), dtype=np.float32)


def encode_alike(
    tokens: Tokens,
    pad_id: int,
    limit: int,
    rows_of: Callable[[int], int],
    encode_batch: Callable[[dict[str, torch.Tensor]], Vectors],
) -> Vectors:
    """Encode each text as a vector ``[n, d]`` that does not depend on the other texts of its batch.

    Sums in another order differ by some 1e-7, and the order depends on a batch's shape. So a batch has a
    shape that the text alone decides: texts of like length, padded to a multiple of `BUCKET` tokens, and
    as many rows as ``rows_of`` says for it. The last row is empty, so that a batch always has padding and
    takes the same path through the attention: that of the empty text, which ``tokens`` has behind the others.
    """
    *lengths, _ = tokens.lengths.tolist()
    buckets: dict[int, list[int]] = {}
    for i, count in enumerate(lengths):
        buckets.setdefault(min(limit, -(-max(count, 1) // BUCKET) * BUCKET), []).append(i)
    vectors: dict[int, Vectors] = {}
    for length, members in buckets.items():
        size = rows_of(length)
        for start in range(0, len(members), size):
            rows = members[start : start + size]
            fill = [len(lengths)] * (size + 1 - len(rows))
            batch = encode_batch(tokens.batch([*rows, *fill], length, pad_id))  # [size + 1, d]
            vectors |= dict(zip(rows, batch[: len(rows)], strict=True))
    return np.stack([vectors[i] for i in range(len(lengths))])  # [n, d]


def rows_of_batch(batch_size: int, limit: int, device: str) -> Callable[[int], int]:
    """Choose how many texts of a length are encoded at once.

    On a CPU, which gains nothing from more, they are few; on a GPU, which waits for Python between batches of
    short texts, as many as have the tokens of ``batch_size`` texts of the longest, or of `GPU_LENGTH`.
    """
    if device == "cpu":
        return lambda _: min(batch_size, CPU_ROWS)
    return lambda length: batch_size * max(1, min(limit, GPU_LENGTH) // length)


def too_long(tokenizer: Any, texts: Sequence[str], limit: int) -> list[bool]:
    """Mark the texts of more than ``limit`` tokens, special ones included."""
    flags = [False] * len(texts)
    # a token covers at least one byte, so most short texts need no counting
    doubtful = [i for i, text in enumerate(texts) if len(text.encode("utf-8", "replace")) > limit - 2]
    for start in range(0, len(doubtful), 1000):
        rows = doubtful[start : start + 1000]
        tokens = tokenizer([texts[i] for i in rows], truncation=True, max_length=limit + 1)["input_ids"]
        for i, ids in zip(rows, tokens, strict=True):
            flags[i] = len(ids) > limit
    return flags


def count_parameters(model: torch.nn.Module) -> int:
    """Count the parameters of a module."""
    return sum(parameter.numel() for parameter in model.parameters())


def smallest_limit(*limits: int | None) -> int:
    """Choose the smallest limit that is given; 512, BERT's, when none is."""
    return min((limit for limit in limits if limit is not None), default=512)
