"""Arguments of the functions for notebooks and scripts: what a caller may give, as one type each."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UsageError, shorten, unknown
from bench.options import expand_home, listed, split_list

Choice = TypeVar("Choice", bound=str)


def path_of(what: str, value: object) -> Path:
    """Take a text or a path, with ``~`` expanded. Raises UsageError for anything else."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise UsageError(f"{what}: a path is expected, not {type(value).__name__}.")
    return expand_home(value)


def texts_of(what: str, value: object) -> tuple[str, ...]:
    """Take texts in any collection, or separated by commas in one. Raises UsageError for anything else."""
    texts = split_list(value) if isinstance(value, str) else items_of(what, value)
    return tuple(filter(None, (name_of(what, text).strip() for text in texts)))


def items_of(what: str, value: object) -> list[Any]:
    """Take the items of a collection, which may be one that can be read once. Raises UsageError."""
    items = None if hasattr(value, "columns") else listed(value)
    if not isinstance(items, list):
        raise UsageError(f"{what}: a list is expected, not {type(value).__name__}.")
    return items


def choice_of(what: str, value: object, known: Iterable[Choice]) -> Choice:
    """Take one of the known texts. Raises UsageError for anything else."""
    for choice in known:
        if isinstance(value, str) and value == choice:
            return choice
    raise unknown(what, value, known)


def name_of(what: str, value: object) -> str:
    """Take a text. Raises UsageError for anything else."""
    if not isinstance(value, str):
        raise UsageError(f"{what}: a text is expected, not {shorten(value)}.")
    return value


def tolerances_of(value: object) -> list[tuple[str, float]]:
    """Take patterns of ``generator.retriever``, each with how far its scores may move. Raises UsageError."""
    pairs = value.items() if isinstance(value, Mapping) else items_of("tolerances", value)
    tolerances: list[tuple[str, float]] = []
    for pair in pairs:
        try:
            pattern, number = pair
            tolerance = float(number)
        except (TypeError, ValueError):
            pattern, tolerance = None, math.nan
        if not isinstance(pattern, str) or not 0 <= tolerance < math.inf:
            raise UsageError(
                f"tolerances: pairs such as ('*.bm25', 0.005) are expected, not {shorten(pair)}."
            )
        tolerances.append((pattern, tolerance))
    return tolerances
