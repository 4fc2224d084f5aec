"""The arithmetic that every results table must satisfy, one function for each rule.

Every comparison is between rounding intervals: a rule is broken only where no values that round to
what is printed can keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from bench.lint.readers.number import Printed
from bench.lint.table import RANKING, TEXT, Column, Row, Scale, Table


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: the cell, the rule, the figures compared, and a sentence for the user."""

    cell: str
    rule: str
    figures: dict[str, str] = field(hash=False)
    message: str


_UNLESS = " (unless the denominator depends on k)"


def _place(row: Row, column: Column) -> str:
    return f"{row.name}, {column}"


def _series(table: Table, row: Row, family: str) -> list[tuple[int, Printed]]:
    """Collect the values of one family by k; none where the table's scale for it is unknown."""
    if table.scales.get(family) is Scale.UNKNOWN:
        return []
    values = [(c.k, e.number) for c, e in row.entries.items() if c.family == family]
    return sorted(values, key=lambda pair: pair[0])


def _accuracy(table: Table, row: Row) -> dict[int, Printed]:
    """Collect Acc by k, with P@1 in place of an Acc@1 that is not printed: they are one number."""
    ones = [pair for pair in _series(table, row, "P") if pair[0] == 1]
    return dict([*ones, *_series(table, row, "Acc")])


def check_monotonicity(table: Table) -> Iterator[Violation]:
    """Yield falls: recall and Acc never fall as k grows: the top 10 holds the top 5."""
    for row in table.rows:
        curves = (("R", _series(table, row, "R")), ("Acc", sorted(_accuracy(table, row).items())))
        for family, curve in curves:
            for (k, before), (more, after) in pairwise(curve):
                if after.high < before.low:
                    first = Column(
                        "P" if family == "Acc" and Column("Acc", k) not in row.entries else family, k
                    )
                    yield Violation(
                        _place(row, Column(family, more)),
                        "never-falls",
                        {str(first): before.text, f"{family}@{more}": after.text},
                        f"{family}@{more} {after.text} < {first} {before.text}: "
                        f"{family}@{more} cannot be below {first}{_UNLESS if family == 'R' else ''}",
                    )


def check_accuracy_at_1(table: Table) -> Iterator[Violation]:
    """Acc@1 = P@1: with one document, a hit is a precision of 1."""
    for row in table.rows:
        accuracy = dict(_series(table, row, "Acc")).get(1)
        precision = dict(_series(table, row, "P")).get(1)
        if accuracy and precision and (accuracy.high < precision.low or precision.high < accuracy.low):
            yield Violation(
                _place(row, Column("Acc", 1)),
                "acc1-is-p1",
                {"Acc@1": accuracy.text, "P@1": precision.text},
                f"Acc@1 {accuracy.text} differs from P@1 {precision.text}: they are equal by definition",
            )


def check_accuracy_against_hits(table: Table) -> Iterator[Violation]:
    """P@k <= Acc@k <= k P@k: a query that succeeds has between 1 and k hits."""
    for row in table.rows:
        precision = dict(_series(table, row, "P"))
        for k, accuracy in _series(table, row, "Acc"):
            if k > 1 and k in precision:
                yield from _fits_hits(row, k, accuracy, precision[k])


def _fits_hits(row: Row, k: int, accuracy: Printed, precision: Printed) -> Iterator[Violation]:
    hits, figures = k * precision.value, {f"Acc@{k}": accuracy.text, f"P@{k}": precision.text}
    if accuracy.low > k * precision.high:
        yield Violation(
            _place(row, Column("Acc", k)),
            "acc-within-hits",
            figures | {f"{k}*P@{k}": f"{hits}"},
            f"Acc@{k} {accuracy.text} > {k} x P@{k} = {hits} (at most {k * precision.high}): queries with a "
            "hit cannot outnumber the hits",
        )
    if accuracy.high < precision.low:
        yield Violation(
            _place(row, Column("Acc", k)),
            "precision-within-acc",
            figures,
            f"Acc@{k} {accuracy.text} < P@{k} {precision.text}: precision is 0 for a query without a hit",
        )


def check_hits(table: Table) -> Iterator[Violation]:
    """K times P@k, the mean number of hits, never falls as k grows."""
    for row in table.rows:
        for (k, before), (more, after) in pairwise(_series(table, row, "P")):
            if more * after.high < k * before.low:
                yield Violation(
                    _place(row, Column("P", more)),
                    "hits-never-fall",
                    {f"P@{k}": before.text, f"P@{more}": after.text},
                    f"{more} x P@{more} = {more * after.value} < {k} x P@{k} = {k * before.value}: "
                    f"the top {more} cannot hold fewer hits than the top {k} (P@k divides by k)",
                )


def check_recall_against_accuracy(table: Table) -> Iterator[Violation]:
    """R@k <= Acc@k: a query's recall is at most 1, and 0 where nothing relevant was retrieved."""
    for row in table.rows:
        recall = dict(_series(table, row, "R"))
        for k, accuracy in _accuracy(table, row).items():
            if k in recall and recall[k].low > accuracy.high:
                first = Column("Acc", k) if Column("Acc", k) in row.entries else Column("P", k)
                yield Violation(
                    _place(row, Column("R", k)),
                    "recall-within-acc",
                    {f"R@{k}": recall[k].text, str(first): accuracy.text},
                    f"R@{k} {recall[k].text} > {first} {accuracy.text}: recall is at most 1 for a query "
                    "with a hit and 0 without",
                )


def check_recall_against_hits(table: Table) -> Iterator[Violation]:
    """R@k <= k P@k: a query finds at most as large a share of its relevant documents as it has hits.

    Where Acc@k is printed, R@k <= Acc@k <= k P@k are checked in place of it.
    """
    for row in table.rows:
        precision = dict(_series(table, row, "P"))
        for k, recall in _series(table, row, "R"):
            if k == 1 or k not in precision or Column("Acc", k) in row.entries:
                continue
            hits = k * precision[k].value
            if recall.low > k * precision[k].high:
                yield Violation(
                    _place(row, Column("R", k)),
                    "recall-within-hits",
                    {f"R@{k}": recall.text, f"P@{k}": precision[k].text, f"{k}*P@{k}": f"{hits}"},
                    f"R@{k} {recall.text} > {k} x P@{k} = {hits} (at most {k * precision[k].high}): each hit "
                    "adds at most 1 to a query's recall",
                )


_HIGHEST_CIDER = Decimal(1000)
"""CIDEr is at most 10; tables print it x100."""


def check_bounds(table: Table) -> Iterator[Violation]:
    """Keep means of values between 0 and 1 within 0 and 1 (100 %), CIDEr below 10 (1000), counts above 0."""
    for row in table.rows:
        for column, entry in row.entries.items():
            top = _upper_bound(table, column)
            if entry.number.high < 0 or (top is not None and entry.number.low > top):
                span = "0 or more" if top is None else f"0 to {top}"
                yield Violation(
                    _place(row, column),
                    "bounds",
                    {str(column): entry.number.text, "bounds": span},
                    f"{column} {entry.number.text} lies outside {span}",
                )


def _upper_bound(table: Table, column: Column) -> Decimal | None:
    if column.family == "CIDEr":
        return _HIGHEST_CIDER
    if column.family not in (*RANKING, *TEXT):
        return None
    scale = table.scales.get(column.family, Scale.PERCENT)
    return Decimal(100 if scale is Scale.UNKNOWN else scale.value)


def check_totals(table: Table) -> Iterator[Violation]:
    """Parts of a data set add up: a total above their sum counts things that are in no part.

    A smaller total is possible where parts share items (the same query in two parts), but it is never
    below the largest part.
    """
    for row in table.rows:
        parts = {c.family: e.number for c, e in row.entries.items() if c.is_count and c.family != "Total"}
        total = row.entries.get(Column("Total"))
        if total is None or len(parts) < 2 or any(n.half for n in (total.number, *parts.values())):
            continue
        added, largest = sum(n.value for n in parts.values()), max(n.value for n in parts.values())
        if largest <= total.number.value <= added:
            continue
        side = (
            f"exceeds their sum by {total.number.value - added:,}"
            if total.number.value > added
            else "is below the largest part"
        )
        yield Violation(
            _place(row, Column("Total")),
            "sums",
            {**{name: n.text for name, n in parts.items()}, "sum": f"{added:,}", "Total": total.number.text},
            f"the parts {' + '.join(n.text for n in parts.values())} = {added:,}; the total "
            f"{total.number.text} {side}",
        )
