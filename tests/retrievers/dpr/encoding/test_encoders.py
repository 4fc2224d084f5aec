"""A text's vector does not depend on the texts that are encoded with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from retrievers.dpr.encoding.encoders import load_encoder, rows_of_batch
from retrievers.dpr.weights import locate

TEXTS = [
    "red fox",
    "the whale swims",
    "cook",
    "beef noodle in a pan of oil",
    *["a blue whale"] * 9,
    "fox " * 40,
]


NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NO_GPU)])
def test_a_vector_is_the_same_bits_in_any_company(
    bert_folder: Callable[..., Path], dpr_folder: Callable[..., Path], native: bool, device: str
) -> None:
    folder = dpr_folder("dpr", "question") if native else bert_folder("bert")
    weights = locate(str(folder), "en", option="dpr.weights")
    encoder = load_encoder(weights, device=device, max_tokens=None, batch_size=4)
    together = encoder.encode(TEXTS)
    alone = np.stack([encoder.encode([text])[0] for text in TEXTS])
    reverse = encoder.encode(TEXTS[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, reverse)


def test_minilm_gives_the_same_bits_in_any_company() -> None:
    weights = locate(None, "en", option="dpr.weights")
    encoder = load_encoder(weights, device="cpu", max_tokens=None, batch_size=8)
    together = encoder.encode(TEXTS)
    assert np.array_equal(together[:4], np.stack([encoder.encode([text])[0] for text in TEXTS[:4]]))
    assert np.array_equal(together, encoder.encode(TEXTS[::-1])[::-1])


def test_a_batch_on_a_gpu_has_as_many_short_texts_as_tokens_of_long_ones() -> None:
    on_gpu, on_cpu = (rows_of_batch(64, 256, device) for device in ("cuda:0", "cpu"))
    assert [on_gpu(length) for length in (16, 48, 256)] == [1024, 320, 64]
    assert [on_cpu(length) for length in (16, 256)] == [15, 15]
    assert rows_of_batch(64, 8192, "cuda")(16) == 2048  # a query alone costs a batch
