"""Read the rows below a header: labels, groups, numbers; and divide a grid at a second header."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.errors import DataError
from bench.lint.improvements import split_improvements
from bench.lint.readers.cell import UNREADABLE, CellText
from bench.lint.readers.grid import Grid, GridRow, check_widths
from bench.lint.readers.header import (
    Header,
    find_header,
    is_deviation_name,
    is_header,
    is_number,
    known_names,
    mentions_metric,
    parse_name,
)
from bench.lint.readers.number import NumberError, Style, bare, is_missing, read_number, style_of
from bench.lint.readers.sections import flatten_sections
from bench.lint.table import Column, Entry, Row, Table

MAX_NOTES = 5
"""Cells that are named one by one when they cannot be read."""
_TUPLE = re.compile(r"\('([^']{0,200})', '([^']{0,200})'\)")


def to_tables(grid: Grid) -> list[Table]:
    """Split a grid into tables: none where no column is known, several where a header is repeated.

    Raises DataError, with file and line, for a table with known columns of which nothing can be read.
    """
    if not grid.rows:
        return []
    if grid.error:
        if mentions_metric(grid):
            raise DataError(grid.error)
        return []
    try:
        check_widths(grid)
    except DataError:
        if mentions_metric(grid):
            raise
        return []
    tables: list[Table] = []
    errors: list[DataError] = []
    for part, header in _parts(_split_compound(flatten_sections(grid))):
        try:
            tables += _tables(part, header)
        except DataError as error:
            errors.append(error)
    if errors and not tables:
        raise errors[0]
    if errors:
        tables[0] = replace(tables[0], notes=(*tables[0].notes, *(f"not read: {error}" for error in errors)))
    return tables


def _parts(grid: Grid) -> Iterator[tuple[Grid, Header]]:
    """Divide a grid at each row that names known columns again."""
    rest: Grid | None = grid
    while rest is not None and rest.rows:
        next_header = find_header(rest)
        if next_header is None:
            return
        part, header = next_header
        again = (i for i in range(header.body, len(part.rows)) if _is_second_header(part.rows[i], header))
        end = next(again, len(part.rows))
        if end > header.body:
            yield part.part(part.rows[:end]) if end < len(part.rows) else part, header
        rest = part.part(part.rows[end:]) if end < len(part.rows) else None


def _is_second_header(row: GridRow, header: Header) -> bool:
    texts = row.texts()
    names = known_names(texts)
    return any(j in header.numbers for j in names) and is_header(texts)


def _split_compound(grid: Grid) -> Grid:
    """Divide columns such as ``R@1/R@5/R@10`` into one for each name."""
    parts: dict[int, int] = {}
    for row in grid.rows[:3]:
        for j, text in enumerate(row.texts()):
            names = text.split("/")
            if 1 < len(names) < 9 and _name_metrics(names):
                parts[j] = len(names)
    if not parts:
        return grid
    return replace(grid, rows=tuple(replace(row, cells=_split_cells(row.cells, parts)) for row in grid.rows))


def _name_metrics(names: Sequence[str]) -> bool:
    """Check whether all are metrics or all counts: ``test/R@1`` is one name of a metric, as of a logger."""
    columns = [parsed[1] for name in names if (parsed := parse_name(name.strip()))]
    return len(columns) == len(names) and len({column.is_count for column in columns}) == 1


def _split_cells(cells: Sequence[CellText], parts: dict[int, int]) -> tuple[CellText, ...]:
    divided: list[CellText] = []
    for j, cell in enumerate(cells):
        texts = [text.strip() for text in cell.text.split("/")]
        if parts.get(j, 1) == len(texts) and j in parts:
            divided += [replace(cell, text=text) for text in texts]
        else:
            divided += [cell, *(CellText("", spanned=True) for _ in range(parts.get(j, 1) - 1))]
    return tuple(divided)


@dataclass
class _Reader:
    """Reads the rows of one grid and remembers what it had to leave out."""

    grid: Grid
    header: Header
    style: Style
    unread: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    incomplete: set[Column] = field(default_factory=set)

    def rows(self) -> list[Row]:
        """Read the scores: a row for each printed row and each group of columns."""
        rows: list[Row] = []
        heading, block, groups = "", 0, [""] * len(self.header.groups)
        for index, printed in enumerate(self.grid.rows[self.header.body :], 1):
            block += printed.ruled
            if self.grid.headings and (title := _heading(printed, self.header)) is not None:
                heading, block = title, block + 1
                continue
            groups = [printed.cells[j].text or old for j, old in zip(self.header.groups, groups, strict=True)]
            group = " ".join(part for part in (heading, *groups) if part)
            rows += self._split(printed, group=group, block=block, index=index)
        return rows

    def _split(self, printed: GridRow, *, group: str, block: int, index: int) -> list[Row]:
        """Split a printed row by groups of columns (``BM25 | DPR`` above ``R@1 | R@1``): usually one."""
        label = printed.cells[self.header.label]
        text = label.text.removeprefix(UNREADABLE)
        if pair := _TUPLE.fullmatch(text):
            group, text = f"{group} {pair[1]}".strip(), pair[2]
        if self._holds_words(printed):
            return []
        n = self._query_count(printed)
        entries: dict[str, dict[Column, Entry]] = {}
        for j, (top, column) in self.header.numbers.items():
            of_group = entries.setdefault(top, {})
            if (entry := self._entry(printed, j, column)) is not None:
                of_group[column] = entry
        return [
            Row(text, values, f"{group} {top}".strip(), block, printed.line, n, label.bold, index)
            for top, values in entries.items()
            if values
        ]

    def _holds_words(self, row: GridRow) -> bool:
        """Check whether a row has words under each metric: remarks, which are no scores."""
        texts = [row.cells[j].text for j in self.header.numbers]
        if any(re.search(r"\d", text) for text in texts):
            return False
        words = [text for text in texts if not is_missing(text)]
        self.words += [f"{self.grid.file}:{row.line}: '{text}' is not a number" for text in words[:1]]
        return True

    def _entry(self, row: GridRow, j: int, column: Column) -> Entry | None:
        cell = row.cells[j]
        if cell.spanned:
            self._leave_span_out(row, j, column)
            return None
        if is_missing(bare(cell.text)):
            return None
        try:
            if cell.text.startswith(UNREADABLE):
                raise NumberError(cell.text.removeprefix(UNREADABLE))
            number = read_number(cell, self.style, count=column.is_count)
        except NumberError as error:
            self._leave_out(row, column, str(error))
            return None
        return Entry(number, cell.bold, cell.underline)

    def _leave_span_out(self, row: GridRow, j: int, column: Column) -> None:
        text = next((row.cells[i].text for i in range(j, -1, -1) if not row.cells[i].spanned), "")
        if not is_missing(text):
            self._leave_out(
                row, column, f"'{text}' spans several columns; which of them it belongs to is not certain"
            )

    def _leave_out(self, row: GridRow, column: Column, why: str) -> None:
        self.incomplete.add(column)
        self.unread.append(f"{self.grid.file}:{row.line}: column {column}: {why}")

    def _query_count(self, row: GridRow) -> int | None:
        at = self.header.n
        if at is None or is_missing(row.cells[at].text):
            return None
        try:
            number = read_number(row.cells[at], Style.POINT, count=True)
        except NumberError:
            return None
        return None if number.half or number.value < 1 else int(number.value)


def _heading(row: GridRow, header: Header) -> str | None:
    filled = [text for text in row.texts() if text]
    numbers = any(row.cells[j].text for j in header.numbers)
    first_only = bool(filled) and bool(row.cells[0].text) and len(filled) == 1
    return filled[0] if first_only and (not numbers or 0 in header.numbers) and len(row.cells) > 2 else None


def _tables(grid: Grid, header: Header) -> list[Table]:
    """Build the table with the notes a user needs, none for one without a row.

    Raises DataError where cells are there and none of them can be read.
    """
    reader = _Reader(grid, header, _style(grid, header))
    rows = reader.rows()
    if not rows:
        if reasons := [*reader.unread, *reader.words]:
            raise DataError(f"{reasons[0]}.")
        return []
    notes = [f"columns not known and left out: {', '.join(header.left_out)[:300]}"] if header.left_out else []
    if others := [row for row in rows if is_deviation_name(row.label) or _holds_counts(row, rows, grid)]:
        notes.append(f"rows that are no scores and left out: {', '.join(row.name for row in others)[:300]}")
        left_out = {id(row) for row in others}
        rows = [row for row in rows if id(row) not in left_out]
    if reader.style is Style.COMMA:
        notes.append("numbers are read with a decimal comma")
    notes += [f"{where}; left out" for where in reader.unread[:MAX_NOTES]]
    if len(reader.unread) > MAX_NOTES:
        more = len(reader.unread) - MAX_NOTES
        notes.append(f"further cells that could not be read and are left out: {more:,}")
    scores, gains = split_improvements(rows)
    incomplete = frozenset(reader.incomplete)
    table = Table(grid.name, tuple(scores), tuple(gains), tuple(notes), incomplete=incomplete)
    return [table.with_scales()]


def _holds_counts(row: Row, rows: Sequence[Row], grid: Grid) -> bool:
    """Check whether a column beside the metrics of a transposed table holds integers, such as years."""
    return grid.transposed and _is_whole(row) and not all(map(_is_whole, rows))


def _is_whole(row: Row) -> bool:
    return not any(
        "." in e.number.text or "," in e.number.text or e.number.percent for e in row.entries.values()
    )


def _style(grid: Grid, header: Header) -> Style:
    cells = (row.cells[j].text for row in grid.rows[header.body :] for j in header.numbers)
    try:
        return style_of([text for text in cells if is_number(text) or "," in text[:40]])
    except NumberError as error:
        raise DataError(f"{grid.file}:{grid.rows[0].line}: {error}. Write all numbers one way.") from None
