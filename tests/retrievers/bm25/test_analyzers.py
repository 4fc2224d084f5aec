"""The analyzers without Java give Lucene's terms, for every character of Unicode and for any mix of them."""

from __future__ import annotations

import random
import sys
import unicodedata
from functools import cache
from itertools import zip_longest

import pytest

from retrievers.bm25.analyzers import analyze
from retrievers.bm25.java_machine import java
from retrievers.bm25.word_break import CLASSES, LONGEST, class_of

ANALYZERS = ("en", "zh", "standard")
CONTEXTS = ("{}", "a{}b", "1{}2", "a'{}s", "_{}_", "{0}{0}", "字{}カ", "ｶ{}ﾞ", "\u05d0{}\u05d0", "☝{}\ufe0f")
"""Where a character is put: alone, between letters, digits, behind an apostrophe, among other scripts."""
ENDINGS = (
    "s", "sses", "ies", "ss", "eed", "ed", "ing", "at", "bl", "iz", "y", "ational", "tional", "enci",
    "anci", "izer", "bli", "abli", "alli", "entli", "eli", "ousli", "ization", "ation", "ator", "alism",
    "iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "logi", "icate", "ative", "alize",
    "iciti", "ical", "ful", "ness", "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement",
    "ment", "ent", "sion", "tion", "ou", "ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "bly",
    "logy", "vv", "yy",
)  # fmt: skip
"""What Porter's steps look for at the end of a word."""
GAP = "\n\n"
"""What no word and no bigram crosses."""


def java_terms(texts: list[str], analyzer: str) -> list[str]:
    """Return the terms of all texts, in one call: each call into Java costs more than the analysis."""
    made = {
        "en": lambda: java()("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance(),
        "zh": lambda: java()("org.apache.lucene.analysis.cjk.CJKAnalyzer")(),
        "standard": lambda: java()("org.apache.lucene.analysis.standard.StandardAnalyzer")(),
    }[analyzer]()
    terms = java()("io.anserini.analysis.AnalyzerUtils").analyze(made, GAP.join(texts))
    joined: str = terms.toString()[1:-1]  # no term holds a space
    return joined.split(", ") if joined else []


def first_difference(texts: list[str], analyzer: str) -> str:
    """Return the first text of which the terms differ from Lucene's, empty when none does."""
    if analyze(GAP.join(texts), analyzer) == java_terms(texts, analyzer):
        return ""
    for text in texts:
        ours, theirs = analyze(text, analyzer), java_terms([text], analyzer)
        for mine, lucenes in zip_longest(ours, theirs):
            if mine != lucenes:
                return f"{text.encode('unicode_escape').decode()}: {ours} is not Lucene's {theirs}"
    return "only the joined texts differ"


@cache
def characters() -> tuple[str, ...]:
    """Return one of each: every assigned character, and the first of a range that is all alike."""
    some = []
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category == "Cs" or chr(code) in "\n\r":
            continue
        if category in ("Cn", "Co") and code % 257 and class_of(chr(code)) == "other":
            continue  # unassigned and private: a sample
        some.append(chr(code))
    return tuple(some)


@pytest.mark.parametrize(
    ("analyzer", "context"),
    [(analyzer, context) for analyzer in ("standard", "zh") for context in CONTEXTS]
    # en cuts words as standard does; only what it does to a word is left to check
    + [("en", context) for context in ("{}", "a{}b", "a'{}s")],
)
def test_every_character_of_unicode_is_analyzed_as_lucene_does(analyzer: str, context: str) -> None:
    texts = [
        context.format(character)
        for character in characters()
        # 100,000 ideographs and syllables, all alike, are walked alone only
        if context == "{}" or class_of(character) not in ("han", "hangul") or ord(character) % 97 == 0
    ]
    for start in range(0, len(texts), 20_000):
        assert first_difference(texts[start : start + 20_000], analyzer) == ""


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_any_mix_of_the_classes_of_characters_is_analyzed_as_lucene_does(analyzer: str) -> None:
    chance = random.Random(0)
    members: dict[str, list[str]] = {name: [] for name in CLASSES}
    for character in characters():
        members[class_of(character)].append(character)
    texts = []
    for _ in range(20_000):
        some = chance.sample(sorted(members), chance.randint(2, 6))
        texts.append(
            "".join(chance.choice(members[chance.choice(some)]) for _ in range(chance.randint(2, 12)))
        )
    assert first_difference(texts, analyzer) == ""


def test_english_words_are_stemmed_as_lucene_does() -> None:
    chance = random.Random(0)
    texts = []
    for _ in range(40_000):
        start = "".join(chance.choice("aeiouybcdlrstvwxz1é𝐀") for _ in range(chance.randint(0, 4)))
        texts.append(start + "".join(chance.choice(ENDINGS) for _ in range(chance.randint(1, 3))))
    assert first_difference(texts, "en") == ""


@pytest.mark.parametrize("analyzer", ANALYZERS)
@pytest.mark.parametrize("part", ["a", "1.", "a'b", "𝐀", "x𝐀", "カ", "é\u0301", "👩\u200d", "ก", "한"])
def test_words_longer_than_lucenes_buffer_are_cut_where_it_cuts(analyzer: str, part: str) -> None:
    texts = [part * (length // len(part)) + "1" for length in range(LONGEST - 140, 3 * LONGEST, 7)]
    assert first_difference(texts, analyzer) == ""


@pytest.mark.parametrize("analyzer", ANALYZERS)
@pytest.mark.parametrize("count", [254, 255, 300, 1100])
@pytest.mark.parametrize("begin", ["_", "\u200d", "\U0001f1e6\u0301"])
@pytest.mark.parametrize("end", ["a b", "👩 x", "\U0001f1e8 x", " a"])
def test_words_that_end_beyond_lucenes_buffer_begin_later(
    analyzer: str, count: int, begin: str, end: str
) -> None:
    text = begin + begin[-1] * (count - 1) + end
    assert analyze(text, analyzer) == java_terms([text], analyzer)


@pytest.mark.parametrize("part", ["a", "_", "\u200d"])
def test_the_time_for_a_long_word_grows_with_its_length(part: str) -> None:
    """A million letters took minutes, as each piece of a word was searched for to the word's end."""
    assert analyze(part * 1_000_000 + "a", "standard")


def test_signs_of_numbers_are_no_words() -> None:
    assert analyze("½ ½ bowl, ² layers ① x² teaspoon", "standard") == ["bowl", "layers", "x", "teaspoon"]
