"""Text rules that queries, text metrics, statistics and messages share: normalisation, tokens, printing."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from types import ModuleType

from bench.errors import MissingError

_CJK = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Han ideographs with their repetition marks, hiragana, katakana: scripts written without spaces."""

_UNSPACED = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3"
"""Letters and marks of Thai, Lao, Burmese and Khmer: scripts without spaces between words."""
CJK_LANGUAGES = ("ja", "zh")
"""Languages whose texts are mostly characters of `_CJK`."""
UNSPACED_LANGUAGES = (*CJK_LANGUAGES, "km", "lo", "my", "th")
"""Languages that are written without spaces between words: their units are characters."""

_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)"
)
"""Characters that steer a terminal (ESC, OSC) or turn the direction of a line; tab and line ends are none."""

_TOKEN = re.compile(f"[{_CJK}]|(?:(?![{_CJK}])[^\\W_])+")
_WORD_SPLIT_BY_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u06dc\u06df-\u06e8\u06ea-\u109f\u1780-\u17d3]"
)
"""What only texts have whose letters carry marks, or that are of a script in `_UNSPACED`."""
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
TOKENS = "cjk-char+latin-run,nfkc,lower,no-punct"
"""The name of the token rule in signatures."""


def normalise(text: str) -> str:
    """Reduce a text to the form by which two queries are the same: NFKC, case-folded, white space collapsed.

    Source: contract section 2.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def printable(text: str) -> str:
    """Make a text safe to print: control characters become U+FFFD."""
    return _CONTROLS.sub("\ufffd", text)


def tokenize(text: str) -> list[str]:
    """Split into metric tokens: each CJK character alone, Latin and digit runs whole, lower case.

    NFKC first; punctuation and white space are dropped. Marks belong to their letter; in scripts without
    spaces (Thai, Lao, Burmese, Khmer) each letter is a token. Source: contract section 5.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    return (_marked_token() if _WORD_SPLIT_BY_MARKS.search(plain) else _TOKEN).findall(plain)


@cache
def _marked_token() -> re.Pattern[str]:
    """Build the rule of tokens for scripts whose letters carry marks, which are no letters in Python."""
    points = (chr(point) for point in range(0x300, 0x20000) if not 0xFE00 <= point <= 0xFE0F)
    marks = re.escape("".join(c for c in points if unicodedata.category(c) in ("Mn", "Mc")))
    letter = f"(?![{_CJK}{_UNSPACED}])[^\\W_]"
    return re.compile(f"[{_CJK}]|(?=[{_UNSPACED}])[^\\W_][{marks}]*|{letter}(?:{letter}|[{marks}])*")


def cjk_share(text: str) -> float:
    """Measure the share of a text's tokens that are CJK characters, 0 for a text without tokens."""
    tokens = tokenize(text)
    if not tokens:
        return 0.0
    return sum(1 for token in tokens if _CJK_CHARACTER.fullmatch(token)) / len(tokens)


def import_jieba() -> ModuleType:
    """Import jieba, which cuts Chinese words and tags them. Raises MissingError where it is not installed."""
    import logging

    try:
        import jieba
        import jieba.posseg
    except ImportError as error:
        raise MissingError(
            "cutting Chinese into words needs the package jieba, which is not installed. Install it with: "
            "pip install -c constraints.txt -e '.[zh]'"
        ) from error
    jieba.setLogLevel(logging.WARNING)  # it reports loading its dictionary
    module: ModuleType = jieba
    return module


def detokenize(tokens: list[str]) -> str:
    """Join tokens to running text, with spaces between words but not beside CJK characters."""
    pieces: list[str] = []
    for token in tokens:
        if pieces and not (_CJK_CHARACTER.search(token[:1]) or _CJK_CHARACTER.search(pieces[-1][-1:])):
            pieces.append(" ")
        pieces.append(token)
    return "".join(pieces)
