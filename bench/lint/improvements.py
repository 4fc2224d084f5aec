"""Check rows of relative improvement: recompute them from the printed scores, with their rounding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from bench.lint.readers.number import Printed
from bench.lint.rules import Violation
from bench.lint.table import Column, Row, Table

Interval = tuple[Decimal, Decimal]
_AGAINST = re.compile(r"\b(?:over|vs\.?|against|to|w\.?r\.?t\.?)\s+(?P<name>.+)$", re.I)


def check_improvements(table: Table) -> Iterator[Violation]:
    """Recompute each improvement: the gain of the last row above it over the best other row of its group.

    Read also as that of the best row over the second best; wrong is what fits neither. Rows of the
    group that stand below it are not part of it: our tables put reference rows there.
    """
    for gain in table.improvements:
        rows = [row for row in table.rows if row.group == gain.group and not 0 < gain.line < row.line]
        for column, entry in gain.entries.items() if is_relative(gain) else ():
            scored = [row for row in rows if column in row.entries]
            pairs = _readings(gain, scored, column)
            if pairs and not any(_fits(entry.number, pair, column) for pair in pairs):
                yield _violation(gain, column, entry.number, pairs[0], scored)


def unchecked_improvements(table: Table) -> list[str]:
    """Return a note for each improvement row that does not say whether it is relative."""
    return [
        f"{row.name}: not said to be in percent, not checked"
        for row in table.improvements
        if not is_relative(row)
    ]


def is_relative(gain: Row) -> bool:
    """Return whether a row of gains says that it is in percent."""
    return (
        "%" in gain.label
        or "relative" in gain.label.lower()
        or any(e.number.percent for e in gain.entries.values())
    )


def _readings(gain: Row, rows: list[Row], column: Column) -> list[tuple[Row, Row]]:
    """Return the (better, baseline) pairs an improvement may compare, the usual one first."""
    if len(rows) < 2:
        return []
    proposed, others = rows[-1], rows[:-1]
    if named := _AGAINST.search(gain.label.replace("%", "").strip(" ().")):
        others = [row for row in others if row.label.casefold() == named["name"].strip().casefold()] or others
    ranked = sorted(rows, key=lambda row: row.entries[column].number.value, reverse=True)
    return [(proposed, max(others, key=lambda row: row.entries[column].number.value)), (ranked[0], ranked[1])]


def _interval(better: Printed, baseline: Printed) -> Interval | None:
    if baseline.low <= 0:
        return None
    return (better.low / baseline.high - 1) * 100, (better.high / baseline.low - 1) * 100


def _fits(printed: Printed, pair: tuple[Row, Row], column: Column) -> bool:
    interval = _interval(*(row.entries[column].number for row in pair))
    return interval is None or (printed.low <= interval[1] and printed.high >= interval[0])


def _violation(
    gain: Row, column: Column, printed: Printed, pair: tuple[Row, Row], rows: list[Row]
) -> Violation:
    better, baseline = (row.entries[column].number for row in pair)
    span = _interval(better, baseline)
    assert span is not None  # a pair without an interval fits everything
    recomputed = (better.value / baseline.value - 1) * 100
    fits = [row.label for row in rows if row is not pair[0] and _fits(printed, (pair[0], row), column)]
    hint = f"; the printed value is the gain over {' or '.join(fits)}" if fits else ""
    return Violation(
        f"{gain.name}, {column}",
        "improvement",
        {
            "printed": printed.text,
            "recomputed": f"{recomputed:.2f}",
            "low": f"{span[0]:.2f}",
            "high": f"{span[1]:.2f}",
        },
        f"improvement printed {printed.text} %, recomputed {recomputed:.2f} % "
        f"({span[0]:.2f} to {span[1]:.2f}): "
        f"{pair[0].label} {better.text} over the strongest other row, {pair[1].label} {baseline.text}{hint}",
    )
