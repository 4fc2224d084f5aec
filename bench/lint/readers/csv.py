"""Read a CSV file: wide (a column for each metric) or long (our scores.csv: a line for each score)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.errors import DataError
from bench.lint.readers.cell import CellText, strip_markup
from bench.lint.readers.grid import Grid, GridRow, refuse_size
from bench.lint.readers.header import is_deviation_name
from bench.lint.readers.number import FLOAT_SLACK, NumberError, Printed, Style, is_missing, read_number
from bench.lint.table import Column, Entry, Row, Table, parse_column

_COMMENT = re.compile(r"#\s")
_SEPARATOR = re.compile(r"sep=([,;|\t])\r?\n", re.I)
_LABELS = ("generator", "model", "system", "method", "run", "name")


def parse_records(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Parse the cells of each line that is neither empty nor a comment (``# ...``), with its number.

    The delimiter is the one of ``,``, ``;``, ``|`` and tab that the header has most of, or the one of a
    line ``sep=;`` above it, as Excel writes it. Raises DataError for
    broken quoting.
    """
    text = text.removeprefix("\ufeff")
    named = _SEPARATOR.match(text)
    first = next((line for line in text.splitlines() if line.strip() and not _COMMENT.match(line)), "")
    delimiter = named[1] if named else max(",;\t|", key=first.count)
    lines = ("\n" if _is_prose(line, delimiter) else line for line in io.StringIO(text))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        read = [(reader.line_num, cells) for cells in reader][1 if named else 0 :]
    except csv.Error as error:
        raise DataError(f"{file}:{reader.line_num}: not a CSV file: {error}.") from None
    read = [(line, cells) for line, cells in read if any(cell.strip() for cell in cells)]
    width = next((len(cells) for _, cells in read if not _COMMENT.match(cells[0])), 0)
    return [(line, cells) for line, cells in read if not _remark(cells, width)]


def _is_prose(line: str, delimiter: str) -> bool:
    """Check whether a line is a comment that is no CSV: a lone quote in it would open a cell."""
    if not _COMMENT.match(line):
        return False
    try:
        list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False


def _remark(cells: Sequence[str], width: int) -> bool:
    """Check whether a line is a comment, and not a row called "# videos" with numbers in it."""
    numbers = any(re.fullmatch(r"\s*[\d.,%]+\s*", cell) for cell in cells[1:])
    return bool(_COMMENT.match(cells[0])) and not (numbers and len(cells) == width)


def is_long(header: Sequence[str]) -> bool:
    """Check whether a header is that of a score on each line, with a column that names the rows."""
    names = {name.strip().lower() for name in header}
    return {"metric", "value"} <= names and bool(names & {*_LABELS})


def wide_grid(lines: list[tuple[int, list[str]]], file: str) -> Grid:
    """Parse a wide CSV as a grid. Raises DataError for one of too many cells."""
    refuse_size(sum(len(cells) for _, cells in lines), f"{file}:{lines[0][0]}")
    rows = tuple(GridRow(line, tuple(strip_markup(cell) for cell in cells)) for line, cells in lines)
    return Grid(file, rows[0].line, rows, headings=False)


def long_table(lines: list[tuple[int, list[str]]], file: str) -> Table:
    """Parse a long CSV as a table: a row for each generator, retriever and seed.

    ``n`` is kept where it is one whole number for the row and ``seed`` names one seed: a mean over
    seeds has other steps, and their deviations (seed ``sd``) are no scores. Raises DataError for a
    missing column, a bad number, a score given twice.
    """
    names = [name.strip().lower() for name in lines[0][1]]
    label = next(name for name in _LABELS if name in names)
    rows: dict[tuple[str, str, str], Row] = {}
    unknown: dict[str, None] = {}
    spreads: dict[str, None] = {}
    for line, cells in lines[1:]:
        if len(cells) != len(names):
            raise DataError(f"{file}:{line}: {len(cells)} cells under a header of {len(names)}.")
        fields = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        known = parse_column(fields["metric"])
        if is_deviation_name(fields.get("seed", "")):
            spreads[fields["seed"]] = None
        elif known is None:
            unknown[fields["metric"]] = None
        elif not is_missing(fields["value"]):
            _add(rows, known, fields, place=f"{file}:{line}", label=fields[label])
    notes = [f"metrics not known and left out: {', '.join(unknown)}"] if unknown else []
    notes += [f"rows that are no scores and left out: seed {', '.join(spreads)}"] if spreads else []
    _share_precision(rows.values())
    return Table(f"table at line {lines[0][0]}", tuple(rows.values()), (), tuple(notes)).with_scales()


def _share_precision(rows: Iterable[Row]) -> None:
    """Read 0.5 as exact beside 0.4823529411764706: a program that writes all digits wrote both."""
    entries = [(row, known, entry) for row in rows for known, entry in row.entries.items()]
    if any(entry.number.half == FLOAT_SLACK for _, _, entry in entries):
        for row, known, entry in entries:
            row.entries[known] = replace(entry, number=replace(entry.number, half=FLOAT_SLACK))


def _add(
    rows: dict[tuple[str, str, str], Row],
    known: Column,
    fields: Mapping[str, str],
    *,
    place: str,
    label: str,
) -> None:
    seed, group = fields.get("seed", ""), fields.get("retriever", "")
    row = rows.setdefault(
        (label, group, seed),
        Row(label, {}, group, line=int(place.rpartition(":")[2]), n=_one_n(fields, place)),
    )
    if known in row.entries:
        raise DataError(f"{place}: {row.name} has a second value of {known}; there can be only one.")
    row.entries[known] = Entry(_number(fields["value"], place))


def _number(text: str, place: str) -> Printed:
    try:
        return read_number(CellText(text), Style.POINT)
    except NumberError as error:
        raise DataError(f"{place}: column value: {error}.") from None


def _one_n(fields: Mapping[str, str], place: str) -> int | None:
    text = fields.get("n", "")
    if is_missing(text) or not fields.get("seed", "0").isdigit():
        return None
    try:
        number = read_number(CellText(text), Style.POINT, count=True)
    except NumberError as error:
        raise DataError(f"{place}: column n: {error}.") from None
    if number.value < 1 or number.value != int(number.value):
        raise DataError(f"{place}: column n: '{text}' is not a number of queries.")
    return int(number.value)
