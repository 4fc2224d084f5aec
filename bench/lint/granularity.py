"""Which numbers of queries can have produced the printed means (the GRIM test).

P@1 and Acc@k are shares of n queries: multiples of 1/n. P@k is a multiple of 1/(k n). Source of the
idea: Brown and Heathers, "The GRIM Test", 2017.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from bench.lint.readers.number import Printed
from bench.lint.rules import Violation
from bench.lint.table import Column, Row, Scale, Table

_AVERAGE = re.compile(r"(?:(?:macro|micro|overall|row)[- ])?(?:average|avg|mean)", re.I)
"""Labels of rows that average other rows, whose steps are finer than those of a mean over queries."""

MAX_DECIMALS = 5
"""Beyond this precision (of the fraction) the smallest n is not searched: no table prints so many digits."""

MAX_CHANCE = 1e-3
"""Above this chance a smallest n says nothing, and no note is made of it."""


def steps(column: Column) -> int:
    """Count the steps of the column that make up one query: 1 for Acc@k and P@1, k for P@k, 0 for none."""
    return {"Acc": 1, "P": column.k}.get(column.family, 0)


def can_be_mean(number: Printed, scale: int, n: int) -> bool:
    """Check whether some m/n, times ``scale``, rounds to the printed number."""
    low, high = Fraction(number.low) / scale * n, Fraction(number.high) / scale * n
    return high >= 0 and high.__floor__() >= low.__ceil__()


def _numbers(table: Table) -> Iterator[tuple[Row, Column, Printed, int]]:
    for row in table.rows:
        if _AVERAGE.fullmatch(row.label.strip(" .:*")):
            continue
        for column, entry in row.entries.items():
            scale = table.scales.get(column.family, Scale.UNKNOWN).value
            if scale and steps(column) and not entry.number.spread:  # a mean over runs has other steps
                yield row, column, entry.number, scale


def check_granularity(table: Table, stated: int | None = None) -> Iterator[Violation]:
    """Yield means that no whole number of hits over the stated number of queries can give."""
    for row, column, number, scale in _numbers(table):
        n = row.n or stated
        if n and not can_be_mean(number, scale, n * steps(column)):
            yield Violation(
                f"{row.name}, {column}",
                "granularity",
                {str(column): number.text, "n": f"{n:,}"},
                f"{column} {number.text} is no mean over n = {n:,} queries: its steps are "
                f"{scale}/{n * steps(column):,}",
            )


def smallest_n(table: Table) -> tuple[int, int, float] | None:
    """Find the smallest n that can have produced every P@1 and Acc@k, their number, and a chance.

    The chance is that as many values of a much larger n would all fit. None where nothing follows: no
    such column, machine precision, or steps no wider than the printed digits.
    """
    numbers = [(p, s) for _, c, p, s in _numbers(table) if steps(c) == 1 and p.half > 0]
    if not numbers or any(p.half / s < Decimal(5).scaleb(-MAX_DECIMALS - 1) for p, s in numbers):
        return None
    enough = max(int(Fraction(s) / (2 * Fraction(p.half))) for p, s in numbers)
    hardest = sorted(set(numbers), key=lambda pair: pair[0].half)
    n = next((n for n in range(1, enough) if all(can_be_mean(p, s, n) for p, s in hardest)), None)
    if n is None:
        return None
    chance = 1.0
    for p, s in numbers:
        chance *= min(1.0, n * float(2 * p.half / s))
    return n, len(numbers), chance


def granularity_note(table: Table) -> str | None:
    """Note what the printed digits imply about the number of queries, or None."""
    smallest = smallest_n(table)
    if smallest is None or smallest[2] > MAX_CHANCE:
        return None
    n, count, chance = smallest
    return (
        f"smallest number of queries that gives all {count} values of P@1 and Acc@k: {n:,} "
        f"(values of a much larger n would all fit with a chance of about {chance:.1g})"
    )
