"""Tables in sections, each headed by its metric in place of a column's name, as Anserini prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench.lint.readers.cell import CellText
from bench.lint.readers.grid import Grid, GridRow
from bench.lint.readers.header import is_number, parse_name

_CORNER = (CellText("data set"), CellText("system"))


def flatten_sections(grid: Grid) -> Grid:
    """Give each metric a column where metrics are above the names of rows; leave other grids alone.

    ``R@100 | BM25 | DPR`` above rows named by data sets becomes a row for each data set and system.
    """
    heads = _find_heads(grid)
    if not heads:
        return grid
    systems = grid.rows[0].cells[1:]
    rows: dict[tuple[str, int, int], list[CellText]] = {}  # of a name, its repetition, a system
    lines: dict[tuple[str, int, int], int] = {}
    for section, (start, end) in enumerate(zip(heads, [*heads[1:], len(grid.rows)], strict=True)):
        times: Counter[str] = Counter()
        for row in grid.rows[start + 1 : end]:
            name = row.cells[0].text
            for j, cell in enumerate(row.cells[1:]):
                key = name, times[name], j
                empty = [CellText("")] * len(heads)
                rows.setdefault(key, [row.cells[0], systems[j], *empty])[2 + section] = cell
                lines.setdefault(key, row.line)
            times[name] += 1
    header = GridRow(grid.line, (*_CORNER, *(grid.rows[i].cells[0] for i in heads)))
    body = (GridRow(lines[key], tuple(cells)) for key, cells in rows.items())
    return replace(grid, rows=(header, *body), headings=False)


def _find_heads(grid: Grid) -> list[int]:
    """Find the rows that name a metric and the systems; none if no metric is known or a row has no name."""
    systems = grid.rows[0].texts()[1:]
    if not systems or not all(systems) or any(is_number(text) or parse_name(text) for text in systems):
        return []
    heads = [i for i, row in enumerate(grid.rows) if row.texts()[1:] == systems]
    names = [grid.rows[i].cells[0].text for i in heads]
    known = [name for name in names if (parsed := parse_name(name)) and not parsed[1].is_count]
    labels = [row.cells[0].text for i, row in enumerate(grid.rows) if i not in heads]
    return heads if known and labels and _are_labels(labels) and len(set(names)) == len(names) else []


def _are_labels(texts: Sequence[str]) -> bool:
    return all(text and not is_number(text) and not parse_name(text) for text in texts)
