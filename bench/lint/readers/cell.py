"""Separate the text of a table cell from its markup: bold, underline, significance marks."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

MAX_TEXT = 1000
"""Characters of a cell that are looked at; a longer text is no number and no name of a column."""
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Begins the text of a cell that could not be read; the rest says why."""


@dataclass(frozen=True, slots=True)
class CellText:
    """The plain text of a cell and what its markup says."""

    text: str
    bold: bool = False
    underline: bool = False
    starred: bool = False
    spanned: bool = False
    """Whether it belongs to the cell before it, which spans several columns."""


_TAGS = re.compile(
    r"</?(?:b|strong|u|ins|em|i|span|small|font|center|code|a|p|div|mark|kbd|tt)\b[^>]*>", re.I
)
_RAISED = ((re.compile(r"<sup\b[^>]*>", re.I), "^"), (re.compile(r"<sub\b[^>]*>", re.I), "_"))
"""What is raised or lowered is no digit of the number beside it: keep it apart."""
_SMALL = re.compile(r"<sub>\s*<sup>(.*)</sup>\s*</sub>|<sup>\s*<sub>(.*)</sub>\s*</sup>", re.I | re.S)
"""A cell in small print, as GitHub's pages have it: neither raised nor lowered."""
_APART = re.compile(r"</su[bp]>|<br\s*/?>", re.I)
_HTML_BOLD = re.compile(r"<(?:b|strong)\b", re.I)
_HTML_UNDERLINE = re.compile(r"<(?:u|ins)\b", re.I)
_HTML_SUP = re.compile(r"<sup>[\s,]*(?:(?:\*|†|‡|§|¶|[a-z])[\s,]*)+</sup>", re.I)
_MARKS = "*†‡§¶▲△▼▽★⋆ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
_STARS = re.compile(rf"(?<=[\d.%)\]])\s*[{re.escape(_MARKS)}]+(?:[{re.escape(_MARKS)},]*)$")
_PICTURES = re.compile(r"(?<=[\d.%)\]*])\s*[\u2600-\u27bf\u2b50\ufe0f\U0001f300-\U0001faff]+$")
_PLAIN = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0xAD, 0x200B, 0x2060, 0xFEFF)),
}
"""Full-width signs as those of ASCII; nothing in place of signs that have no width."""
_NUMBER = r"[+\-−]?[\d.,]{0,40}\d\s?%?"
_FRACTION = r"[+\-−]?\d{0,9}[.,]\d{1,20}\s?%?"
_NOTE = re.compile(
    rf"({_NUMBER})\s?(?:\([^()]*\)|\[[+\-−]?[\d.]+\s?%?(?:\s?[,;–]\s?|\s)[+\-−]?[\d.]+\s?%?\]"
    rf"|(?<=\s)[↑↓▲▼]\s?\d[\d.]*%?)"
)
_RAISED_FIGURE = re.compile(
    rf"({_FRACTION})\s?(?:\^\d{{1,2}}(?:,\s?\d{{1,2}})*|[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{{1,2}})"
)
"""A fraction with the number of a note."""
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()\s]*\)")


def strip_markup(raw: str) -> CellText:
    """Reduce a CSV, Markdown or HTML cell to plain text and its marks.

    ``**x**`` and ``__x__`` are bold, ``<u>x</u>`` is underlined, ``*``, ``†``, ``‡`` and raised letters
    after a number are significance marks, a figure in brackets after a number is a side remark (a
    spread, a gain), and so is a pair in square ones (an interval).
    """
    text = html.unescape(raw[:MAX_TEXT]).translate(_PLAIN).strip()
    if small := _SMALL.fullmatch(text):
        text = small[1] or small[2] or ""
    bold = bool(_HTML_BOLD.search(text)) or _wrapped(text, "**") or _wrapped(text, "__")
    underline = bool(_HTML_UNDERLINE.search(text))
    starred = bool(_HTML_SUP.search(text))
    text = _HTML_SUP.sub("", text)
    for tag, sign in _RAISED:
        text = tag.sub(sign, text)
    text = _TAGS.sub("", _APART.sub(" ", text)).replace("\\*", "*").replace("\\_", "_").replace("\\@", "@")
    text = _LINK.sub(r"\1", _IMAGE.sub("", text)) if "](" in text and not text[:1].isdigit() else text
    text, more = strip_marks(_unwrap(text))
    return CellText(strip_remark(text), bold, underline, starred or more)


def strip_marks(text: str) -> tuple[str, bool]:
    """Remove the significance marks after a number, and report whether there were some."""
    shown = _PICTURES.sub("", text[:MAX_TEXT])
    plain = _STARS.sub("", shown)
    return plain, plain != shown


def strip_remark(text: str) -> str:
    """Remove the remark after a number: ``12.5 (+2.3)``, ``12.5 [10.0, 14.5]``, ``12.5_0.3``."""
    if len(text) > 120:
        return text.strip()
    lowered = re.fullmatch(rf"({_FRACTION})\s?_\s?(?:\([^()]*\)|{_FRACTION}|[↑↓][\d.]+)\s*", text)
    match = lowered or _NOTE.fullmatch(" ".join(text.split()) if "(" in text else text.strip())
    match = match or _RAISED_FIGURE.fullmatch(text.strip())
    return (match[1] if match else text).strip()


def _wrapped(text: str, mark: str) -> bool:
    plain = _TAGS.sub("", text)
    return plain.count(mark) >= 2 and plain.strip().startswith(mark)


def _unwrap(text: str) -> str:
    text = text.strip()
    for mark in ("**", "__", "`"):
        if text.startswith(mark) and text.count(mark) >= 2:
            start, end = len(mark), text.rindex(mark)
            text = (text[start:end] + text[end + len(mark) :]).strip()
    text = text[1:-1] if re.fullmatch(r"_[^*_]+_", text) else text
    return re.sub(r"^\*([^*\s][^*]*)\*(?!\*)", r"\1", text)
