"""Attributes of evaluated queries (attributes.csv): fields of their file, and whether training saw them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.errors import DataError, counted
from bench.output.schema import format_csv, unguard
from bench.store.csv_files import read_cells
from bench.store.files import read_lines
from bench.types import QueryId

__cache_neutral__ = True

Attributes: TypeAlias = Mapping[QueryId, Mapping[str, str]]
"""The attributes of each query by name, as text; a query may lack some or all."""
SEEN = "seen"
"""Whether the text of a query is that of a training query: ``seen`` or ``unseen``."""
_ID = "query_id"
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which UTF-8 cannot encode."""


def free_fields(item: Mapping[str, Any]) -> dict[str, str]:
    """Extract the attributes of a query from its JSON line: fields that are texts, numbers or booleans.

    The fields of an object ``metadata``, which BEIR has, are attributes too; lists and null are none. Names
    and texts are reduced to one line of valid Unicode.
    """
    metadata = item.get("metadata")
    fields = {**item, **(metadata if isinstance(metadata, dict) else {})}
    plain = {_one_line(name): value for name, value in fields.items() if isinstance(value, (str, int, float))}
    return {
        name: _one_line(value) if isinstance(value, str) else json.dumps(value)
        for name, value in plain.items()
        if name not in ("", "id", "_id", "text", _ID)
    }


def _one_line(text: str) -> str:
    return " ".join(_SURROGATE.sub("\ufffd", text).split())


def attributes_text(attributes: Attributes, queries: Sequence[QueryId]) -> str:
    """Write the attributes of these queries as CSV, a line each."""
    names = dict.fromkeys(name for query in queries for name in attributes.get(query, {}))
    columns = {name: [attributes.get(query, {}).get(name, "") for query in queries] for name in names}
    return format_csv({_ID: queries, **columns})


def read_attributes(path: Path) -> dict[QueryId, dict[str, str]]:
    """Read CSV with a header, whose first column holds the ids of queries; empty cells are missing.

    Raises DataError with file:line for a line of another length or with a cell that does not end on it, a
    name given twice and a query given twice.
    """
    attributes: dict[QueryId, dict[str, str]] = {}
    header: list[str] | None = None
    for number, line in read_lines(path):
        cells = read_cells(path, number, line)
        if header is None:
            header = [str(unguard(cell)) for cell in cells]
            if len(header) < 2 or not all(name.strip() for name in header[1:]):
                raise DataError(f"{path}:{number}: a header of at least two columns is needed: {_ID},NAME.")
            if len(set(header)) < len(header):
                raise DataError(f"{path}:{number}: two columns of the header have the same name.")
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            raise DataError(
                f"{path}:{number}: {counted(len(cells), 'column')} where the header has {len(header)}."
            )
        query, *values = (str(unguard(cell)) for cell in cells)
        if query in attributes:
            raise DataError(f"{path}:{number}: query '{query}' appears twice.")
        pairs = zip(header[1:], values, strict=True)
        attributes[query] = {name: value for name, value in pairs if value}
    return attributes
