"""Vocabularies are built from what they are given, and read back what they wrote."""

from __future__ import annotations

from pathlib import Path

from generators.neural.tokens import Tokens, build

ENGLISH = ["how to cook noodles", "cook the noodles well", "noodles with cheese"] * 2
CHINESE = ["怎么做红烧肉", "红烧肉的做法 iphone"]


def test_english_is_split_into_sub_words_and_joined_again() -> None:
    tokens = build(ENGLISH, 200)
    (encoded,) = tokens.encode(["Cook NOODLES well"], 20)
    assert tokens.decode(tokens.target(encoded.ids)) == "cook noodles well"


def test_each_chinese_character_is_a_token_and_no_blank_is_written() -> None:
    tokens = build(CHINESE, 200)
    (encoded,) = tokens.encode(["红烧肉做法iphone"], 20)
    assert len(encoded.ids) == 6
    assert tokens.decode(encoded.ids) == "红烧肉做法iphone"


def test_what_was_never_given_is_unknown() -> None:
    tokens = build(ENGLISH, 200)
    (encoded,) = tokens.encode(["龘"], 20)
    assert tokens.decode(encoded.ids) == ""


def test_a_vocabulary_is_no_larger_than_asked_and_always_the_same() -> None:
    texts = [f"word{i} other{i % 7} thing{i % 3}" for i in range(300)]
    first, again = build(texts, 90), build(texts, 90)
    assert len(first) <= 90
    assert first.encode(texts, 99) == again.encode(texts, 99)


def test_what_is_cut_is_told() -> None:
    tokens = build(ENGLISH, 200)
    short, long = tokens.encode(["cook", "cook noodles cook noodles cook"], 3)
    assert (short.cut, long.cut) == (False, True)
    assert len(long.ids) == 3
    assert tokens.encode([], 3) == []


def test_a_saved_tokenizer_reads_the_same(tmp_path: Path) -> None:
    tokens = build(ENGLISH, 200)
    tokens.save(tmp_path)
    again = Tokens.load(tmp_path, tokens.prompt)
    assert again.encode(ENGLISH, 9) == tokens.encode(ENGLISH, 9)
    assert (again.pad, again.bos, again.eos, again.mask) == (tokens.pad, tokens.bos, tokens.eos, tokens.mask)
    assert len(again) == len(tokens)
