"""Text encoders: neural models that turn a text into one float32 vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
import transformers
from sentence_transformers import SentenceTransformer

from bench.errors import MissingError
from bench.weights import quiet_loading
from retrievers.dpr.weights import Weights

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """A model that turns texts into vectors."""

    limit: int
    """How many tokens of a text are read."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text, ``[n, d]`` float32."""
        ...

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether it has more tokens than are read."""
        ...

    def parameters(self) -> int:
        """Return the number of parameters."""
        ...


def load_encoder(weights: Weights, *, device: str, max_tokens: int | None, batch_size: int) -> Encoder:
    """Load an encoder. Raises MissingError when the folder holds none that can be loaded."""
    kind = NativeDPREncoder if weights.is_native_dpr else SentenceEncoder
    try:
        with quiet_loading():
            return kind(weights, device=device, max_tokens=max_tokens, batch_size=batch_size)
    except Exception as error:  # whatever a broken folder makes the libraries raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MissingError(
            f"the weights '{weights.name}' in {weights.folder} cannot be loaded as a text encoder: {reason} "
            "Name others with --set dpr.weights=FOLDER."
        ) from error


class SentenceEncoder:
    """Encode with sentence-transformers, normalised unless the model is made for dot products.

    A plain checkpoint without modules.json gets the library's default, mean pooling.
    """

    def __init__(self, weights: Weights, *, device: str, max_tokens: int | None, batch_size: int) -> None:
        self.model = SentenceTransformer(str(weights.folder), device=device)
        self.limit = smallest_limit(max_tokens, self.model.max_seq_length)
        self.model.max_seq_length = self.limit
        self._normalise = weights.similarity == "cosine"
        self._batch_size = batch_size

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text, ``[n, d]`` float32; the library sorts texts by length."""
        vectors = self.model.encode(  # [n, d]
            list(texts),
            batch_size=self._batch_size,
            show_progress_bar=False,
            normalize_embeddings=self._normalise,
        )
        return np.asarray(vectors, dtype=np.float32)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether it has more tokens than are read."""
        return too_long(self.model.tokenizer, texts, self.limit)

    def parameters(self) -> int:
        """Return the number of parameters."""
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
        self._model = kind.from_pretrained(weights.folder).to(device).eval()
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(weights.folder)
        self.limit = smallest_limit(max_tokens, config.max_position_embeddings)
        self._batch_size = batch_size

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text, ``[n, d]`` float32."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), self._width()), dtype=np.float32)
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            vectors[rows] = self._batch([texts[i] for i in rows])
        return vectors

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether it has more tokens than are read."""
        return too_long(self._tokenizer, texts, self.limit)

    def parameters(self) -> int:
        """Return the number of parameters."""
        return count_parameters(self._model)

    def _width(self) -> int:
        return int(self._model.config.projection_dim or self._model.config.hidden_size)

    def _batch(self, texts: list[str]) -> Vectors:
        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self.limit, return_tensors="pt"
        )
        with torch.inference_mode():
            vectors = self._model(**tokens.to(self._model.device)).pooler_output  # [b, d]
        return np.asarray(vectors.float().cpu().numpy(), dtype=np.float32)


def too_long(tokenizer: Any, texts: Sequence[str], limit: int) -> list[bool]:
    """Return for each text whether it has more than ``limit`` tokens, special ones included."""
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
    """Return the number of parameters of a module."""
    return sum(parameter.numel() for parameter in model.parameters())


def smallest_limit(*limits: int | None) -> int:
    """Return the smallest limit that is given; 512, BERT's, when none is."""
    return min((limit for limit in limits if limit is not None), default=512)
