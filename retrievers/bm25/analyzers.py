"""Lucene's analyzers without Java: what turns a text into index terms, equal for every character of Unicode.

An analyzer cuts a text into words and filters them. ``standard`` makes them lower case; ``en`` also takes
off a possessive 's, leaves out stop words and reduces words to Porter's stems; ``zh`` has no words to cut:
it takes each two neighbouring characters of Chinese, Japanese or Korean as a term (a bigram).
"""

from __future__ import annotations

import re
from functools import lru_cache

from lunr.stemmer import PorterStemmer

from retrievers.bm25.word_break import LONGEST, find_words, is_cjk

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

_POSSESSIVE = ("'s", "'S", "\u2019s", "\u2019S", "\uff07s", "\uff07S")
_PLAIN = re.compile(f"(?:[a-z0-9]{{1,{LONGEST}}}(?: +|$))*")
"""Texts whose words are what blanks separate; most queries are so."""
_WIDE = re.compile("[\uff01-\uff5e\uff65-\uff9f]")
_HALF_WIDTH_KANA = (
    "\u30fb\u30f2\u30a1\u30a3\u30a5\u30a7\u30a9\u30e3\u30e5\u30e7\u30c3\u30fc\u30a2\u30a4\u30a6\u30a8\u30aa\u30ab\u30ad\u30af"
    "\u30b1\u30b3\u30b5\u30b7\u30b9\u30bb\u30bd\u30bf\u30c1\u30c4\u30c6\u30c8\u30ca\u30cb\u30cc\u30cd\u30ce\u30cf\u30d2\u30d5"
    "\u30d8\u30db\u30de\u30df\u30e0\u30e1\u30e2\u30e4\u30e6\u30e8\u30e9\u30ea\u30eb\u30ec\u30ed\u30ef\u30f3\u3099\u309a"
)
"""What U+FF65 to U+FF9F are in full width (CJKWidthFilter); the last two are voice marks."""
_VOICED = {kana: chr(ord(kana) + 1) for kana in "カキクケコサシスセソタチツテトハヒフヘホヽ"} | {
    "ウ": "ヴ", "ワ": "ヷ", "ヰ": "ヸ", "ヱ": "ヹ", "ヲ": "ヺ",
}  # fmt: skip
_SEMI_VOICED = {kana: chr(ord(kana) + 2) for kana in "ハヒフヘホ"}


def analyze(text: str, analyzer: str) -> list[str]:
    """Split a text into index terms, as Lucene's English, CJK or standard analyzer does."""
    return {"en": _english, "zh": _cjk, "standard": _standard}[analyzer](text)


def _standard(text: str) -> list[str]:
    return [_lower(word) for word in _words(text)]


def _english(text: str) -> list[str]:
    if _PLAIN.fullmatch(text):  # neither possessives nor capitals
        return [_stem(word) for word in text.split() if word not in ENGLISH_STOP_WORDS]
    terms = []
    for word in _words(text):
        term = _lower(word[:-2] if word.endswith(_POSSESSIVE) else word)
        if term not in ENGLISH_STOP_WORDS:
            terms.append(_stem(term))
    return terms


def _words(text: str) -> list[str]:
    return text.split() if _PLAIN.fullmatch(text) else [text[start:end] for start, end, _ in find_words(text)]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    # Lucene's PorterStemFilter follows Porter's later C code, as lunr does; Snowball's "porter" would rank
    # differently. Each word has a stemmer of its own, as it holds the word: threads may stem at once.
    porter = PorterStemmer()
    if word.isascii() or max(word) <= "\uffff":
        return str(porter.stem(word))
    # Java counts the letters of a word in units of UTF-16
    units = word.encode("utf-16-be", "surrogatepass")
    halves = "".join(chr(int.from_bytes(units[i : i + 2])) for i in range(0, len(units), 2))
    stem = str(porter.stem(halves))
    return stem.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


def _cjk(text: str) -> list[str]:
    terms: list[str] = []
    run, run_end = "", -1
    for start, end, classes in find_words(text):
        word = _lower(_full_width(text[start:end]))
        if is_cjk(classes):
            if start != run_end:
                terms += _bigrams(run)
                run = ""
            run, run_end = run + word, end
        else:
            terms += [*_bigrams(run), word]
            run, run_end = "", -1
    return [term for term in [*terms, *_bigrams(run)] if term not in CJK_STOP_WORDS]


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] if len(run) > 1 else [run] * len(run)


def _full_width(word: str) -> str:
    """Convert letters and kana of a word to their usual width, as Lucene's CJKWidthFilter does."""
    if not _WIDE.search(word):
        return word
    letters: list[str] = []
    for letter in word:
        if "\uff01" <= letter <= "\uff5e":
            letters.append(chr(ord(letter) - 0xFEE0))
        elif "\uff65" <= letter <= "\uff9f":
            marks = {"\uff9e": _VOICED, "\uff9f": _SEMI_VOICED}.get(letter, {})
            if letters and letters[-1] in marks:
                letters[-1] = marks[letters[-1]]
            else:
                letters.append(_HALF_WIDTH_KANA[ord(letter) - 0xFF65])
        else:
            letters.append(letter)
    return "".join(letters)


def _lower(word: str) -> str:
    # one character for one, as Java's Character.toLowerCase: no final sigma, no dotted i in two parts
    if word.isascii():
        return word.lower()
    return "".join(letter.lower()[0] for letter in word)
