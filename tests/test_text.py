"""One rule for words: tokens for the metrics, normalisation for queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.text import cjk_share, detokenize, normalise, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("  ...!? ", []),
        ("Apple Pie", ["apple", "pie"]),
        ("iPhone13 Pro-Max", ["iphone13", "pro", "max"]),
        ("don't stop", ["don", "t", "stop"]),
        ("snake_case", ["snake", "case"]),
        ("红烧肉的做法", list("红烧肉的做法")),
        ("用iPhone13拍vlog", ["用", "iphone13", "拍", "vlog"]),
        ("ＡＢＣ１２３", ["abc123"]),  # full width is NFKC's to undo
        ("ﾗｰﾒﾝ", list("ラーメン")),  # half-width katakana becomes full
        ("時々", ["時", "々"]),
        ("中。文，「字」", list("中文字")),
        ("𠀀𠀁", ["𠀀", "𠀁"]),
        ("Ünï CAFÉ", ["ünï", "café"]),
        ("2 000,5", ["2", "000", "5"]),
        ("½ cup", ["1", "2", "cup"]),
        ("😀 smile", ["smile"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),  # marks belong to their letter
        ("ที่บ้าน", ["ที่", "บ้", "า", "น"]),  # no spaces between words
        ("1\ufe0f\u20e3 a\ufe0f b", ["1", "a", "b"]),  # emoji are no marks
        ("a\u2028b\u00a0c", ["a", "b", "c"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Apple  Pie ", "apple pie"),
        ("Ａｐｐｌｅ　ＰＩＥ", "apple pie"),
        ("Straße", "STRASSE"),
        ("ﬁsh", "fish"),
        ("a\tb\u00a0c\n", "a b c"),
        ("é", "e\u0301"),
    ],
)
def test_texts_that_are_one_query(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("apple pie", "applepie"), ("apple pie!", "apple pie"), ("resume", "résumé"), ("red", "read")],
)
def test_texts_that_are_two_queries(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text())
def test_tokens_of_tokens_are_the_same(text: str) -> None:
    tokens = tokenize(text)
    assert tokenize(" ".join(tokens)) == tokens
    assert all(token and not token.isspace() for token in tokens)


@pytest.mark.parametrize(
    ("text", "share"), [("", 0.0), ("...", 0.0), ("apple pie", 0.0), ("红烧肉", 1.0), ("红烧 pie yes", 0.5)]
)
def test_the_share_of_cjk(text: str, share: float) -> None:
    assert cjk_share(text) == share


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["apple", "pie"], "apple pie"),
        (["红", "烧", "肉"], "红烧肉"),
        (["用", "iphone", "13", "拍"], "用iphone 13拍"),
        ([], ""),
    ],
)
def test_tokens_are_joined_as_a_person_would(tokens: list[str], text: str) -> None:
    assert detokenize(tokens) == text
