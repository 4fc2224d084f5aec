"""MDVC reads with one vocabulary and writes with another, as the released code does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.context import Context
from generators.mdvc.row import MDVC
from generators.neural.examples import prepare
from generators.neural.options import TextOptions
from tests.generators.conftest import blind, toy, video

Make = Callable[..., Context]


def test_no_word_of_a_training_transcript_is_unknown(context: Make) -> None:
    videos = [
        video(0, text=["zebra"], references=["buy apple"]),
        video(1, text=["斑马"], references=["buy pears"]),
    ]
    row = MDVC(context())
    row.build(tokens := row.vocabulary(videos), row.configuration(tokens, 8))
    examples, _ = prepare(videos, tokens, TextOptions())
    unknown = tokens.tokenizer.unk_token_id
    assert not any(unknown in example.tokens for example in examples)
    assert unknown in tokens.encode(["斑马"], 9)[0].ids, "what is written is of the queries alone"
    assert row.module.embed.num_embeddings > row.module.join.out_features == len(tokens)


def test_a_saved_model_reads_with_both_vocabularies(context: Make, tmp_path: Path) -> None:
    videos = toy(24, where="text")
    row, loaded = MDVC(context()), MDVC(context())
    row.fit(videos, [])
    row.save(tmp_path)
    loaded.load(tmp_path)
    assert loaded.summarize(blind(videos)) == row.summarize(blind(videos))
    texts = [video.transcript for video in videos]
    assert [one.ids for one in loaded.tokens.encode_sources(texts, 30)] == [
        one.ids for one in row.tokens.encode_sources(texts, 30)
    ]
