"""Check rows of relative improvement: recompute them from the printed scores, with their rounding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import permutations

from bench.lint.readers.number import Printed
from bench.lint.rules import Violation
from bench.lint.table import Column, Row, Table

MAX_ROWS = 200
"""Improvement rows that are checked in one table, and rows that each is compared with."""

Interval = tuple[Decimal, Decimal]
_AGAINST = re.compile(r"\b(?:over|vs\.?|against|to|w\.?r\.?t\.?)\s+(?P<name>.+)$", re.I)
_NOUN = (
    r"(?:improvements?|impro?v?\.|improv|gains?|uplift|lift|increase|changes?|difference|diff\.?|Δ|∆|delta)"
)
_PLAIN = frozenset(("delta", "gain", "gains", "increase", "lift", "change", "changes", "difference", "diff"))
"""Nouns that are names of systems, too."""
_NAMED = re.compile(rf"(?:\b|(?=[Δ∆])){_NOUN}(?:(?<=[.Δ∆])|\b)", re.I)
_PHRASE = re.compile(
    rf"(?:(?:relative|rel\.?|absolute|abs\.?|avg\.?|average|mean|our|total|%)\s+){{0,3}}{_NOUN}\.?\s?(?:%|pct\.?|percent)?"
    r"\s?(?:[(\[][^)\]]{0,60}[)\]])?\s?%?\s?(?:(?:over|vs\.?|against|to|w\.?r\.?t\.?|of)\s.{1,80})?",
    re.I,
)
_RELATIVE = re.compile(r"%|percent|pct|\brel(?:ative|\.)", re.I)


def split_improvements(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Divide the rows of a table into scores and improvements.

    A name alone does not make an improvement, as systems are called "Improved RAG" and "Delta network":
    the whole label must be the phrase. A row called "Delta" or "Gain" is a system unless it says percent
    or its numbers are differences of others. A row of signed numbers (``+3.1``) is one under any name.
    """
    candidates = [row for row in rows if _is_signed(row) or _NAMED.search(row.label[:200])]
    named = {id(row) for row in candidates}
    others = [row for row in rows if id(row) not in named][:MAX_ROWS] if candidates else []
    gains = [row for row in candidates if _is_improvement(row, others)]
    taken = {id(row) for row in gains}
    return [row for row in rows if id(row) not in taken], gains


def _is_improvement(row: Row, others: Sequence[Row]) -> bool:
    signed = _is_signed(row)
    if not _PHRASE.fullmatch(row.label.strip()):
        return signed
    plain_name = row.label.strip().casefold() in _PLAIN
    return signed or not plain_name or is_relative(row, others) or _is_difference(row, others)


def _is_signed(row: Row) -> bool:
    """Check whether a row's numbers bear signs as differences do: all but zeros, and a plus among them."""
    texts = [entry.number.text for entry in row.entries.values() if entry.number.value]
    return any(text[:1] == "+" for text in texts) and all(text[:1] in "+-−" for text in texts)


def _is_difference(gain: Row, rows: Sequence[Row]) -> bool:
    """Check whether every number of a row is the difference of the same two other rows."""
    pairs = permutations([row for row in rows if row.entries.keys() >= gain.entries.keys()][-20:], 2)
    return any(all(_differs(gain, a, b, column) for column in gain.entries) for a, b in pairs)


def _differs(gain: Row, better: Row, baseline: Row, column: Column) -> bool:
    a, b, printed = (row.entries[column].number for row in (better, baseline, gain))
    return a.low - b.high <= printed.high and printed.low <= a.high - b.low


def check_improvements(table: Table) -> Iterator[Violation]:
    """Recompute each improvement: the gain of the last row above it over the best other row of its group.

    Read also as that of the best row over the second best; wrong is what fits neither. Rows of the
    group below it are not part of it: our tables put reference rows there.
    """
    for gain in table.improvements[:MAX_ROWS]:
        rows = [row for row in table.rows if row.group == gain.group and not 0 < gain.index < row.index]
        rows = rows[-MAX_ROWS:]
        if not _NAMED.search(gain.label[:200]) or not is_relative(gain, rows):
            continue
        if not _says_relative(gain) and _is_difference(gain, rows):
            continue
        for column, entry in gain.entries.items():
            scored = [row for row in rows if column in row.entries]
            pairs = _readings(gain, scored, column) if column not in table.incomplete else []
            if pairs and not any(_fits(entry.number, pair, column) for pair in pairs):
                yield _violation(gain, column, pairs[0], scored)


def unchecked_improvements(table: Table) -> list[str]:
    """Note each improvement row that does not state whether it is relative."""
    return [
        f"{row.name}: not marked as percent, not checked"
        for row in table.improvements[:MAX_ROWS]
        if not _NAMED.search(row.label[:200]) or not is_relative(row, table.rows)
    ]


def _says_relative(gain: Row) -> bool:
    return bool(_RELATIVE.search(gain.label))


def is_relative(gain: Row, others: Sequence[Row]) -> bool:
    """Check whether a row of gains is marked as percent: by its label, or as only its numbers are."""
    if _says_relative(gain):
        return True
    scores = [entry.number.percent for row in others[:MAX_ROWS] for entry in row.entries.values()]
    return any(entry.number.percent for entry in gain.entries.values()) and 2 * sum(scores) < len(scores)


def _readings(gain: Row, rows: list[Row], column: Column) -> list[tuple[Row, Row]]:
    """List the (better, baseline) pairs an improvement may compare, the usual one first."""
    if len(rows) < 2:
        return []
    proposed, others = rows[-1], rows[:-1]
    ranked = sorted(rows, key=lambda row: row.entries[column].number.value, reverse=True)
    if named := _AGAINST.search(gain.label.replace("%", "").strip(" ().")):
        name = named["name"].strip().casefold()
        same = [row for row in rows if row.label.casefold() == name]
        same = same or [row for row in rows if row.label and row.label.casefold() in name]
        bases = same or others  # "over the baseline": any of them
        return [(better, base) for base in bases for better in (proposed, ranked[0]) if better is not base]
    best_other = max(others, key=lambda row: row.entries[column].number.value)
    return [(proposed, best_other), (ranked[0], ranked[1])]


def _interval(better: Printed, baseline: Printed) -> Interval | None:
    if baseline.low <= 0:
        return None
    return (better.low / baseline.high - 1) * 100, (better.high / baseline.low - 1) * 100


def _fits(printed: Printed, pair: tuple[Row, Row], column: Column) -> bool:
    interval = _interval(*(row.entries[column].number for row in pair))
    return interval is None or (printed.low <= interval[1] and printed.high >= interval[0])


def _violation(gain: Row, column: Column, pair: tuple[Row, Row], rows: list[Row]) -> Violation:
    printed = gain.entries[column].number
    better, baseline = (row.entries[column].number for row in pair)
    span = _interval(better, baseline)
    assert span is not None  # a pair without an interval fits everything
    recomputed = (better.value / baseline.value - 1) * 100
    fits = [row.label for row in rows if row is not pair[0] and _fits(printed, (pair[0], row), column)]
    hint = f"; the printed value is the gain over {' or '.join(fits[:5])}" if fits else ""
    return Violation(
        f"{gain.name}, {column}",
        "improvement",
        {
            "printed": printed.text,
            "recomputed": f"{recomputed:.2f}",
            "low": f"{span[0]:.2f}",
            "high": f"{span[1]:.2f}",
        },
        f"improvement printed {printed.text.removesuffix('%').strip()} %, recomputed {recomputed:.2f} % "
        f"({span[0]:.2f} to {span[1]:.2f}): "
        f"{pair[0].label} {better.text} over the strongest other row, {pair[1].label} {baseline.text}{hint}",
    )
