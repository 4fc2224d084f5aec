"""Words of a text as Lucene's StandardTokenizer finds them, with the kind of each.

The rules are those of Lucene's grammar (StandardTokenizerImpl.jflex): the word boundaries of Unicode's annex
UAX 29, in the version of Unicode 9 that Lucene keeps, and sequences of emoji (UTS 51). They differ from the
rules in current libraries; "②", "½" and "²", for example, are no part of a word.

Each character is replaced by the letter of its class, and a regular expression is matched on these letters.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from pathlib import Path

WORD_BREAK = Path(__file__).with_name("word_break.csv")
"""Ranges of code points by their class, from the tables of Lucene 9.9 (Apache-2.0); the rest is ``other``."""
LONGEST = 255
"""Lucene's scanner sees so many UTF-16 units at a time: a longer word is cut into pieces."""

CLASSES = {
    "other": "A",
    "double_quote": "B",
    "keycap_base": "C",  # number sign and asterisk
    "single_quote": "D",
    "mid_num": "E",
    "mid_num_let": "F",
    "ascii_digit": "G",
    "mid_letter": "H",
    "a_letter": "I",
    "extend_num_let": "J",
    "emoji": "K",
    "extend": "L",  # marks and format characters
    "hebrew_letter": "M",
    "numeric": "N",
    "south_east_asian": "O",
    "south_east_asian_extend": "P",
    "hangul": "Q",
    "zwj": "R",  # zero width joiner
    "keycap": "S",
    "emoji_letter": "T",
    "han": "U",
    "katakana": "V",
    "hiragana": "W",
    "text_style": "X",
    "emoji_style": "Y",
    "regional_indicator": "Z",
    "emoji_modifier": "a",
    "tag": "b",
    "tag_end": "c",
}
"""The letter of each class of characters in Lucene's grammar, by its name in word_break.csv."""

_X = "[LPRSXYabc]*"  # what attaches to the character before it (rule WB4)
_E = "[LPRSabc]*"  # the same within emoji, where the styles have a meaning
_JOINED = f"(?:[DFH]{_X}[IMQT]{_X})"  # WB6, WB7: a letter behind an apostrophe, a full stop, a colon
_LETTERS = (
    f"(?:[GN]{_X}(?:[DEF]{_X}(?=[GN]))?"  # WB8, WB11, WB12: numbers, and what may occur between digits
    f"|[IQT]{_X}{_JOINED}*"  # WB5: letters
    f"|M{_X}(?:D{_X}|B{_X}M{_X}|[FH]{_X}[IMQT]{_X}{_JOINED}*)?)+"  # WB7a to WB7c: Hebrew and its quotes
)
_RUN = f"(?:(?:V{_X})+|{_LETTERS})"  # WB13: Katakana joins no letter
_WORD = f"(?:J{_X})*{_RUN}(?:(?:J{_X})+{_RUN})*(?:J{_X})*"  # WB13a, WB13b: the underscore joins all
_PICTURE = f"[KT]{_E}"
_MODIFIER = f"a{_E}"
_EMOJI = (
    f"R*{_PICTURE}Yb+c"  # a flag of a region: a picture and tags
    # pictures joined by zero width joiners; a modifier of the skin is a picture if it follows none
    f"|(?:R*{_PICTURE}|{_MODIFIER}(?<=R){_PICTURE})"
    f"(?:(?<=R){_PICTURE}|YR+{_PICTURE}|YR{_MODIFIER}(?<=R){_PICTURE})*(?:YR{_MODIFIER}|Y)?"
    f"|{_MODIFIER}"
    f"|C{_E}Y?S{_E}"  # keycaps
    f"|Z{_X}Z{_X}"  # flags of countries
)
_TOKEN = re.compile(f"{_WORD}|{_EMOJI}|[OP][OPLRSXYabc]*|[UW]{_X}")
_EMOJI_TOKEN = re.compile(_EMOJI)
_BEGUN = re.compile("[JLRSXYbc]+")
"""What begins a token and is none: 300 underscores before a letter, say."""
_HANGUL, _KATAKANA = re.compile(f"(?:Q{_X})+"), re.compile(f"(?:V{_X})+")


def find_words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each word starts and ends in a text, and its classes, a letter for each character."""
    classes = text.translate(_class_letters())
    place = 0
    while match := _next_token(classes, place):
        start, end = match.span()
        if end - start > LONGEST // 2 and (limit := _window(text, start)) < end:
            match = _TOKEN.match(classes, start, limit)
            if match is None:  # it would end beyond what the scanner sees, which then skips a character
                place = start + 1
                continue
            end = match.end()
        if classes[start] == "T" and (emoji := _EMOJI_TOKEN.match(classes, start, _window(text, start))):
            end = max(end, emoji.end())
        yield start, end, classes[start:end]
        place = end


def _next_token(classes: str, place: int) -> re.Match[str] | None:
    """Find the token that begins first from ``place`` on; a long one may be cut, but not below LONGEST.

    A search to the end of the text would read the rest of a very long word again for each piece of it, and
    of what only begins a word for each character.
    """
    while place + 4 * LONGEST < len(classes):
        if begun := _BEGUN.match(classes, place):
            place = max(place, begun.end() - LONGEST)
        match = _TOKEN.search(classes, place, place + 4 * LONGEST)
        if match and match.start() <= place + 3 * LONGEST:
            return match
        place += 3 * LONGEST
    return _TOKEN.search(classes, place)


def class_of(character: str) -> str:
    """Classify a character for the rules of word breaks."""
    letter = _class_letters()[ord(character)]
    return next(name for name, known in CLASSES.items() if known == letter)


def is_cjk(classes: str) -> bool:
    """Check whether a word is of a kind that Lucene's CJKAnalyzer makes bigrams of."""
    return classes[0] in "UW" or bool(_HANGUL.fullmatch(classes) or _KATAKANA.fullmatch(classes))


def _window(text: str, start: int) -> int:
    """Compute the end of what Lucene's scanner sees at once: LONGEST units of UTF-16 from ``start`` on."""
    end, units = start, 0
    while end < len(text) and (units := units + 1 + (text[end] > "\uffff")) <= LONGEST:
        end += 1
    return end


@cache
def _class_letters() -> dict[int, str]:
    """Make the table that replaces each character by the letter of its class, for the rules below."""
    return _Letters()


class _Letters(dict[int, str]):
    """The letters of classes by code point, read from word_break.csv; each is looked up once."""

    def __init__(self) -> None:
        with WORD_BREAK.open(encoding="ascii", newline="") as stream:
            rows = [
                (int(row["first"], 16), int(row["last"], 16), row["class"]) for row in csv.DictReader(stream)
            ]
        self._first = [first for first, _, _ in rows]
        self._rows = rows

    def __missing__(self, code: int) -> str:
        first, last, name = self._rows[bisect_right(self._first, code) - 1]
        self[code] = CLASSES[name] if first <= code <= last else CLASSES["other"]
        return self[code]
