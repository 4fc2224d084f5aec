"""Encoding with bfloat16 numbers on a CPU, in a process of its own.

A run computes with AVX2 alone (`bench.systems.arithmetic`), which multiplies no bfloat16 numbers. torch and
oneDNN read which instructions they may use when a process first computes, so that only another can use more.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import torch

from retrievers.dpr.encoding.encoders import Encoder, Vectors, load_encoder
from retrievers.dpr.weights import Weights

ENVIRONMENT = {
    "ATEN_CPU_CAPABILITY": "avx512",
    "ONEDNN_MAX_CPU_ISA": "ALL",
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e15",  # long texts take more memory than the first ones: that is no leak
}
_encoder: Encoder | None = None
"""The encoder of this process, where it is one that `Bf16Encoder` started."""


def bf16_instructions() -> str:
    """Name the processor's instructions for products of bfloat16; empty when it has none."""
    if torch.cpu._is_amx_tile_supported():
        return "amx_bf16"
    return "avx512_bf16" if torch.cpu._is_avx512_bf16_supported() else ""


class Bf16Encoder:
    """Encode as `load_encoder` does, with the model in bfloat16, in a process that ends with this object."""

    def __init__(self, weights: Weights, *, max_tokens: int | None, batch_size: int) -> None:
        from loky import ProcessPoolExecutor

        self._pool = ProcessPoolExecutor(1, env=ENVIRONMENT)
        weakref.finalize(self, self._pool.shutdown, wait=True, kill_workers=True)
        self._start = weights, max_tokens, batch_size, torch.get_num_threads()
        self.limit, self._parameters = self._call(_facts)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode each text as a vector, ``[n, d]`` float32."""
        vectors: Vectors = self._call(_encode, list(texts))
        return vectors

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Mark the texts that have more tokens than are read."""
        flags: list[bool] = self._call(_truncated, list(texts))
        return flags

    def parameters(self) -> int:
        """Count the parameters of the encoder, for the table of costs."""
        parameters: int = self._parameters
        return parameters

    def _call(self, function: Any, *arguments: Any) -> Any:
        return self._pool.submit(_work, self._start, function, *arguments).result()


def _work(start: tuple[Weights, int | None, int, int], function: Any, *arguments: Any) -> Any:
    """Do a piece of work with the encoder, which a process that loky has started again must load again."""
    global _encoder
    if _encoder is None:
        weights, max_tokens, size, threads = start
        torch.set_num_threads(threads)
        _encoder = load_encoder(weights, device="cpu", max_tokens=max_tokens, batch_size=size, bf16=True)
    return function(_encoder, *arguments)


def _facts(encoder: Encoder) -> tuple[int, int]:
    return encoder.limit, encoder.parameters()


def _encode(encoder: Encoder, texts: list[str]) -> Vectors:
    return encoder.encode(texts)


def _truncated(encoder: Encoder, texts: list[str]) -> list[bool]:
    return encoder.truncated(texts)
