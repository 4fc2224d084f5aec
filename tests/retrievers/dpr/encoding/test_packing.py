"""Texts packed into one row of tokens have the vectors that sentence-transformers gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from tokenizers.processors import TemplateProcessing

from retrievers.dpr.encoding.encoders import load_encoder
from retrievers.dpr.encoding.packing import (
    can_be_packed,
    encode_packed,
    fill_rows,
    row_size,
    use_packed_attention,
)
from retrievers.dpr.weights import locate

TEXTS = [
    "red fox",
    "whale",
    "cook",
    "a blue whale in a pan",
    "fox " * 40,
    "fox " * 200,
    "",
    *["a whale"] * 40,
]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_vectors_are_those_of_the_library(
    bert_folder: Callable[..., Path], tmp_path: Path, pooling: str
) -> None:
    transformer = Transformer(str(bert_folder("bert")))
    folder, width = tmp_path / pooling, transformer.get_embedding_dimension()
    SentenceTransformer(modules=[transformer, Pooling(width, pooling)], device="cpu").save(
        str(folder), create_model_card=False
    )
    weights = locate(str(folder), "en", option="dpr.weights")
    ours = load_encoder(weights, device="cpu", max_tokens=None, batch_size=8).encode(TEXTS)
    library = SentenceTransformer(str(folder), device="cpu")
    assert can_be_packed(library, "cpu")
    expected = library.encode(TEXTS, normalize_embeddings=weights.similarity == "cosine")
    assert np.allclose(ours, expected, rtol=0, atol=1e-6)


def test_a_model_with_a_projection_reads_padded_batches(
    bert_folder: Callable[..., Path], tmp_path: Path
) -> None:
    transformer = Transformer(str(bert_folder("bert")))
    width = transformer.get_embedding_dimension()
    model = SentenceTransformer(modules=[transformer, Pooling(width), Dense(width, 4)], device="cpu")
    assert not can_be_packed(model, "cpu")
    model.save(str(tmp_path / "dense"), create_model_card=False)
    weights = locate(str(tmp_path / "dense"), "en", option="dpr.weights")
    encoder = load_encoder(weights, device="cpu", max_tokens=None, batch_size=8)
    assert encoder.encode(["red fox", "whale"]).shape == (2, 4)


@pytest.mark.parametrize("numbers", [torch.float32, torch.bfloat16, torch.float64])
def test_each_text_is_in_one_row_of_the_size_of_its_length(numbers: torch.dtype) -> None:
    lengths = [*range(2, 300), *[20] * 100]
    rows = list(fill_rows(lengths, numbers))
    assert sorted(number for _, row in rows for number in row) == list(range(len(lengths)))
    for size, row in rows:
        assert {row_size(lengths[i], numbers) for i in row} == {size}
        assert sum(lengths[i] for i in row) <= size


@pytest.mark.parametrize(
    ("length", "tokens", "in_bf16"),
    [(2, 320, 256), (32, 320, 256), (33, 320, 384), (80, 320, 640), (81, 384, 768), (256, 1024, 2048)],
)
def test_a_row_has_space_for_several_texts(length: int, tokens: int, in_bf16: int) -> None:
    assert (row_size(length, torch.float32), row_size(length, torch.bfloat16)) == (tokens, in_bf16)


def test_texts_without_any_token_have_a_vector_of_zeros(bert_folder: Callable[..., Path]) -> None:
    """Of an empty text a tokenizer that adds no special tokens leaves nothing."""
    model = SentenceTransformer(str(bert_folder("bert")), device="cpu")
    model.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A", pair="$A $B", special_tokens=[]
    )
    use_packed_attention(model)
    assert not encode_packed(model, ["", ""]).any()
    assert encode_packed(model, ["", "whale"])[1].any()
