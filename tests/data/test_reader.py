"""A dataset folder as it is read: queries of one text, references, and what is unusual and allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.options import DataOptions
from bench.data.reader import read_dataset
from bench.errors import DataError
from tests.conftest import Cli
from tests.tiny import LENGTHS, QUERIES, VIDEOS, Tiny


@pytest.mark.parametrize("name", ["dataset.json", "videos.jsonl", "queries.jsonl", "qrels.tsv", "ids.txt"])
def test_a_byte_order_mark_changes_nothing(tiny: Tiny, name: str) -> None:
    before = read_dataset(tiny.folder)
    path = tiny.feature(name) if name == "ids.txt" else tiny.path(name)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    after = read_dataset(tiny.folder)
    assert (after.name, after.records, after.queries) == (before.name, before.records, before.queries)
    assert after.relevant == before.relevant
    assert after.features is not None
    assert set(after.features.position) == set(LENGTHS)


def test_no_such_folder(tmp_path: Path, cli: Cli) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_dataset(tmp_path / "none")
    outcome = cli("run", "--data", tmp_path / "none")
    assert outcome.status == 2
    assert "nor a folder" in outcome.error()


def test_queries_of_one_normalised_text_are_one_need_under_the_smallest_id(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder)
    assert dataset.relevant["q1"] == ["v1", "v10", "v2"]  # in the order of videos.jsonl
    assert dataset.queries["q1"] == "apple pie"
    assert not {"q7", "q10"} & set(dataset.queries)


def test_uniting_is_switched_off_by_an_option(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder, options=DataOptions(unite_queries=False))
    assert dataset.relevant["q1"] == ["v10"]
    assert dataset.relevant["q10"] == ["v1"]
    assert list(dataset.queries) == [query for query, _ in QUERIES]
    assert dataset.digest != read_dataset(tiny.folder).digest


def test_only_relevance_above_zero_is_relevant(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder)
    assert dataset.relevant["q5"] == ["v3"]
    assert dataset.references["v11"] == ()
    assert dataset.relevant["q12"] == []


def test_references_are_the_texts_of_the_relevant_queries(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder)
    assert dataset.references["v3"] == ("red car", "painter")
    assert all(not video.references for video in dataset.videos("test", references=False))


def test_windows_line_ends_and_a_missing_last_one_change_nothing(tiny: Tiny) -> None:
    before = read_dataset(tiny.folder)
    for name in ("videos.jsonl", "queries.jsonl", "qrels.tsv"):
        text = tiny.path(name).read_bytes().removesuffix(b"\n").replace(b"\n", b"\r\n")
        tiny.path(name).write_bytes(text)
    ids = tiny.feature("ids.txt")
    ids.write_bytes(ids.read_bytes().removesuffix(b"\n").replace(b"\n", b"\r\n"))
    after = read_dataset(tiny.folder)
    assert (after.records, after.queries, after.relevant) == (before.records, before.queries, before.relevant)
    assert after.features is not None
    assert set(after.features.position) == set(LENGTHS)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0c"])
def test_only_a_newline_ends_a_line(tiny: Tiny, separator: str) -> None:
    text = f"one{separator}two"
    escaped = text if separator != "\x0c" else "one\\ftwo"
    tiny.line("videos.jsonl", 2, f'{{"id": "v20", "transcript": "{escaped}", "split": "train"}}')
    assert read_dataset(tiny.folder).records[1].transcript == text


def test_a_pair_of_surrogate_escapes_is_one_character(tiny: Tiny) -> None:
    tiny.line("queries.jsonl", 2, '{"id": "q1", "text": "\\ud83d\\ude00"}')
    assert read_dataset(tiny.folder).queries["q1"] == "😀"


def test_free_fields_are_kept_out_of_the_way(tiny: Tiny) -> None:
    tiny.edit("videos.jsonl", 1, duration=3.5, tags=["a"])
    tiny.edit("dataset.json", 1, source="somewhere")
    assert read_dataset(tiny.folder).info["source"] == "somewhere"


def test_ids_of_any_script_are_allowed(tiny: Tiny) -> None:
    tiny.edit("videos.jsonl", 4, id="视频-4#!")
    tiny.line("qrels.tsv", 13, "q11\t视频-4#!\t1")
    assert read_dataset(tiny.folder).relevant["q11"] == ["视频-4#!"]


def test_train_and_val_may_be_empty(tiny: Tiny, cli: Cli) -> None:
    for number, (_, _, _split) in enumerate(VIDEOS, start=1):
        tiny.edit("videos.jsonl", number, split="test")
    dataset = read_dataset(tiny.folder)
    assert dataset.split("train") == dataset.split("val") == []
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--split", "val")
    assert outcome.status == 3
    assert "'val'" in outcome.error()
