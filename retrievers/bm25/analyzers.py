"""Lucene's analyzers without Java: StandardTokenizer alone, and with the filters of English and CJK.

Words are cut by Unicode's word boundaries (UAX 29), as Lucene's StandardTokenizer does. Known to
differ: the scripts of South East Asia, emoji and other symbols, a combining mark that begins a word,
the half-width voice marks without a kana before them, and characters younger than the Unicode version
of either side.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import regex
from nltk.stem.porter import PorterStemmer

LONGEST = 255
"""Lucene cuts longer tokens into pieces."""
ENGLISH_STOP_WORDS = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no",
        "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this",
        "to", "was", "will", "with",
    }
)  # fmt: skip
"""Lucene's EnglishAnalyzer.ENGLISH_STOP_WORDS_SET."""
CJK_STOP_WORDS = ENGLISH_STOP_WORDS - {"an"} | {"s", "t", "www"}
"""Lucene's CJKAnalyzer.getDefaultStopSet()."""

# Lucene's PorterStemFilter follows Porter's later C code; Snowball's "porter" would rank differently.
_PORTER = PorterStemmer(mode=PorterStemmer.MARTIN_EXTENSIONS)
_BOUNDARY = regex.compile(r"\b", flags=regex.WORD | regex.V1)
_WORD = regex.compile(r"[[\p{L}\p{N}\p{Emoji_Presentation}]--[\u3006]]", flags=regex.V1)  # not the mark 〆
_APOSTROPHES = "'\u2019"
_POSSESSIVE = ("'s", "'S", "\u2019s", "\u2019S", "\uff07s", "\uff07S")
# the repetition mark \u3005 is a letter to UAX 29, not an ideograph
_BIGRAMMED = regex.compile(r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\u30fc]--[\u3005]]+", flags=regex.V1)
_OTHER_WIDTH = regex.compile(r"[\uff01-\uff5e]|[\uff65-\uff9f]+")


def analyze(text: str, analyzer: str) -> list[str]:
    """Return the index terms of a text as Lucene's English, CJK or standard analyzer gives them."""
    return {"en": _english, "zh": _cjk, "standard": _standard}[analyzer](text)


def _standard(text: str) -> list[str]:
    return [_lower(word) for _, word in _words(text)]


def _english(text: str) -> list[str]:
    terms = []
    for _, word in _words(text):
        term = _lower(word[:-2] if word.endswith(_POSSESSIVE) else word)
        if term not in ENGLISH_STOP_WORDS:
            terms.append(_stem(term))
    return terms


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_PORTER.stem(word, to_lowercase=False))


def _cjk(text: str) -> list[str]:
    terms: list[str] = []
    run, end = "", -1
    for start, word in _words(text):
        wide = _lower(_OTHER_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found[0]), word))
        if _BIGRAMMED.fullmatch(wide):
            if start != end:
                terms += _bigrams(run)
                run = ""
            run, end = run + wide, start + len(word)
        else:
            terms += [*_bigrams(run), wide]
            run, end = "", -1
    return [term for term in [*terms, *_bigrams(run)] if term not in CJK_STOP_WORDS]


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] if len(run) > 1 else [run] * len(run)


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Yield each word with the place where it starts."""
    place = 0
    for piece in _BOUNDARY.split(text):
        if _WORD.search(piece):
            # the library keeps an apostrophe with a vowel after it, for French
            word = piece.lstrip(_APOSTROPHES)
            for start in range(0, len(word), LONGEST):
                yield place + len(piece) - len(word) + start, word[start : start + LONGEST]
        place += len(piece)


def _lower(word: str) -> str:
    # one character for one, as Java's Character.toLowerCase: no final sigma, no dotted i in two parts
    return word.lower() if word.isascii() else "".join(letter.lower()[0] for letter in word)
