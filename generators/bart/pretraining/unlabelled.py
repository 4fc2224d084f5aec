"""Unlabelled texts for pretraining (``pretrain.texts``): queries or captions that belong to no video."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from bench.errors import DataError, MissingError
from bench.store.files import read_lines


def read_texts(name: str) -> tuple[str, ...]:
    """Read unlabelled texts for pretraining, in order, without repeats and blank ones.

    A file whose name ends in ``.jsonl`` (or ``.jsonl.gz``) has objects with a string ``text``; any other has
    a text on each line. Raises MissingError when there is no such file, DataError with file and line for a
    line that is no text, and when there is none at all.
    """
    path = Path(name).expanduser()
    try:
        status = path.stat()
    except OSError as error:
        raise MissingError(f"pretrain.texts={name}: there is no such file.") from error
    return _read(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1)  # every row of a run reads the same file
def _read(path: Path, size: int, changed: int) -> tuple[str, ...]:
    objects = path.name.removesuffix(".gz").endswith(".jsonl")
    lines = ((number, line) for number, line in read_lines(path) if line.strip())
    texts = (_parse(path, number, line) if objects else line.strip() for number, line in lines)
    distinct = tuple(dict.fromkeys(text for text in texts if text))
    if not distinct:
        raise DataError(f"{path}: no text to pretrain on (pretrain.texts). Expected one a line.")
    return distinct


def _parse(path: Path, number: int, line: str) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}:{number}: not JSON ({error}).") from error
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise DataError(f'{path}:{number}: expected an object with a string "text".')
    text: str = value["text"]
    return text.strip()
