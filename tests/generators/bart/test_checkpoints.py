"""Checkpoints are read in the two formats of the paper's kind, from folders made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import BartConfig, BartForConditionalGeneration

from bench.context import Context
from bench.errors import DataError, MissingError
from bench.types import Video
from generators.bart.checkpoints import read_config, read_tokens
from generators.bart.options import BartOptions
from generators.bart.rows import BartMM, BartText
from generators.bart.sources import Source
from tests.generators.conftest import blind, toy

Make = Callable[..., Context]


def bart(folder: Path, vocabulary: int, **ids: int) -> None:
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=vocabulary,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=64,
        **ids,
    )
    BartForConditionalGeneration(config).save_pretrained(str(folder))


@pytest.fixture
def chinese(tmp_path: Path) -> Path:
    """A folder as fnlp/bart-base-chinese is: a BERT vocabulary, [SEP] starts the decoder, 3-grams blocked."""
    folder = tmp_path / "bart-base-chinese"
    folder.mkdir()
    characters = list("怎么做红烧肉的今天教大家好")
    words = ["[PAD]", *(f"[unused{i}]" for i in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    bart(
        folder,
        len(words),
        pad_token_id=0,
        bos_token_id=101,
        eos_token_id=102,
        decoder_start_token_id=102,
        forced_eos_token_id=102,
    )
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"no_repeat_ngram_size": 3, "num_beams": 4, "early_stopping": True}))
    return folder


@pytest.fixture
def english(tmp_path: Path) -> Path:
    """A folder as facebook/bart-base is: byte-level BPE in two files, </s> starts the decoder."""
    folder = tmp_path / "bart-base"
    folder.mkdir()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([v.transcript for v in toy(20, where="text")], trainer)
    tokenizer.model.save(str(folder))
    bart(
        folder,
        tokenizer.get_vocab_size(),
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
    )
    return folder


def test_the_chinese_checkpoint_is_read_by_characters_with_its_own_ids(chinese: Path) -> None:
    tokens = read_tokens(chinese, read_config(chinese))
    assert (tokens.pad, tokens.bos, tokens.eos, tokens.mask) == (0, 101, 102, 103)
    assert tokens.prompt == (102, 101)
    (encoded,) = tokens.encode(["红烧肉"], 9)
    assert encoded.ids == [107, 108, 109]
    assert tokens.target(encoded.ids) == [102, 101, 107, 108, 109, 102]
    assert tokens.decode(tokens.target(encoded.ids)) == "红烧肉"


def test_the_english_checkpoint_keeps_its_bytes_and_ids(english: Path) -> None:
    tokens = read_tokens(english, read_config(english))
    assert (tokens.pad, tokens.bos, tokens.eos) == (1, 0, 2)
    assert tokens.prompt == (2, 0)
    (encoded,) = tokens.encode(["Well, see how!"], 30)
    assert tokens.decode(encoded.ids) == "Well, see how!"


def test_a_checkpoints_own_settings_for_generation_are_left_out(chinese: Path) -> None:
    assert not {"no_repeat_ngram_size", "num_beams", "early_stopping"} & set(read_config(chinese))


def test_a_row_starts_from_a_folder_trains_and_is_loaded_again(
    english: Path, context: Make, tmp_path: Path
) -> None:
    generator = BartMM(context(bart__weights=str(english), train__epochs=1, text__transcript_tokens=40))
    assert generator.signature() == {"weights": "bart-base (folder)"}
    assert "model.safetensors" in generator.identity()["weights"]  # type: ignore[operator]
    videos = toy(8, where="text")
    generator.fit(videos, videos[:2])
    saved = tmp_path / "saved"
    saved.mkdir()
    generator.save(saved)
    other = BartMM(context(bart__weights=str(english), text__transcript_tokens=40))
    other.load(saved)
    assert other.summarize(blind(videos)) == generator.summarize(blind(videos))


def test_a_chinese_row_starts_from_a_folder(chinese: Path, context: Make) -> None:
    generator = BartText(context(language="zh", bart__weights=str(chinese), train__epochs=1))
    videos = [
        Video(f"v{i}", "今天教大家做红烧肉", toy(1, where="text")[0].frames, ("红烧肉的做",))
        for i in range(4)
    ]
    generator.fit(videos, videos)
    assert set(generator.summarize(videos)) == {v.video_id for v in videos}


def test_the_weights_that_were_named_are_those_that_are_loaded(english: Path, context: Make) -> None:
    generator = BartText(context(bart__weights=str(english), train__epochs=0))
    tokens = generator.vocabulary([])
    generator.build(tokens, generator.configuration(tokens, 1))
    generator.load_pretrained(generator.module)
    expected = BartForConditionalGeneration.from_pretrained(str(english))
    for ours, theirs in zip(generator.module.bart.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_vocabulary_of_another_revision_is_refused(chinese: Path) -> None:
    with (chinese / "vocab.txt").open("a", encoding="utf-8") as stream:
        stream.write("新\n字\n")
    with pytest.raises(DataError, match="different revisions"):
        read_tokens(chinese, read_config(chinese))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(DataError, match="gpt2"):
        read_config(tmp_path)


def test_weights_that_cannot_be_had_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match=r"bart\.weights=self"):
        Source("nobody/no-such-bart").folder()


def test_auto_is_the_papers_checkpoint_for_each_language() -> None:
    assert Source.of(BartOptions(), "zh").name == "fnlp/bart-base-chinese"
    assert str(Source.of(BartOptions(), "en")) == "facebook/bart-base@aadd2ab0"
    assert Source.of(BartOptions(revision="abc"), "en").revision == "abc"


def test_a_revision_that_was_not_asked_for_is_named_as_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "models--fnlp--bart-base-chinese" / "snapshots" / "0123456789abcdef"
    snapshot.mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(snapshot))
    assert str(Source.of(BartOptions(), "zh")) == "fnlp/bart-base-chinese@01234567"
