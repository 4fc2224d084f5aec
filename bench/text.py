"""Text rules that queries, text metrics, statistics and messages share: normalisation, tokens, printing."""

from __future__ import annotations

import re
import unicodedata

_CJK = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Han ideographs with their repetition marks, hiragana, katakana: scripts written without spaces."""

_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)"
)
"""Characters that steer a terminal (ESC, OSC) or turn the direction of a line; tab and line ends are none."""

_TOKEN = re.compile(f"[{_CJK}]|(?:(?![{_CJK}])[^\\W_])+")
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

    NFKC first; punctuation and white space are dropped. Source: contract section 5.
    """
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def cjk_share(text: str) -> float:
    """Measure the share of a text's tokens that are CJK characters, 0 for a text without tokens."""
    tokens = tokenize(text)
    if not tokens:
        return 0.0
    return sum(1 for token in tokens if _CJK_CHARACTER.fullmatch(token)) / len(tokens)


def detokenize(tokens: list[str]) -> str:
    """Join tokens to running text, with spaces between words but not beside CJK characters."""
    pieces: list[str] = []
    for token in tokens:
        if pieces and not (_CJK_CHARACTER.search(token[:1]) or _CJK_CHARACTER.search(pieces[-1][-1:])):
            pieces.append(" ")
        pieces.append(token)
    return "".join(pieces)
