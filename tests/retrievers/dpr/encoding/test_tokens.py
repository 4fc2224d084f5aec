"""Batches that are cut from tokens are those that the library pads, whatever the side that it pads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from retrievers.dpr.encoding import tokens as module
from retrievers.dpr.encoding.tokens import tokenize

TEXTS = ["red fox", "the whale swims", "", "beef noodle in a pan of oil", "cook"]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("at_once", [2, 1000])
def test_batches_are_those_of_the_library(
    bert_folder: Callable[..., Path], side: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOKENIZED_AT_ONCE", at_once)
    model = SentenceTransformer(str(bert_folder("bert")), device="cpu")
    tokenizer, order = model.tokenizer, [3, 0, 2, 2]
    padded = tokenizer([TEXTS[i] for i in order], padding="max_length", max_length=16, return_tensors="pt")
    tokenizer.padding_side = side
    tokens = tokenize(model.preprocess, TEXTS, "cpu")
    assert tokens.lengths.tolist() == [len(ids) for ids in tokenizer(TEXTS)["input_ids"]]
    batch = tokens.batch(order, 16, tokenizer.pad_token_id)
    assert {"input_ids", "attention_mask"} <= batch.keys() <= padded.keys()
    for name, values in batch.items():
        assert torch.equal(values, padded[name]), name
