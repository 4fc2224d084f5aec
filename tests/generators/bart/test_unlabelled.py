"""Unlabelled texts are read with file and line for what is wrong, and are part of what is made of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.context import Context
from bench.errors import DataError, MissingError, UsageError
from generators.bart.pretraining.unlabelled import read_texts
from generators.bart.rows import BartText
from generators.qms.rows import qms
from tests.generators.conftest import FolderStore, toy

Make = Callable[..., Context]


def test_texts_are_one_a_line_without_repeats_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("how to bake bread\n\n  \nhow to bake bread\n怎么做面包 \n", encoding="utf-8")
    assert read_texts(str(path)) == ("how to bake bread", "怎么做面包")


def test_json_lines_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl.gz"
    lines = [json.dumps({"text": text, "id": 3}) for text in ("one", "two", "one")]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert read_texts(str(path)) == ("one", "two")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.jsonl",
            b'{"text": "one"}\n{"text": 2}\n',
            r"a\.jsonl:2: expected an object with a",
        ),
        ("a.jsonl", b'{"text": "one"}\n["two"]\n', r"a\.jsonl:2: expected an object"),
        ("a.jsonl", b'{"text": "one"}\n\n{', r"a\.jsonl:3: not JSON"),
        ("a.txt", b"one\n\xff\xfe\n", r"a\.txt:2: "),
        ("a.txt", b"\n\n", r"a\.txt: no text to pretrain on"),
    ],
)
def test_what_is_no_text_is_named_by_file_and_line(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_texts(str(tmp_path / name))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingError, match=r"pretrain\.texts=nowhere\.txt: there is no such file"):
        read_texts("nowhere.txt")


def test_texts_are_read_only_where_weights_are_made_of_them(context: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pretrain\.texts is read with bart\.weights=self only"):
        BartText(context(pretrain__texts=str(tmp_path / "texts.txt"), bart__weights="minilm"))


def test_other_texts_make_other_weights_and_another_key(
    context: Make, store: FolderStore, tmp_path: Path
) -> None:
    path = tmp_path / "texts.txt"
    identities = []
    for content in ("zebras sleep standing\n", "zebras sleep standing\nowls hunt at night\n"):
        path.write_text(content, encoding="utf-8")
        row = BartText(context(pretrain__texts=str(path)))
        tokens = row.vocabulary(toy(8, where="text"))
        assert tokens.encode(["zebras"], 9)[0].ids != tokens.encode(["owls"], 9)[0].ids
        identities += [row.identity(), qms(context(pretrain__texts=str(path))).identity()]
    assert len({str(identity) for identity in identities}) == 4
    assert store.built == 2
