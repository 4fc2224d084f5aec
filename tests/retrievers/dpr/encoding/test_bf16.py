"""Encoders in bfloat16: near the vectors of float32, the same bits in any company, refused where slow."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.errors import MissingError, UsageError
from retrievers.dpr.encoding import bf16
from retrievers.dpr.encoding.bf16 import Bf16Encoder, bf16_instructions
from retrievers.dpr.encoding.encoders import Encoder, load_encoder
from retrievers.dpr.retriever import PretrainedDPR
from retrievers.dpr.weights import locate

TEXTS = ["red fox", "the whale swims", "cook", "beef noodle in a pan of oil", "fox " * 40, "", "whale " * 200]


needs_instructions = pytest.mark.skipif(
    not bf16_instructions(), reason="this processor has no instructions for bfloat16"
)


@needs_instructions
def test_vectors_are_near_those_of_float32_and_the_same_in_any_company() -> None:
    weights = locate(None, "en", option="dpr.weights")
    exact = load_encoder(weights, device="cpu", max_tokens=None, batch_size=8)
    half = Bf16Encoder(weights, max_tokens=None, batch_size=8)
    vectors = half.encode(TEXTS)
    assert vectors.dtype == np.float32
    cosines = np.sum(vectors * exact.encode(TEXTS), axis=1)
    assert np.all(cosines > 0.999)
    assert not np.array_equal(vectors, exact.encode(TEXTS))  # it is not float32 under another name
    assert np.array_equal(vectors[::-1], half.encode(TEXTS[::-1]))
    assert (half.limit, half.parameters()) == (exact.limit, exact.parameters())
    assert half.truncated([*TEXTS, "fox " * 600]) == [False] * len(TEXTS) + [True]


@needs_instructions
def test_a_process_that_was_started_again_loads_the_encoder_again(
    monkeypatch: pytest.MonkeyPatch, bert_folder: Callable[..., Path]
) -> None:
    # loky ends a process that has grown by more than this; what it checks once a second is below it at once
    monkeypatch.setitem(bf16.ENVIRONMENT, "LOKY_MAX_MEMORY_LEAK_SIZE", "-1e15")
    weights = locate(str(bert_folder("bert")), "en", option="dpr.weights")
    half = Bf16Encoder(weights, max_tokens=None, batch_size=4)
    first, vectors = half._call(_process), half.encode(TEXTS)
    deadline = time.monotonic() + 60
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # loky warns that it starts the process again
        while half._call(_process) == first and time.monotonic() < deadline:
            time.sleep(0.3)
        assert half._call(_process) != first
        assert np.array_equal(half.encode(TEXTS), vectors)


def _process(_: Encoder) -> int:
    return os.getpid()


@needs_instructions
@pytest.mark.parametrize("native", [True, False])
def test_every_kind_of_encoder_computes_in_bfloat16(
    bert_folder: Callable[..., Path], dpr_folder: Callable[..., Path], native: bool
) -> None:
    folder = dpr_folder("dpr", "question") if native else bert_folder("bert")
    weights = locate(str(folder), "en", option="dpr.weights")
    exact, half = (
        load_encoder(weights, device="cpu", max_tokens=None, batch_size=4, bf16=bf16)
        for bf16 in (False, True)
    )
    vectors = half.encode(TEXTS), exact.encode(TEXTS)
    assert np.allclose(*vectors, rtol=0.05, atol=0.05)
    assert not np.array_equal(*vectors)


@needs_instructions
def test_a_search_says_its_numbers_and_ranks_as_with_float32(context: Callable[..., Context]) -> None:
    texts = {"a": "how to cook noodles", "b": "a whale in the sea", "c": "fox hunting"}
    queries = {"q": "whales", "r": "noodle soup"}
    exact, half = (PretrainedDPR(context(**{"dpr-search.precision": name})) for name in ("fp32", "bf16"))
    runs = []
    for retriever in (exact, half):
        retriever.index(texts)
        runs.append(retriever.search(queries, 3))
    assert np.array_equal(runs[0].hits, runs[1].hits)
    assert not np.array_equal(runs[0].scores, runs[1].scores)  # not the vectors that float32 has stored
    assert half.signature()["precision"] == "bf16"
    assert "precision" not in exact.signature()


def test_it_is_refused_where_it_would_be_slow(
    context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    with pytest.raises(UsageError, match=r"dpr-search\.precision=bf16.*--device cuda"):
        PretrainedDPR(context(**{"dpr-search.precision": "bf16"}))


@needs_instructions
def test_weights_that_cannot_be_loaded_are_named(bert_folder: Callable[..., Path]) -> None:
    folder = bert_folder("broken")
    weights = locate(str(folder), "en", option="dpr.weights")
    next(folder.glob("*.safetensors")).write_bytes(b"no tensors")
    with pytest.raises(MissingError, match="cannot be loaded as a text encoder"):
        Bf16Encoder(weights, max_tokens=None, batch_size=4)
