"""Tables as CSV or TSV: one reader for every file with a header that users give, and one for single lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import DataError, shorten
from bench.store.files import read_lines

__cache_neutral__ = True

_LONGEST_FIELD = 2**31 - 1
"""Characters of a field at most; the default of Python's reader, 131,072, is less than a long transcript."""


def read_rows(path: Path, *, needed: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (``file:line``, row by column) of a CSV or TSV file with a header; blank lines are left out.

    The separator is the one of the header: a tab, a semicolon or a comma. Names of columns are taken in lower
    case. Raises DataError for a missing or repeated column, a row of another length, an unclosed quote.
    """
    csv.field_size_limit(_LONGEST_FIELD)  # before the header, which may be a file of one long line
    lines = (line + "\n" for _, line in read_lines(path))
    header = next(lines, "")
    delimiter = next((mark for mark in "\t;" if mark in header), ",")
    columns = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise DataError(f"{path}:1: the header has no column {', '.join(missing)}; it is {shorten(columns)}.")
    if len(set(columns)) < len(columns):
        raise DataError(f"{path}:1: a column of the header appears twice; it is {shorten(columns)}.")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for values in reader:
            if values and len(values) != len(columns):
                place = f"{path}:{reader.line_num + 1}"
                raise DataError(f"{place}: {len(values)} values; the header has {len(columns)}.")
            if values:
                yield f"{path}:{reader.line_num + 1}", dict(zip(columns, values, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num + 1}: no valid CSV ({error}).") from error


def read_cells(path: Path, number: int, line: str) -> list[str]:
    """Read a line of CSV whose cells end on it. Raises DataError with file:line for any other."""
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise DataError(f"{path}:{number}: not a line of CSV ({error}); a cell ends on its line.") from error
