"""Strict JSON: one parser for every JSON and JSON-lines file that is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from bench.errors import DataError, shorten
from bench.store.files import raise_data_error, read_lines, read_text

__cache_neutral__ = True

MAX_DEPTH = 100
"""Lists and objects inside one another; more is refused, so that no later step runs out of stack."""
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_json(path: Path, *, allow_nan: bool = False) -> Any:
    """Read a JSON file; raises DataError as `parse_json`, MissingError without the file."""
    return parse_json(read_text(path), path, allow_nan=allow_nan)


def read_json_lines(path: Path, *, allow_nan: bool = False) -> list[dict[str, Any]]:
    """Read the objects of a JSON-lines file; errors as `numbered_json_lines`."""
    return [item for _, item in numbered_json_lines(path, allow_nan=allow_nan)]


def numbered_json_lines(
    path: Path, *, allow_nan: bool = False, report: Callable[[str], None] = raise_data_error
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) for each line of a JSON-lines file that is not blank.

    What is wrong with a line (as `parse_json`, or no object) goes to ``report`` as ``file:line: what``, and
    the line is left out if that returns.
    """
    for number, line in read_lines(path, report=report):
        if not line.strip():
            continue
        try:
            item = parse_json(line, path, number, allow_nan=allow_nan)
        except DataError as error:
            report(str(error))
            continue
        if isinstance(item, dict):
            yield number, item
        else:
            report(f"{path}:{number}: a JSON object is expected, not {kind_of(item)}.")


def parse_json(text: str, path: Path, line: int = 1, *, allow_nan: bool = False) -> Any:
    """Parse a JSON text that begins on a line of a file.

    Raises DataError with file:line for text that is not JSON, for NaN and infinities (unless ``allow_nan``),
    a key that appears twice in one object, and more than `MAX_DEPTH` levels.
    """
    try:
        _check_depth(text)
        return _DECODERS[allow_nan].decode(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{line + error.lineno - 1}"
        what = error.msg.removesuffix(" at")  # "Unterminated string starting at"
        raise DataError(f"{place}: invalid JSON: {what} at column {error.colno}.") from error
    except ValueError as error:
        raise DataError(f"{path}:{line}: invalid JSON: {error}.") from error


def format_json_lines(items: Iterable[Mapping[str, Any]]) -> str:
    """Write objects as JSON lines, UTF-8 as it is."""
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def kind_of(value: Any) -> str:
    """Name the kind of a JSON value, with its article, for messages."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in item if keys.count(key) > 1)
        raise ValueError(f"the key {shorten(twice)} appears twice in one object")
    return item


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


_DECODERS = {
    allow_nan: json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=None if allow_nan else _refuse_constant
    )
    for allow_nan in (False, True)
}
"""Made once: `json.loads` makes one for each text, which takes longer than to read a line."""


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested too deeply (more than {MAX_DEPTH} levels)")
