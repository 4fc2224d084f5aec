"""Check bold and underline: a value marked as best or second must not be below an unmarked one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bench.lint.rules import Violation
from bench.lint.table import Column, Entry, Row, Table

Scored = list[tuple[Row, Entry]]
_REFERENCE = re.compile(
    r"oracle|human|upper[ -]bound|ground[ -]truth|transcript|reference|topline|[†‡§]\s*$", re.I
)
"""Rows that tables show beside the others and do not compare: references, and those with a footnote."""


def check_emphasis(table: Table) -> Iterator[Violation]:
    """Yield bold values below an unmarked one, and underlined values that are not the second best.

    A column of a group without marks is not checked. Where several blocks between rules have bold
    values each is compared by itself, else the whole group is. Where a metric spans several systems
    and each row, such as a data set, has its own best, values are compared along the row.
    """
    marked = [row for row in table.rows if not _all_bold(row)]
    for column in table.columns():
        if column.is_count:
            continue
        scored = [(row, row.entries[column]) for row in marked if column in row.entries]
        for scope in _scopes(scored):
            yield from _bold(scope, column)
            if column not in table.incomplete:
                yield from _underlined(scope, column)


def unchecked_bold(table: Table) -> list[str]:
    """Note each row that is bold from its label on: an emphasis, not a mark of the best."""
    return [
        f"{row.name}: the whole row is bold, not read as marks of the best"
        for row in table.rows
        if _all_bold(row)
    ]


def _all_bold(row: Row) -> bool:
    return row.label_bold and all(entry.bold for entry in row.entries.values())


def _scopes(scored: Scored) -> list[Scored]:
    """Divide values into the sets that compete for the best: columns of groups, or printed rows."""
    down = [scope for group in _divide(scored, [row.group for row, _ in scored]) for scope in _blocks(group)]
    along = [scope for scope in _divide(scored, [str(row.index) for row, _ in scored]) if len(scope) > 1]
    if not along or not _has_best_of_each(along):
        return down
    return along if not _has_best_of_each(down) or _beaten(along) < _beaten(down) else down


def _divide(scored: Scored, keys: Sequence[str]) -> list[Scored]:
    scopes: dict[str, Scored] = {}
    for key, pair in zip(keys, scored, strict=True):
        scopes.setdefault(key, []).append(pair)
    return list(scopes.values())


def _blocks(group: Scored) -> list[Scored]:
    blocks = _divide(group, [str(row.block) for row, _ in group])
    bold = [block for block in blocks if any(entry.bold for _, entry in block)]
    return bold if len(bold) > 1 else [group]


def _has_best_of_each(scopes: Sequence[Scored]) -> bool:
    return all(any(entry.bold for _, entry in scope) for scope in scopes)


def _beaten(scopes: Sequence[Scored]) -> int:
    return sum(len(list(_bold(scope, Column("R")))) for scope in scopes)


def _bold(scope: Scored, column: Column) -> Iterator[Violation]:
    best = _best([(row, e) for row, e in scope if not e.bold and not _REFERENCE.search(row.label[:200])])
    for row, entry in scope if best else ():
        if best and entry.bold and best[1].number.low > entry.number.high:
            yield _violation("bold", (row, entry), best, column)


def _underlined(scope: Scored, column: Column) -> Iterator[Violation]:
    unmarked = [pair for pair in scope if not pair[1].bold]
    if len(unmarked) == len(scope) and unmarked:
        unmarked.remove(max(unmarked, key=lambda pair: pair[1].number.value))  # the best has no mark
    plain = [(row, entry) for row, entry in unmarked if not entry.underline]
    best = _best([(row, entry) for row, entry in plain if not _REFERENCE.search(row.label[:200])])
    for row, entry in scope if best else ():
        if best and entry.underline and best[1].number.low > entry.number.high:
            yield _violation("underline", (row, entry), best, column)


def _best(scored: Scored) -> tuple[Row, Entry] | None:
    return max(scored, key=lambda pair: pair[1].number.value, default=None)


def _violation(mark: str, marked: tuple[Row, Entry], above: tuple[Row, Entry], column: Column) -> Violation:
    place = {"bold": "best", "underline": "second"}[mark]
    (row, entry), (winner, best) = marked, above
    return Violation(
        f"{row.name}, {column}",
        mark,
        {row.name: entry.number.text, winner.name: best.number.text},
        f"{column} {entry.number.text} is marked {place} ({mark}), but {winner.name} has "
        f"{best.number.text} unmarked",
    )
