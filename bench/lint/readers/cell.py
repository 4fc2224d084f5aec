"""Separate the text of a table cell from its markup: bold, underline, significance marks."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellText:
    """The plain text of a cell and what its markup says."""

    text: str
    bold: bool = False
    underline: bool = False
    starred: bool = False
    spanned: bool = False
    """Whether it belongs to the cell before it, which spans several columns."""


_TAGS = re.compile(r"</?(?:b|strong|u|ins|em|i|span|small|font)\b[^>]*>", re.I)
_RAISED = ((re.compile(r"<sup\b[^>]*>", re.I), "^"), (re.compile(r"<sub\b[^>]*>", re.I), "_"))
"""What stands raised or lowered is no digit of the number beside it: keep it apart."""
_APART = re.compile(r"</su[bp]>|<br\s*/?>", re.I)
_HTML_BOLD = re.compile(r"<(?:b|strong)\b", re.I)
_HTML_UNDERLINE = re.compile(r"<(?:u|ins)\b", re.I)
_HTML_SUP = re.compile(r"<sup>\s*(?:\*|†|‡|§|[a-z])+\s*</sup>", re.I)
_STARS = re.compile(r"(?<=[\d.%)\]])\s*[*†‡§]+$")
_NOTE = re.compile(
    r"^([+\-−]?[\d.,]*\d\s*%?)\s*(?:\([^()]*\)|\[[+\-−]?[\d.]+\s*%?(?:\s*[,;–]\s*|\s+)[+\-−]?[\d.]+\s*%?\])$"
)


def strip_markup(raw: str) -> CellText:
    """Return the plain text of a CSV or Markdown cell and its marks.

    ``**x**`` and ``__x__`` are bold, ``<u>x</u>`` is underlined, ``*``, ``†``, ``‡`` after a number is
    a significance mark, a figure in brackets after a number is a side remark (a spread, a gain), and
    so is a pair in square ones (an interval).
    """
    text = html.unescape(raw).strip()
    bold = bool(_HTML_BOLD.search(text)) or _wrapped(text, "**") or _wrapped(text, "__")
    underline = bool(_HTML_UNDERLINE.search(text))
    starred = bool(_HTML_SUP.search(text))
    text = _HTML_SUP.sub("", text)
    for tag, sign in _RAISED:
        text = tag.sub(sign, text)
    text = _TAGS.sub("", _APART.sub(" ", text)).replace("\\*", "*").replace("\\_", "_")
    text = _unwrap(text.strip())
    text, more = _unstar(text)
    return CellText(_NOTE.sub(r"\1", text).strip(), bold, underline, starred or more)


def _wrapped(text: str, mark: str) -> bool:
    plain = _TAGS.sub("", text)
    return plain.count(mark) >= 2 and plain.strip().startswith(mark)


def _unwrap(text: str) -> str:
    for mark in ("**", "__", "`"):
        if text.startswith(mark) and text.count(mark) >= 2:
            start, end = len(mark), text.rindex(mark)
            text = (text[start:end] + text[end + len(mark) :]).strip()
    text = text[1:-1] if re.fullmatch(r"_[^*_]+_", text) else text
    return re.sub(r"^\*([^*\s][^*]*)\*(?!\*)", r"\1", text)


def _unstar(text: str) -> tuple[str, bool]:
    plain = _STARS.sub("", text)
    return plain, plain != text
