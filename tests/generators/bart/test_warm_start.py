"""A BART with MiniLM's encoder computes what MiniLM computes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import BertModel

from bench.context import Context
from bench.errors import UsageError
from bench.weights import minilm_folder
from generators.bart.pretraining.warm_start import minilm_bart, minilm_tokens
from generators.bart.rows import BartText
from tests.generators.conftest import toy

Make = Callable[..., Context]


def test_minilms_encoder_computes_what_minilm_computes() -> None:
    folder = minilm_folder(option="bart.weights")
    tokens = minilm_tokens(folder)
    bart = minilm_bart(folder, decoder_layers=1).eval()
    bert = BertModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    (encoded,) = tokens.encode(["how to cook noodles at home"], 20)
    ids = torch.tensor([tokens.frame(encoded.ids)])
    with torch.inference_mode():
        ours = bart.get_encoder()(input_ids=ids).last_hidden_state
        theirs = bert(input_ids=ids).last_hidden_state
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
    assert tokens.prompt == (101,)


def test_minilm_starts_a_row_and_says_so(context: Make) -> None:
    generator = BartText(context(bart__weights="minilm", train__epochs=1))
    assert generator.signature() == {"weights": "MiniLM encoder, random decoder"}
    generator.fit(toy(4, where="text"), [])
    assert generator.module.bart.config.d_model == 384


def test_minilm_is_refused_for_chinese(context: Make) -> None:
    with pytest.raises(UsageError, match="reads English only"):
        BartText(context(language="zh", bart__weights="minilm"))
