"""Read the tabulars of a LaTeX file: booktabs, multirow, multicolumn, comments, macros of the file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.errors import DataError
from bench.lint.readers.cell import CellText
from bench.lint.readers.grid import MAX_SPAN, Grid, GridRow, refuse_size
from bench.lint.readers.latex_cell import braced, definitions, mask, strip_latex

MAX_INNER = 500
"""Characters that are kept of a tabular inside a cell."""
_EDGE = re.compile(
    r"\\(?P<edge>begin|end)\{(?P<name>tabular\*?|tabularx|tabulary|longtable|tblr|NiceTabular\*?|supertabular)\}"
)
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_SHOWN_AFTER = {
    "\\iffalse": re.compile(r"\\(?:fi|else)\b"),
    "\\begin{comment}": re.compile(r"\\end\{comment\}"),
}
"""What ends a part that is not printed, by its beginning; what follows the ``else`` of a condition is."""
_HIDING = re.compile(r"\\iffalse\b|\\begin\{comment\}")
_INPUT = re.compile(r"\\(?:@@input|input|include)\b\s{0,9}(?:\{[^{}]{0,200}\}|[^\s\\{}&]{1,200})")
_RULE = re.compile(
    r"\\(?:top|mid|bottom)rule\b(?:\s?\[[^\]]{0,99}\])?|\\hline\b|\\hdashline\b|\\Xhline\{[^}]{0,99}\}"
    r"|\\specialrule(?:\{[^}]{0,99}\}){3}"
)
_OTHER = re.compile(
    r"\\(?:cmidrule|cline|hhline|cdashline|cdashlinelr)(?:\([^)]{0,99}\))?(?:\[[^\]]{0,99}\])?(?:\([^)]{0,99}\))?\{[^}]{0,99}\}"
    r"(?:\[[^\]]{0,99}\])?|\\addlinespace(?:\[[^\]]{0,99}\])?|\\morecmidrules\b|\\arrayrulecolor(?:\[[^\]]{0,99}\])?\{[^}]{0,99}\}"
    r"|\\row(?:color|colors)\*?(?:\[[^\]]{0,99}\])?\{[^}]{0,99}\}|\\(?:centering|noalign\{[^}]{0,99}\})"
    r"|\\(?:endhead|endfirsthead|endfoot|endlastfoot)\b|\\(?:caption|label)(?:\[[^\]]{0,999}\])?\{[^{}]{0,999}\}"
    r"|\\rule\{0pt\}\{[^}]{0,99}\}"
)
_MULTIROW = re.compile(r"\\multirow\s{0,9}(?:\[[^\]]{0,99}\])?\s{0,9}")
_MULTICOLUMN = re.compile(r"\\multicolumn\s{0,9}")
_MACRO = re.compile(r"\\([a-zA-Z]{1,40})(?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class _Source:
    """A LaTeX file without its comments, with the places of its line ends and its macro definitions."""

    file: str
    text: str
    ends: tuple[int, ...]
    macros: Mapping[str, tuple[int, str]]

    def line(self, at: int) -> int:
        """Compute the line number of a place in the text, for messages."""
        return bisect_right(self.ends, at - 1) + 1


def parse_grids(text: str, file: str) -> list[Grid]:
    """Parse every tabular of a LaTeX file, in order of their ends.

    A tabular inside a cell is part of that cell where it has one column, else a table of its own. A
    tabular that cannot be divided into cells is a grid with an ``error``.
    """
    plain = _without_hidden("\n".join(_COMMENT.sub(r"\1", line) for line in text.splitlines()))
    source = _Source(file, plain, tuple(m.start() for m in re.finditer("\n", plain)), definitions(plain))
    grids: list[Grid] = []
    open_at: list[tuple[int, int, list[tuple[int, int, str]]]] = []  # start, end of \begin, inner tabulars
    for edge in _EDGE.finditer(plain):
        if edge["edge"] == "begin":
            open_at.append((edge.start(), edge.end(), []))
        elif open_at:
            start, inside, inner = open_at.pop()
            body, places = _without_inner(plain, inside, edge.start(), inner)
            one_column = bool(open_at) and "&" not in mask(re.sub(r"\\&", "  ", body))
            if not one_column:
                grid = _grid(source, edge["name"], start, (body, places))
                grids += [grid, *_elsewhere(grid, body)]
            if open_at:
                broken = re.sub(r"\\\\(?:\[[^\]]{0,99}\])?", " ", _after_arguments(body, edge["name"])[0])
                open_at[-1][2].append((start, edge.end(), f"{{{broken[:MAX_INNER]}}}" if one_column else ""))
    for start, inside, _ in open_at:
        grids.append(_unended(source, start, plain[inside : inside + 2000]))
    return grids


def _elsewhere(grid: Grid, body: str) -> list[Grid]:
    """Build a grid with an error for rows that are in another file."""
    if (match := _INPUT.search(body)) is None or not grid.rows:
        return []
    error = (
        f"{grid.file}:{grid.line}: '{match[0][:80]}': the rows of another file are not read. "
        "Write them in its place."
    )
    return [replace(grid, error=error)]


def _unended(source: _Source, start: int, text: str) -> Grid:
    line = source.line(start)
    rows = tuple(GridRow(line, (CellText(cell.strip()),)) for cell in re.split(r"[&\n]|\\\\", text))
    error = f"{source.file}:{line}: a \\begin of this table has no \\end."
    return Grid(source.file, line, rows, error=error)


def _without_inner(
    text: str, start: int, end: int, inner: list[tuple[int, int, str]]
) -> tuple[str, list[tuple[int, int]]]:
    """Replace inner tabulars in the text; also lists (place in it, place in the file) of each piece."""
    pieces, places, at, length = [], [], start, 0
    for first, last, replacement in [*inner, (end, end, "")]:
        places.append((length, at))
        pieces += [text[at:first], replacement]
        length += first - at + len(replacement)
        at = last
    return "".join(pieces), places


def _grid(source: _Source, name: str, start: int, body: tuple[str, list[tuple[int, int]]]) -> Grid:
    text, places = body
    content, skipped = _after_arguments(text, name)
    line = source.line(start)
    try:
        return Grid(source.file, line, tuple(_rows(content, skipped, places, source)))
    except DataError as error:
        words = tuple(CellText(word) for word in re.split(r"[&\s{}]+", content[:2000]))
        return Grid(source.file, line, (GridRow(line, words),), error=str(error))


def _after_arguments(text: str, name: str) -> tuple[str, int]:
    r"""Skip the arguments of \begin: what follows them, and where it begins."""
    at = 0
    for _ in range(1 + (name.rstrip("*") in ("tabularx", "tabulary") or name == "tabular*")):
        while (option := re.compile(r"\s{0,9}\[[^\]]{0,99}\]").match(text, at)) is not None:
            at = option.end()
        if (brace := re.compile(r"\s{0,99}(?=\{)").match(text, at)) is not None:
            _, at = braced(text, brace.end())
    return text[at:], at


def _rows(content: str, skipped: int, places: list[tuple[int, int]], source: _Source) -> list[GridRow]:
    """Split at double backslashes and ``&`` outside braces; a rule before a row is recorded as ``ruled``."""
    pending: dict[int, tuple[int, str]] = {}  # column -> (rows still to fill, text), from \multirow
    rows: list[GridRow] = []
    ruled, cells = False, 0
    starts = [at for at, _ in places]
    for at, piece in _pieces(content, r"\\\\\*?(?:[^\S\n]{0,9}\[[^\]]{0,99}\])?|\\tabularnewline"):
        ruled |= bool(_RULE.search(piece))
        text = _INPUT.sub(_blank, _OTHER.sub(_blank, _RULE.sub(_blank, piece)))
        if not text.strip():
            continue
        place = at + skipped + len(text) - len(text.lstrip())
        first, in_file = places[bisect_right(starts, place) - 1]
        line = source.line(in_file + place - first)
        row = tuple(_cells(_expand(text, source.macros), pending, f"{source.file}:{line}"))
        _fill_upwards(rows, row, pending)
        rows.append(GridRow(line, row, ruled))
        ruled, cells = False, cells + len(row)
        refuse_size(cells, f"{source.file}:{line}")
    return _headings(rows)


def _without_hidden(text: str) -> str:
    """Replace the parts that are not printed by blanks; a beginning without an end hides nothing."""
    parts, at, endless = [], 0, set[str]()
    for hiding in _HIDING.finditer(text):
        if hiding.start() < at or hiding[0] in endless:
            continue
        end = _SHOWN_AFTER[hiding[0]].search(text, hiding.end())
        if end is None:
            endless.add(hiding[0])  # nor has a later one: the text is searched once
            continue
        parts += [text[at : hiding.start()], _blanks(text[hiding.start() : end.end()])]
        at = end.end()
    return "".join([*parts, text[at:]])


def _blank(match: re.Match[str]) -> str:
    return _blanks(match[0])


def _blanks(text: str) -> str:
    """Write as many blanks as a text has characters, with its line ends, so that line numbers stay right."""
    return re.sub(r"[^\n]", " ", text)


def _pieces(text: str, separator: str) -> Iterator[tuple[int, str]]:
    masked, at = mask(text), 0
    for match in re.finditer(separator, masked):
        yield at, text[at : match.start()]
        at = match.end()
    yield at, text[at:]


def _expand(text: str, macros: Mapping[str, tuple[int, str]]) -> str:
    """Replace the macros that the file defines by their definitions, to a depth of three."""
    for _ in range(3):
        if not any(match[1] in macros for match in _MACRO.finditer(text)) or len(text) > 20_000:
            break
        text = _expand_once(text, macros)
    return text


def _expand_once(text: str, macros: Mapping[str, tuple[int, str]]) -> str:
    parts, at = [], 0
    for match in _MACRO.finditer(text):
        if match.start() < at or match[1] not in macros:
            continue
        count, body = macros[match[1]]
        parts.append(text[at : match.start()])
        at = match.end()
        for i in range(1, count + 1):
            at += len(text[at : at + 9]) - len(text[at : at + 9].lstrip())
            argument, at = braced(text, at) if text[at : at + 1] == "{" else (text[at : at + 1], at + 1)
            body = body.replace(f"#{i}", argument[:1000])
        parts.append(f"{body} " if body[-1:].isalpha() and text[at : at + 1].isalnum() else body)
    return "".join([*parts, text[at:]])


def _cells(content: str, pending: dict[int, tuple[int, str]], place: str) -> Iterator[CellText]:
    j = 0
    for _, raw in _pieces(content, r"(?<!\\)&"):
        span, inner = _span(raw.strip(), place)
        rows, inner = _multirow(inner, place)
        if abs(rows) > 1:
            pending[j] = (rows - 1 if rows > 0 else rows, inner)
        elif not inner and pending.get(j, (0, ""))[0] > 0:
            left, inner = pending[j]
            pending[j] = (left - 1, inner)
        yield strip_latex(inner, "Write the number itself, or define the macro with \\newcommand in the file")
        yield from (CellText("", spanned=True) for _ in range(span - 1))
        j += span


def _fill_upwards(
    rows: list[GridRow], row: tuple[CellText, ...], pending: dict[int, tuple[int, str]]
) -> None:
    r"""Repeat what a \multirow with a negative height, written in its last row, says of the rows above."""
    for j, (height, _) in pending.items():
        if height < 0 and j < len(row):
            for i in range(max(0, len(rows) + height + 1), len(rows)):
                cells = rows[i].cells
                if j < len(cells) and not cells[j].text:
                    rows[i] = replace(rows[i], cells=(*cells[:j], row[j], *cells[j + 1 :]))
            pending[j] = (0, "")


def _span(raw: str, place: str) -> tuple[int, str]:
    match = _MULTICOLUMN.match(raw)
    if not match:
        return 1, raw
    width, at = braced(raw, match.end())
    _, at = braced(raw, at)
    inner, _ = braced(raw, at)
    if not re.fullmatch(r"\s*0*[1-9]\d{0,3}\s*", width) or int(width) > MAX_SPAN:
        raise DataError(f"{place}: \\multicolumn over '{width[:40]}' columns; 1 to {MAX_SPAN:,} are read.")
    return int(width), inner.strip()


def _multirow(raw: str, place: str) -> tuple[int, str]:
    match = _MULTIROW.match(raw)
    if not match:
        return 1, raw
    height, at = braced(raw, match.end())
    at = _skip(r"\s{0,9}\[[^\]]{0,99}\]", raw, at)
    if raw[at : at + 1] == "{":
        _, at = braced(raw, at)
    elif raw[at : at + 1] == "*":
        at += 1
    inner, _ = braced(raw, _skip(r"\s{0,9}(?:\[[^\]]{0,99}\])?\s{0,9}", raw, at))
    if not re.fullmatch(r"\s*-?\d{1,6}\s*", height):
        raise DataError(f"{place}: \\multirow over '{height[:40]}' rows.")
    return int(height), inner.strip()


def _skip(pattern: str, text: str, at: int) -> int:
    match = re.compile(pattern).match(text, at)
    return match.end() if match else at


def _headings(rows: list[GridRow]) -> list[GridRow]:
    """Widen a row of one cell to the table: LaTeX lets a heading leave out its empty cells."""
    width = max((len(row.cells) for row in rows), default=0)
    blanks = (CellText(""),) * (width - 1)
    return [GridRow(row.line, row.cells + blanks, row.ruled) if len(row.cells) == 1 else row for row in rows]
