"""Read the tables of a Markdown file: pipe tables, also quoted ones, and tables in HTML."""

from __future__ import annotations

import re
from dataclasses import replace

from bench.errors import DataError
from bench.lint.readers import html
from bench.lint.readers.cell import CellText, strip_markup
from bench.lint.readers.grid import Grid, GridRow, refuse_size
from bench.lint.readers.header import is_number, parse_name
from bench.lint.readers.latex_cell import strip_latex

_FENCE = re.compile(r"[ >]{0,40}(```+|~~~+)")
_QUOTE = re.compile(r"[ ]{0,3}>[ ]?")
_BAR = re.compile(r"(?<!\\)\|")
_DASHES = re.compile(r":?-+:?")
_BORDER = re.compile(r"\s{0,9}\+[-=+]{2}")
_BLANKS = re.compile(r"\s{2,}|\t")
_GAP = re.compile(r"\s{2,}|[,;\t]\s?")
_TABULAR = re.compile(r"\\begin\{(?:tabular|longtable|tblr)")
MAX_LINE = 1000
"""Characters of a line that is looked at for names of columns outside of tables."""
MAX_UNDIVIDED = 10
"""Rows that are kept of a table that cannot be read: its names of columns are in the first of them."""
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,60}\]")


def parse_grids(text: str, file: str) -> list[Grid]:
    """Parse every table outside code fences and comments, in order; ``line`` counts from 1.

    Tables in code fences, in LaTeX, without a line of dashes and without bars come as tables that cannot be
    read.
    """
    shown, fenced = _divide(text)
    lines = [_unquoted(line) for line in shown]
    grids = _pipe_tables(lines, file)
    why = "tables in code fences are not read"
    grids += [replace(g, error=f"{file}:{g.line}: {why}.") for g in _pipe_tables(fenced, file) if not g.error]
    grids += [
        *_undivided(lines, file),
        *_aligned(lines, file, _BLANKS),
        *_aligned(fenced, file, _GAP),
        *_latex(lines, file),
    ]
    whole = "\n".join(lines)
    tables = html.parse_grids(whole, file) if "<table" in whole.lower() else []
    return sorted([*grids, *tables], key=lambda grid: grid.line)


def _pipe_tables(lines: list[str], file: str) -> list[Grid]:
    """Read the tables that have a line of dashes, and blank their lines."""
    grids: list[Grid] = []
    at = 1
    while at < len(lines):
        if "|" in lines[at] and "|" in lines[at - 1] and _is_separator(lines[at]):
            end = at + 1
            while end < len(lines) and "|" in lines[end]:
                end += 1
            grids.append(_grid(file, at, lines[at - 1 : end]))
            lines[at - 1 : end] = [""] * (end - at + 1)
            at = end
        at += 1
    return grids


def _undivided(lines: list[str], file: str) -> list[Grid]:
    """Name the rows between bars that no line of dashes makes a table, as in reStructuredText's grids."""
    grids: list[Grid] = []
    rows: list[GridRow] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.lstrip().startswith("|"):
            rows += [GridRow(number, _cells(line))] if len(rows) < MAX_UNDIVIDED else []
        elif not _BORDER.match(line):
            if len(rows) > 1:
                why = "rows without a line of dashes (|---|---|) below the first are not read"
                grids.append(Grid(file, rows[0].line, tuple(rows), error=f"{file}:{rows[0].line}: {why}."))
            rows = []
    return grids


def _aligned(lines: list[str], file: str, gap: re.Pattern[str]) -> list[Grid]:
    """Name the tables of aligned columns that programs print: names of metrics above numbers."""
    grids = []
    for number, line in enumerate(lines, 1):
        cells = [CellText(text) for text in gap.split(line.strip()[:MAX_LINE])]
        if sum(bool(parse_name(cell.text)) for cell in cells) < 2:
            continue
        below = [gap.split(text.strip()[:MAX_LINE]) for text in lines[number : number + 3]]
        if any(sum(map(is_number, texts)) > 1 for texts in below):
            error = f"{file}:{number}: a table without bars between its columns is not read."
            grids.append(Grid(file, number, (GridRow(number, tuple(cells)),), error=error))
    return grids


def _latex(lines: list[str], file: str) -> list[Grid]:
    """Name the tables in LaTeX."""
    grids = []
    for number, line in enumerate(lines, 1):
        if _TABULAR.search(line[:MAX_LINE]):
            texts = [text for text in lines[number : number + MAX_UNDIVIDED] if "&" in text]
            rows = [
                GridRow(number, tuple(strip_markup(c) for c in re.split(r"&|\\\\", t))) for t in texts[:4]
            ]
            error = f"{file}:{number}: a table in LaTeX in a Markdown file is not read. Save it as .tex."
            grids += [Grid(file, number, tuple(rows), error=error)] if rows else []
    return grids


def _grid(file: str, line: int, lines: list[str]) -> Grid:
    """Build the grid of a header, a line of dashes and rows; with an error where they are too many."""
    header = GridRow(line, _cells(lines[0]))
    try:
        refuse_size(sum(row.count("|") for row in lines), f"{file}:{line}")
    except DataError as error:
        return Grid(file, line, (header,), error=str(error))
    rows = (GridRow(line + i, _cells(row)) for i, row in enumerate(lines[2:], 2))
    return Grid(file, line, (header, *rows))


def _divide(text: str) -> tuple[list[str], list[str]]:
    """Split into lines: those outside code fences and comments, and those in fences; the others are blank."""
    lines = text.splitlines()
    fenced = [""] * len(lines)
    fence = ""
    for i, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence and not mark:
            fenced[i] = line
        if fence or mark:
            lines[i] = ""
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
    return _without_comments("\n".join(lines)).split("\n"), fenced


def _without_comments(text: str) -> str:
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 3
    return "".join([*parts, text[at:]])


def _unquoted(line: str) -> str:
    for _ in range(5):
        match = _QUOTE.match(line)
        if not match:
            break
        line = line[match.end() :]
    return line


def _is_separator(line: str) -> bool:
    """Check for a line of dashes, as ``|---|---|`` and as ``|---+---|`` of org-mode."""
    cells = re.split(r"[|+]", line.strip().removeprefix("|").removesuffix("|"))
    return all(_DASHES.fullmatch(cell.strip()) for cell in cells)


def _cells(line: str) -> tuple[CellText, ...]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(_cell(cell.replace("\\|", "|")) for cell in _BAR.split(inner))


def _cell(raw: str) -> CellText:
    """Read one cell; text between dollars is LaTeX, as GitHub shows it."""
    cell = strip_markup(_FOOTNOTE.sub("", raw))
    if "$" not in cell.text or "\\" not in cell.text:
        return cell
    math = strip_latex(cell.text)
    return replace(math, bold=cell.bold or math.bold, underline=cell.underline or math.underline)
