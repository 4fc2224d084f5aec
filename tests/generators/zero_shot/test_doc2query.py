"""The row doc2query: a seq2seq model in the format of the published ones predicts queries."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

from bench.context import Context
from bench.errors import MissingError
from bench.options import build_sections
from generators.zero_shot.doc2query import Doc2Query
from generators.zero_shot.options import Doc2QueryOptions
from tests.conftest import Cli
from tests.generators.zero_shot.conftest import videos
from tests.tiny import VIDEOS, Tiny

BREAD, SKI = "today we bake bread in an oven", "with me you learn to ski in one day"
QUERIES = {BREAD: "bread recipe", SKI: "ski lesson"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 as castorini/doc2query-t5-base-msmarco is kept: tokenizer.json, spiece.model, config, weights."""
    made = tmp_path_factory.mktemp("doc2query")
    texts = [*QUERIES, *QUERIES.values(), *(transcript for _, transcript, _ in VIDEOS if transcript.strip())]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts * 3), model_prefix=str(made / "spiece"), vocab_size=80,
        hard_vocab_limit=False, minloglevel=2, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )  # fmt: skip
    T5Tokenizer.from_pretrained(str(made)).save_pretrained(str(made))
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    torch.manual_seed(0)
    config = T5Config(vocab_size=180, **sizes, decoder_start_token_id=0, dropout_rate=0.0)
    model = T5ForConditionalGeneration(config)
    teach(model, T5Tokenizer.from_pretrained(str(made)))
    model.save_pretrained(str(made))
    return made


def teach(model: T5ForConditionalGeneration, tokenizer: T5Tokenizer) -> None:
    """Fit the model to its two queries."""
    sources = tokenizer(list(QUERIES), padding=True, return_tensors="pt")
    labels = tokenizer(list(QUERIES.values()), padding=True, return_tensors="pt")["input_ids"]
    labels[labels == 0] = -100
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(80):
        optimizer.zero_grad()
        model(**sources, labels=labels).loss.backward()
        optimizer.step()


def make(folder: Path | str, seed: int = 5, **options: Any) -> Doc2Query:
    given = {
        "doc2query.weights": str(folder),
        **{f"doc2query.{key}": value for key, value in options.items()},
    }
    return Doc2Query(Context(sections=build_sections({"doc2query": Doc2QueryOptions}, given), seed=seed))


def test_the_query_of_each_transcript_is_predicted(folder: Path) -> None:
    texts = make(folder).summarize(videos(BREAD, SKI, "", " \n"))
    assert texts == {"v0": "bread recipe", "v1": "ski lesson", "v2": "", "v3": ""}


def test_the_tokenizer_of_sentencepiece_alone_will_do(folder: Path, tmp_path: Path) -> None:
    """doc2query/msmarco-chinese-mt5-base-v1 has no tokenizer.json."""
    shutil.copytree(folder, tmp_path / "mt5")
    (tmp_path / "mt5" / "tokenizer.json").unlink()
    assert make(tmp_path / "mt5").summarize(videos(BREAD)) == {"v0": "bread recipe"}


def test_sampled_queries_depend_on_the_seed_and_the_transcript_alone(folder: Path) -> None:
    torch.manual_seed(1)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    row = make(folder, samples=6, top_k=80)
    together = row.summarize(videos(SKI, "loaf", BREAD))
    assert torch.equal(torch.rand(3), drawn), "the draws of others stay what they were"
    assert together["v2"] == "bread recipe", "six times the same query is one"
    alone = make(folder, samples=6, top_k=80).summarize(videos("loaf"))
    assert alone["v0"] == together["v1"]
    assert make(folder, samples=6, top_k=80, seed=6).summarize(videos("loaf")) != alone
    assert len(alone["v0"]) > len(make(folder).summarize(videos("loaf"))["v0"])
    assert row.signature()["samples"] == "6"
    assert make(folder).signature()["samples"] == "greedy"


def test_long_transcripts_are_cut_and_counted(folder: Path) -> None:
    row = make(folder, transcript_tokens=5, max_tokens=4)
    texts = row.summarize(videos(BREAD * 40, BREAD * 41, "ski"))
    assert row.coverage() == {"transcripts truncated": 2}
    assert texts["v0"] == texts["v1"]


def test_the_weights_are_in_the_key(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "other")
    assert make(folder).identity() == make(tmp_path / "other").identity()
    weights = tmp_path / "other" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert make(folder).identity() != make(tmp_path / "other").identity()


def test_what_is_no_such_model_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"doc2query\.weights='\./nowhere/at/all' is no folder"):
        make("./nowhere/at/all").identity()
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(MissingError, match=r"broken' could not be loaded as AutoModelForSeq2SeqLM"):
        make(tmp_path / "broken").summarize(videos(BREAD))


def test_a_language_without_a_default_needs_weights(folder: Path) -> None:
    with pytest.raises(MissingError, match=r"no default model for the language de.*doc2query\.weights="):
        Doc2Query(Context(language="de"))
    given = build_sections({"doc2query": Doc2QueryOptions}, {"doc2query.weights": str(folder)})
    assert Doc2Query(Context(language="de", sections=given)).summarize(videos("")) == {"v0": ""}


def test_a_run_with_the_row(cli: Cli, tiny: Tiny, folder: Path, tmp_path: Path) -> None:
    done = cli(
        "run", "--data", tiny.folder, "--generators", "lead,doc2query", "--retrievers", "bm25",
        "--set", f"doc2query.weights={folder}", "--set", "doc2query.max_tokens=6", "--out", tmp_path / "out",
        "--verify-determinism",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "doc2query: weights=" in done.out
