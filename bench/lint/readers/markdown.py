"""Read the pipe tables of a Markdown file."""

from __future__ import annotations

import re

from bench.lint.readers.cell import strip_markup
from bench.lint.readers.grid import Grid, GridRow, check_widths

_SEPARATOR = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_BAR = re.compile(r"(?<!\\)\|")


def parse_grids(text: str, file: str) -> list[Grid]:
    """Return every pipe table outside code fences, in order; ``line`` counts from 1.

    Raises DataError for a row wider or narrower than its header.
    """
    lines = text.splitlines()
    fenced = _fenced(lines)
    found: list[Grid] = []
    for at, line in enumerate(lines):
        if at and not fenced[at] and "|" in line and _SEPARATOR.fullmatch(line) and "|" in lines[at - 1]:
            end = at + 1
            while end < len(lines) and "|" in lines[end] and not fenced[end]:
                end += 1
            rows = [(at - 1, lines[at - 1]), *((i, lines[i]) for i in range(at + 1, end))]
            found.append(
                check_widths(Grid(f"table at line {at}", file, tuple(_row(i, row) for i, row in rows)))
            )
    return found


def _fenced(lines: list[str]) -> list[bool]:
    inside = False
    marks = []
    for line in lines:
        edge = bool(_FENCE.match(line))
        marks.append(inside or edge)
        inside ^= edge
    return marks


def _row(at: int, line: str) -> GridRow:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    cells = (strip_markup(cell.replace("\\|", "|")) for cell in _BAR.split(inner))
    return GridRow(at + 1, tuple(cells))
