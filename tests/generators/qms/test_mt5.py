"""mT5 as a backbone: depths and tokenizer files of T5, labels by characters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
import torch
from transformers import MT5Config, MT5ForConditionalGeneration

from bench.context import Context
from bench.types import Video
from generators.qms.backbones.mt5 import qms_mt5
from generators.qms.entities import label_transcripts
from tests.generators.conftest import blind, toy
from tests.generators.qms.test_model import assert_paths_agree

Make = Callable[..., Context]
CHINESE = ("今天教大家做红烧肉", "怎么做红烧肉", "红烧肉的做法")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the checkpoint's is: ``spiece.model`` alone, more encoder than decoder layers."""
    made = tmp_path_factory.mktemp("mt5")
    texts = [text for video in toy(16, where="text") for text in (video.transcript, *video.references)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*texts, *CHINESE * 9]),
        model_prefix=str(made / "spiece"),
        vocab_size=100,
        hard_vocab_limit=False,
        minloglevel=2,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
    )
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 3, "num_decoder_layers": 1, "num_heads": 2}
    torch.manual_seed(0)
    config = MT5Config(vocab_size=300, **sizes, decoder_start_token_id=0, tie_word_embeddings=False)
    MT5ForConditionalGeneration(config).save_pretrained(str(made))
    return made


def test_pictures_are_encoded_as_deep_as_text_and_without_its_weights(folder: Path, context: Make) -> None:
    row = qms_mt5(context(mt5__weights=str(folder)))
    tokens = row.vocabulary([])
    row.build(tokens, row.configuration(tokens, 8))
    row.load_pretrained(row.module)
    pictures, text = row.module.fusion.encoder, row.module.bart.encoder
    assert (len(text.block), len(row.module.decoder.block), len(pictures.block)) == (3, 1, 3)
    shapes = [{n: p.shape for n, p in e.named_parameters() if "embed" not in n} for e in (text, pictures)]
    assert shapes[0] == shapes[1]
    wo = [encoder.block[0].layer[-1].DenseReluDense.wo.weight for encoder in (text, pictures)]
    assert not torch.equal(*wo)
    feed_forward = MT5ForConditionalGeneration.from_pretrained(str(folder)).encoder.block[0].layer[-1]
    assert torch.equal(wo[0], feed_forward.DenseReluDense.wo.weight)
    assert_paths_agree(row, toy(3, where="text"))


def test_chinese_labels_stand_on_characters(folder: Path, context: Make) -> None:
    row = qms_mt5(context(language="zh", mt5__weights=str(folder), qms__encoder="self"))
    videos = [Video("v", CHINESE[0], toy(1, where="text")[0].frames, CHINESE[1:])]
    tokens = row.vocabulary(videos)
    (labels,), (spans,) = label_transcripts(videos, tokens, 22, "zh"), tokens.spans([CHINESE[0]], 22)
    marked = "".join(CHINESE[0][a:b] for (a, b), label in zip(spans, labels, strict=True) if label)
    assert "红烧肉" in marked
    assert len(marked) < len(CHINESE[0])


def test_a_row_with_spiece_alone_trains_and_is_loaded_again(
    folder: Path, context: Make, tmp_path: Path
) -> None:
    row = qms_mt5(context(mt5__weights=str(folder), train__epochs=1))
    row.fit(toy(8, where="text"), [])
    row.save(tmp_path)
    again = qms_mt5(context(mt5__weights=str(folder)))
    again.load(tmp_path)
    videos = blind(toy(4, where="text"))
    assert again.summarize(videos) == row.summarize(videos)
    assert row.identity()["weights"].keys() >= {"model.safetensors", "spiece.model"}  # type: ignore[union-attr]
    assert f"weights: {folder.name}" in (tmp_path / "README.md").read_text(encoding="utf-8")
