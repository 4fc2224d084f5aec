"""Check bold and underline: a value marked as best or second must not be below an unmarked one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.lint.rules import Violation
from bench.lint.table import Column, Entry, Row, Table

Scored = list[tuple[Row, Entry]]
_REFERENCE = re.compile(r"oracle|human|upper[ -]bound|ground[ -]truth|transcript|reference|topline", re.I)
"""Rows that tables show for comparison and leave out of the comparison."""


def check_emphasis(table: Table) -> Iterator[Violation]:
    """Yield bold values below an unmarked one, and underlined values that are not the second best.

    A column of a group without marks is not checked. Where several blocks between rules have bold
    values each is compared by itself, else the whole group is.
    """
    for group in table.groups():
        rows = [row for row in table.rows if row.group == group and not _all_bold(row)]
        for column in table.columns():
            scored = [(row, row.entries[column]) for row in rows if column in row.entries]
            for scope in _scopes([pair for pair in scored if not column.is_count]):
                yield from _bold(scope, column)
                yield from _underlined(scope, column)


def unchecked_bold(table: Table) -> list[str]:
    """Return a note for each row that is bold from its label on: an emphasis, not a mark of the best."""
    return [
        f"{row.name}: the whole row is bold, not read as marks of the best"
        for row in table.rows
        if _all_bold(row)
    ]


def _all_bold(row: Row) -> bool:
    return row.label_bold and all(entry.bold for entry in row.entries.values())


def _scopes(scored: Scored) -> list[Scored]:
    blocks: dict[int, Scored] = {}
    for row, entry in scored:
        blocks.setdefault(row.block, []).append((row, entry))
    bold = [block for block in blocks.values() if any(entry.bold for _, entry in block)]
    return bold if len(bold) > 1 else [scored]


def _bold(scope: Scored, column: Column) -> Iterator[Violation]:
    plain = [(row, entry) for row, entry in scope if not entry.bold and not _REFERENCE.search(row.label)]
    for row, entry in scope:
        if entry.bold and (above := _best(plain)) and above[1].number.low > entry.number.high:
            yield _violation("bold", "best", row, column, (entry, *above))


def _underlined(scope: Scored, column: Column) -> Iterator[Violation]:
    unmarked = [(row, entry) for row, entry in scope if not entry.bold]
    if len(unmarked) == len(scope) and unmarked:
        unmarked.remove(
            max(unmarked, key=lambda pair: pair[1].number.value)
        )  # no bold: the best goes without
    plain = [
        (row, entry) for row, entry in unmarked if not entry.underline and not _REFERENCE.search(row.label)
    ]
    for row, entry in scope:
        if entry.underline and (above := _best(plain)) and above[1].number.low > entry.number.high:
            yield _violation("underline", "second", row, column, (entry, *above))


def _best(scored: Scored) -> tuple[Row, Entry] | None:
    return max(scored, key=lambda pair: pair[1].number.value, default=None)


def _violation(mark: str, place: str, row: Row, column: Column, found: tuple[Entry, Row, Entry]) -> Violation:
    entry, winner, above = found
    return Violation(
        f"{row.name}, {column}",
        mark,
        {row.label: entry.number.text, winner.label: above.number.text},
        f"{column} {entry.number.text} is marked {place} ({mark}), but {winner.name} has "
        f"{above.number.text} unmarked",
    )
