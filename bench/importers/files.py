"""The owner's files: find them in a folder, and take fields of their records; messages name the place."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import DataError, MissingError
from bench.store.files import read_lines
from bench.store.json_files import kind_of, read_json

__cache_neutral__ = True

T = TypeVar("T")
_KINDS: Mapping[type, str] = {str: "a string", list: "a list", dict: "an object", int: "a whole number"}


def find(source: Path, *patterns: str) -> Path:
    """Locate the first file in a folder, or its subfolders, that fits a pattern; a file is taken as it is.

    Raises MissingError that names the patterns.
    """
    if path := find_optional(source, *patterns):
        return path
    names = " or ".join(patterns)
    raise MissingError(
        f"{source}: there is no {names} in it. Name the folder of the owner's files in --from."
    )


def find_optional(source: Path, *patterns: str) -> Path | None:
    """Locate a file as `find` does; None when there is none."""
    if source.is_file():
        return source if any(source.match(pattern) for pattern in patterns) else None
    for pattern in patterns:
        for path in (path for path in sorted(source.rglob(pattern)) if path.is_file()):
            return path
    return None


def take(record: Mapping[str, Any], key: str, kind: type[T], place: object) -> T:
    """Read a field of a record and check its type. Raises DataError when it is missing or of another type."""
    value = record.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        state = "is missing" if key not in record else f"is {kind_of(value)}"
        raise DataError(f"{place}: the field '{key}' {state}; {_KINDS[kind]} is expected.")
    return value


def take_id(record: Mapping[str, Any], key: str, place: object) -> str:
    """Read an id that a record may write as a string or as a number, as a string. Raises DataError."""
    return str(take(record, key, str if isinstance(record.get(key), str) else int, place))


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object. Raises DataError."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}:1: a JSON object is expected, not {kind_of(content)}.")
    return content


def read_records(path: Path, content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a list with their places, ``file: record 3``. Raises DataError."""
    if not isinstance(content, list):
        raise DataError(f"{path}: a list of records is expected, not {kind_of(content)}.")
    for number, record in enumerate(content, start=1):
        place = f"{path}: record {number}"
        if not isinstance(record, dict):
            raise DataError(f"{place}: a JSON object is expected, not {kind_of(record)}.")
        yield place, record


def read_csv(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the rows of a CSV or TSV file with a header, by column, each with ``file:line``.

    The separator is a tab, a semicolon or a comma: the one of the header. Raises DataError for a row of
    another length.
    """
    lines = (line for _, line in read_lines(path))
    header_line = next(lines, "")
    delimiter = next((mark for mark in "\t;" if mark in header_line), ",")
    header = [name.strip().lower() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    for row in reader:
        place = f"{path}:{reader.line_num + 1}"
        if len(row) != len(header):
            raise DataError(f"{place}: {len(row)} columns, where the header has {len(header)}.")
        yield place, dict(zip(header, row, strict=True))


def read_columns(path: Path, count: int) -> Iterator[tuple[str, list[str]]]:
    """Yield lines of tab-separated columns with ``file:line``; blank lines are left out. Raises DataError."""
    for number, line in read_lines(path):
        columns = line.split("\t")
        if line.strip() and len(columns) != count:
            raise DataError(
                f"{path}:{number}: {len(columns)} tab-separated columns, where {count} are expected."
            )
        if line.strip():
            yield f"{path}:{number}", columns
