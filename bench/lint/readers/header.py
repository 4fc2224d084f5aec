"""Turn a grid of cells into a table of numbers: find the header, the labels and the groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import DataError
from bench.lint.readers.cell import CellText
from bench.lint.readers.grid import Grid, GridRow
from bench.lint.readers.number import NumberError, Style, bare, is_missing, read_number, style_of
from bench.lint.table import Column, Entry, Row, Table, parse_column, two_level_name


@dataclass(frozen=True, slots=True)
class Header:
    """The positions of numbers, labels, groups and counts of queries in a grid."""

    numbers: dict[int, tuple[str, Column]]
    label: int
    groups: tuple[int, ...]
    n: int | None
    left_out: tuple[str, ...]
    body: int


_LABEL = re.compile(r"(?:model|method|system|generator|approach|name|run|count|variant)s?", re.I)
_GROUP = re.compile(r"(?:retriev(?:er|al)|ranker|engine|index|search(?:er)?)s?", re.I)
_N = re.compile(r"n|#?\s*(?:evaluated )?queries", re.I)
_SPREAD = re.compile(
    r"(?:±\s*)?(?:std|s\.?d\.?|stdev|std\.? ?(?:dev|err)\.?|stderr|p[- ]?values?|variance)", re.I
)
_FAMILY = re.compile(
    r"(?:recall|precision|acc(?:uracy)?|success|hit.*|bleu|[rpbs])?(?:\s*@\s*k)?(?:\s*\(.*\))?", re.I
)
_GAIN = re.compile(r"improv|\bgain\b|\brel(?:ative|\.)|Δ|∆|\bdelta\b", re.I)


def to_table(grid: Grid) -> Table | None:
    """Return the table a grid holds, or None where no column is known.

    Raises DataError, with file and line, for a cell that cannot be read for certain.
    """
    header = _header(grid)
    if header is None:
        return None
    style = _style(grid, header)
    rows, gains = _rows(grid, header, style)
    notes = [f"columns not known and left out: {', '.join(header.left_out)}"] if header.left_out else []
    if spreads := [row.name for row in rows if is_deviation_name(row.label)]:
        notes.append(f"rows that are no scores and left out: {', '.join(spreads)}")
        rows = [row for row in rows if not is_deviation_name(row.label)]
    if style is Style.COMMA:
        notes.append("numbers are read with a decimal comma")
    return Table(grid.name, tuple(rows), tuple(gains), tuple(notes)).with_scales()


def is_deviation_name(text: str) -> bool:
    """Return whether a row of this name holds deviations or p-values, and no scores."""
    return bool(_SPREAD.fullmatch(text))


def _known(texts: Sequence[str]) -> dict[int, Column]:
    """Return the known columns; a lone "Test" or "Total" is no part of a data set."""
    columns = {j: known for j, text in enumerate(texts) if (known := parse_column(text))}
    if sum(known.is_count and known.family != "Total" for known in columns.values()) < 2:
        columns = {j: known for j, known in columns.items() if not known.is_count}
    return columns


def _filled(texts: Sequence[str]) -> list[str]:
    filled: list[str] = []
    for text in texts:
        filled.append(text or (filled[-1] if filled else ""))
    return filled


def _header(grid: Grid) -> Header | None:
    """Look at the first rows for known names: in one row, or in two that name a column together."""
    rows = [row.texts() for row in grid.rows]
    for i in range(min(3, len(rows))):
        below = rows[i + 1] if i + 1 < len(rows) else []
        here, next_ = _known(rows[i]), _known(below)
        if here and len(next_) <= len(here):
            tops = _filled(rows[i - 1]) if i else [""] * len(rows[i])
            return _columns(grid, i, tops, here)
        tops = _filled(rows[i])
        pairs = {j: both for j, text in enumerate(below) if text and (both := two_level_name(tops[j], text))}
        if pairs and len(pairs) > len(next_):
            return _columns(grid, i + 1, [""] * len(tops), pairs)
    return None


def _columns(grid: Grid, at: int, tops: list[str], known: dict[int, Column]) -> Header:
    names = grid.rows[at].texts()
    if at:  # a label may be written in the upper of two header rows
        names = [name or above for name, above in zip(names, grid.rows[at - 1].texts(), strict=True)]
    seen = Counter(known.values())
    over = {tops[j] for j in known}
    apart = max(seen.values()) > 1 or (len(over) > 1 and not all(map(_FAMILY.fullmatch, over)))
    numbers = {j: (tops[j] if apart else "", known[j]) for j in known}
    if twice := [key for key, times in Counter(numbers.values()).items() if times > 1]:
        raise DataError(
            f"{grid.file}:{grid.rows[at].line}: column '{twice[0][1]}' appears {seen[twice[0][1]]} times "
            "with nothing above it that tells one from another. Name the groups in the row above."
        )
    others = [j for j in range(len(names)) if j not in known]
    if not others:
        raise DataError(f"{grid.file}:{grid.rows[at].line}: no column is left for the names of the rows.")
    label = next((j for j in others if _LABEL.fullmatch(names[j])), None)
    before = [j for j in others if label is not None and j < label and _repeats(grid, at, j)]
    grouping = [j for j in others if _GROUP.fullmatch(names[j]) or j in before]
    if label is None:
        label = next((j for j in others if j not in grouping), others[0])
    groups = tuple(j for j in grouping if j != label)
    n = next((j for j in others if _N.fullmatch(names[j])), None)
    left_out = tuple(names[j] for j in others if j not in (label, n, *groups) and names[j])
    return Header(numbers, label, groups, n, left_out, at + 1)


def _repeats(grid: Grid, at: int, j: int) -> bool:
    """Return whether a column can group rows: a rank or a year's list of different values cannot."""
    texts = [row.cells[j].text for row in grid.rows[at + 1 :]]
    return len(set(texts)) < len(texts)


def _style(grid: Grid, header: Header) -> Style:
    cells = (row.cells[j].text for row in grid.rows[header.body :] for j in header.numbers)
    try:
        return style_of([text for text in cells if not is_missing(text)])
    except NumberError as error:
        raise DataError(f"{grid.file}:{grid.rows[0].line}: {error}. Write all numbers one way.") from None


def _rows(grid: Grid, header: Header, style: Style) -> tuple[list[Row], list[Row]]:
    rows: list[Row] = []
    gains: list[Row] = []
    heading, block, groups = "", 0, [""] * len(header.groups)
    for printed in grid.rows[header.body :]:
        block += printed.ruled
        if grid.headings and (title := _heading(printed, header)) is not None:
            heading, block = title, block + 1
            continue
        _refuse_second_header(grid, printed, header)
        groups = [printed.cells[j].text or old for j, old in zip(header.groups, groups, strict=True)]
        group = " ".join(part for part in (heading, *groups) if part)
        found = _split(grid, printed, header, style, group=group, block=block)
        (gains if _GAIN.search(printed.cells[header.label].text) else rows).extend(found)
    return rows, gains


def _heading(row: GridRow, header: Header) -> str | None:
    filled = [text for text in row.texts() if text]
    numbers = any(row.cells[j].text for j in header.numbers)
    first_only = bool(filled) and bool(row.cells[0].text) and len(filled) == 1
    return filled[0] if first_only and (not numbers or 0 in header.numbers) and len(row.cells) > 2 else None


def _refuse_second_header(grid: Grid, row: GridRow, header: Header) -> None:
    again = [row.cells[j].text for j in header.numbers if parse_column(row.cells[j].text)]
    if again:
        raise DataError(
            f"{grid.file}:{row.line}: '{again[0]}' names a column in the middle of the table: "
            "a second header. Split the table there."
        )


def _split(
    grid: Grid, printed: GridRow, header: Header, style: Style, *, group: str, block: int
) -> list[Row]:
    """Return one row for each group of columns (``BM25 | DPR`` above ``R@1 | R@1``): usually one."""
    label = printed.cells[header.label]
    n = _query_count(grid, printed, header)
    made: dict[str, dict[Column, Entry]] = {}
    for j, (top, known) in header.numbers.items():
        entries = made.setdefault(top, {})
        cell = printed.cells[j]
        if cell.spanned:
            _refuse_span(grid, printed, j)
        if not is_missing(bare(cell.text)):
            entries[known] = _entry(grid, printed, cell, style, known)
    return [
        Row(label.text, entries, f"{group} {top}".strip(), block, printed.line, n, label.bold)
        for top, entries in made.items()
        if entries
    ]


def _refuse_span(grid: Grid, row: GridRow, j: int) -> None:
    text = next(row.cells[i].text for i in range(j, -1, -1) if not row.cells[i].spanned)
    if not is_missing(text):
        raise DataError(
            f"{grid.file}:{row.line}: '{text}' spans several columns; which of them it is the number of "
            "cannot be told. Write it into each."
        )


def _entry(grid: Grid, row: GridRow, cell: CellText, style: Style, known: Column) -> Entry:
    try:
        number = read_number(cell, style, count=known.is_count)
    except NumberError as error:
        raise DataError(f"{grid.file}:{row.line}: column {known}: {error}.") from None
    return Entry(number, cell.bold, cell.underline)


def _query_count(grid: Grid, row: GridRow, header: Header) -> int | None:
    if header.n is None or is_missing(row.cells[header.n].text):
        return None
    try:
        number = read_number(row.cells[header.n], Style.POINT, count=True)
    except NumberError as error:
        raise DataError(f"{grid.file}:{row.line}: column n: {error}.") from None
    if number.half or number.value < 1:
        raise DataError(f"{grid.file}:{row.line}: column n: '{number.text}' is no number of queries.")
    return int(number.value)
