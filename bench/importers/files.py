"""The owner's files: find them in a folder, and take fields of their records; messages name the place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError, DataError, MissingError, UsageError
from bench.store.files import read_lines
from bench.store.json_files import kind_of, read_json

__cache_neutral__ = True

T = TypeVar("T")
MOST_FILES = 200_000
"""Files and folders that are looked through at most; a whole disk has more."""
_KINDS: Mapping[type, str] = {str: "a string", list: "a list", dict: "an object", int: "a whole number"}


def find(source: Path, *patterns: str) -> Path:
    """Locate the first file in a folder, or its subfolders, that fits a pattern.

    ``source`` may be that file itself. Raises what `not_found` says.
    """
    if path := find_optional(source, *patterns):
        return path
    raise not_found(source, " or ".join(patterns))


def not_found(source: Path, names: str) -> BenchError:
    """Say why a file is not found: no such source, a pipe, which has no files, or no such file in it."""
    if not source.exists():
        return MissingError(
            f"{source}: there is no such file or folder. Name that of the owner's files in --from."
        )
    if not source.is_file() and not source.is_dir():
        return UsageError(
            f"--from {source} is a pipe or a device. Write what comes from it into a file and name that."
        )
    return MissingError(
        f"{source}: there is no {names} in it. Name the folder of the owner's files in --from."
    )


def find_optional(source: Path, *patterns: str) -> Path | None:
    """Locate a file as `find` does; None when there is none."""
    if source.is_file():
        return source if any(source.match(pattern) for pattern in patterns) else None
    paths = list(_walk(source))
    for pattern in patterns:
        if files := sorted(path for path in paths if path.match(pattern) and path.is_file()):
            return files[0]
    return None


def _walk(source: Path) -> Iterator[Path]:
    """Yield the paths of all files in a folder. Raises UsageError where they are too many."""
    seen = 0
    for folder, folders, names in os.walk(source):
        seen += len(folders) + len(names)
        if seen > MOST_FILES:
            raise UsageError(
                f"--from {source}: there are more than {MOST_FILES:,} files in it. Name the folder of the "
                "owner's files, or the file itself."
            )
        yield from (Path(folder, name) for name in names)


def take(record: object, key: str, kind: type[T], place: object) -> T:
    """Read a field of an object, of one type. Raises DataError when it is missing or of another type."""
    if not isinstance(record, Mapping):
        raise DataError(f"{place}: a JSON object is expected, not {kind_of(record)}.")
    value = record.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        state = "is missing" if key not in record else f"is {kind_of(value)}"
        raise DataError(f"{place}: the field '{key}' {state}; {_KINDS[kind]} is expected.")
    return value


def take_id(record: Mapping[str, Any], key: str, place: object) -> str:
    """Read an id that a record may write as a string or as a number, as a string. Raises DataError."""
    return str(take(record, key, str if isinstance(record.get(key), str) else int, place))


def take_texts(record: object, key: str, place: object) -> list[str]:
    """Read a field that is a list of strings. Raises DataError."""
    texts = take(record, key, list, place)
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise DataError(f"{place}: text {number} of '{key}' is {kind_of(text)}; a string is expected.")
    return texts


def unique(pairs: Iterable[tuple[object, str, str]], what: str) -> dict[str, str]:
    """Collect texts by id, from (place, id, text). Raises DataError for an id with two texts."""
    texts: dict[str, str] = {}
    for place, name, text in pairs:
        if texts.setdefault(name, text) != text:
            raise DataError(f"{place}: {what} '{name}' appears twice, with another text.")
    return texts


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
