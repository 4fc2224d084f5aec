"""The nouns of the audit: a table of numbers whose columns are known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from bench.lint.columns import RANKING, Column
from bench.lint.readers.number import Printed


class Scale(Enum):
    """Say what 1 means in a table's ranking columns: all (fractions) or a hundredth (percent)."""

    FRACTION = 1
    PERCENT = 100
    UNKNOWN = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one number of a table with its marks."""

    number: Printed
    bold: bool = False
    underline: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one row: ``group`` is the retriever (or a heading), ``block`` counts rules drawn between rows.

    ``n`` is the number of evaluated queries where the table says it, else None.
    """

    label: str
    entries: dict[Column, Entry]
    group: str = ""
    block: int = 0
    line: int = 0
    n: int | None = None
    label_bold: bool = False

    @property
    def name(self) -> str:
        """Return what a person calls the row: ``BM25/QMS``."""
        return f"{self.group}/{self.label}" if self.group else self.label


@dataclass(frozen=True, slots=True)
class Table:
    """Hold one table; ``improvements`` are its rows of relative gains, apart from ``rows``."""

    name: str
    rows: tuple[Row, ...]
    improvements: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    scales: dict[str, Scale] = field(default_factory=dict)

    def groups(self) -> list[str]:
        """Return the groups in the order of their first rows."""
        return list(dict.fromkeys(row.group for row in self.rows))

    def columns(self) -> list[Column]:
        """Return every column that has a number, in the order met."""
        return list(dict.fromkeys(column for row in self.rows for column in row.entries))

    def with_scales(self) -> Table:
        """Return the table with the scale of each ranking and text family told from its numbers."""
        scales, notes = tell_scales(self)
        return replace(self, scales=scales, notes=(*self.notes, *notes))


TEXT = ("BLEU", "ROUGE-L")


def tell_scales(table: Table) -> tuple[dict[str, Scale], list[str]]:
    """Return the scale of each bounded family and what to say about it.

    Families of one kind (R, P, Acc; BLEU, ROUGE-L) share a scale. A family that alone stays below 1
    may be small percentages or fractions: unknown, and left out of every cross check.
    """
    scales: dict[str, Scale] = {}
    notes = []
    for kind, families in (("ranking", RANKING), ("text", TEXT)):
        kinds = {family: scale for family in families if (scale := _scale(table, family))}
        if not kinds:
            continue
        whole = Scale.PERCENT if Scale.PERCENT in kinds.values() else Scale.FRACTION
        scales |= {f: whole if scale is whole else Scale.UNKNOWN for f, scale in kinds.items()}
        meaning = "x100 (percent)" if whole is Scale.PERCENT else "fractions of 1"
        notes.append(f"scale of the {kind} columns: {meaning}")
        if odd := [family for family in kinds if scales[family] is Scale.UNKNOWN]:
            notes.append(
                f"{', '.join(odd)}: all values at most 1 beside percentages; left out of cross checks"
            )
    return scales, notes


def _scale(table: Table, family: str) -> Scale | None:
    numbers = [e.number for row in table.rows for c, e in row.entries.items() if c.family == family]
    if not numbers:
        return None
    percent = any(n.percent for n in numbers) or max(n.low for n in numbers) > 1
    return Scale.PERCENT if percent else Scale.FRACTION
