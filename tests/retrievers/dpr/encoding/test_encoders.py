"""A text's vector does not depend on the texts that are encoded with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrievers.dpr.encoding.encoders import load_encoder
from retrievers.dpr.weights import locate

TEXTS = [
    "red fox",
    "the whale swims",
    "cook",
    "beef noodle in a pan of oil",
    *["a blue whale"] * 9,
    "fox " * 40,
]


@pytest.mark.parametrize("native", [True, False])
def test_a_vector_is_the_same_bits_in_any_company(
    bert_folder: Callable[..., Path], dpr_folder: Callable[..., Path], native: bool
) -> None:
    folder = dpr_folder("dpr", "question") if native else bert_folder("bert")
    weights = locate(str(folder), "en", option="dpr.weights")
    encoder = load_encoder(weights, device="cpu", max_tokens=None, batch_size=4)
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
