"""What the audit checks: a table of numbers whose columns are recognised metrics or counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum

from bench.lint.readers.number import Printed

RANKING = ("R", "P", "Acc")
SPLITS = ("Train", "Val", "Test", "Total")


@dataclass(frozen=True, slots=True)
class Column:
    """The metric or count in a column: ``R@5`` is family ``R`` at cut-off ``k`` = 5; 0 is no cut-off."""

    family: str
    k: int = 0

    def __str__(self) -> str:
        return f"{self.family}@{self.k}" if self.family in RANKING else self._plain()

    def _plain(self) -> str:
        return f"{self.family}-{self.k}" if self.k else self.family

    @property
    def is_count(self) -> bool:
        """Whether the column counts things in a part of a data set."""
        return self.family in SPLITS


_K = r"(?P<k>[1-9]\d{0,5})(?P<kilo>k?)"
_J = r"(?P<j>[1-9]\d{0,5})"
_AT = rf"(?:[\s_]?@\s?(?:k\s?=\s?)?|_at_|\s+at\s+){_K}"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("R", rf"(?:r|rec|recall|召回率){_AT}|recall_{_J}"),
    ("P", rf"(?:p|prec|precision){_AT}|(?:p|precision)_{_J}"),
    (
        "Acc",
        rf"(?:acc|accuracy|s|success|hit|hits|hr|hitrate|hit[ _]rate|命中率){_AT}|success_{_J}"
        rf"|top[- ]?(?P<top>[1-9]\d{{0,5}}) acc(?:uracy|\.)?",
    ),
    ("BLEU", r"(?:b|bleu)\s?[-_@ ]?\s?(?P<k>[1-4])"),
    ("ROUGE-L", r"(?:r|rouge)\s?[-_ ]?\s?l"),
    ("CIDEr", r"c|cider"),
    ("Train", r"train(?:ing)?"),
    ("Val", r"val|valid|validation|dev|development"),
    ("Test", r"test(?:ing)?"),
    ("Total", r"total|sum|all|overall|total \(.{1,40}\)"),
)
_DECORATION = re.compile(
    r"[↑↓⬆⬇]|[(\[]\s?[↑↓%]+\s?[)\]]|(?<![\dk])%|,?\sin\s%|#(?=\s?(?:train|val|test)\b)|[$\\{}]|[*†‡§]+$", re.I
)
_COMPILED = tuple((family, re.compile(pattern, re.I)) for family, pattern in _PATTERNS)
_WEAK = re.compile(r"c|b\s?[1-4]", re.I)
MAX_NAME = 80
"""Characters of the longest text that is taken for the name of a column."""


def parse_column(name: str) -> Column | None:
    """Parse a header cell as a metric, or None for a name that is not known for certain.

    ``R1`` is not known: it may be recall at 1 or ROUGE-1. ``R@1%`` is recall at a hundredth of the
    collection.
    """
    if len(name) > MAX_NAME:
        return None
    plain = " ".join(_DECORATION.sub(" ", name).split())
    for family, pattern in _COMPILED:
        if match := pattern.fullmatch(plain):
            parts = match.groupdict()
            k = int(parts.get("k") or parts.get("j") or parts.get("top") or 0)
            return Column(family, 1000 * k if parts.get("kilo") else k)
    return None


def is_weak_name(name: str) -> bool:
    """Check whether a name means a metric only beside other metrics of texts: ``C``, ``B1``."""
    return bool(_WEAK.fullmatch(name.strip()))


def two_level_name(top: str, name: str) -> Column | None:
    """Join what two header levels name together, such as ``Recall`` over ``@5`` or ``5``."""
    for text in (f"{top}{name}", f"{top}@{name}", f"{top}@{name.replace('k=', '').strip()}"):
        if (column := parse_column(text)) and not column.is_count:
            return column
    return None


class Scale(Enum):
    """What 1 means in a table's ranking columns: all (fractions) or a hundredth (percent)."""

    FRACTION = 1
    PERCENT = 100
    UNKNOWN = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of a table with its marks."""

    number: Printed
    bold: bool = False
    underline: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of scores: ``group`` is the retriever or a heading, ``block`` counts the rules above it.

    ``n`` is the number of evaluated queries where the table states it, else None.
    """

    label: str
    entries: dict[Column, Entry]
    group: str = ""
    block: int = 0
    line: int = 0
    n: int | None = None
    label_bold: bool = False
    index: int = 0
    """Place of the printed row in its table, from 1; rows of several column groups share it."""

    @property
    def name(self) -> str:
        """Name the row in messages: ``BM25/QMS``."""
        return f"{self.group}/{self.label}" if self.group else self.label


@dataclass(frozen=True, slots=True)
class Table:
    """One results table; ``improvements`` are its rows of relative gains, apart from ``rows``."""

    name: str
    rows: tuple[Row, ...]
    improvements: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    scales: dict[str, Scale] = field(default_factory=dict)
    incomplete: frozenset[Column] = frozenset()
    """Columns with a cell that could not be read: which value is the best there is not known."""

    def groups(self) -> list[str]:
        """List the groups in the order of their first rows."""
        return list(dict.fromkeys(row.group for row in self.rows))

    def columns(self) -> list[Column]:
        """List every column that has a number, in the order of appearance."""
        return list(dict.fromkeys(column for row in self.rows for column in row.entries))

    def with_scales(self) -> Table:
        """Infer the scale of each ranking and text family from the numbers of the table."""
        scales, notes = infer_scales(self)
        return replace(self, scales=scales, notes=(*self.notes, *notes))


TEXT = ("BLEU", "ROUGE-L")


def infer_scales(table: Table) -> tuple[dict[str, Scale], list[str]]:
    """Infer the scale of each bounded family, with a note on how certain it is.

    Families of one kind (R, P, Acc; BLEU, ROUGE-L) share a scale. A family that alone stays below 1
    may be small percentages or fractions: unknown, and left out of every cross check.
    """
    scales: dict[str, Scale] = {}
    notes = []
    for kind, families in (("ranking", RANKING), ("text", TEXT)):
        kinds = {family: of_family for family in families if (of_family := _scale(table, family))}
        if not kinds:
            continue
        scale = Scale.PERCENT if Scale.PERCENT in kinds.values() else Scale.FRACTION
        scales |= {f: scale if of_family is scale else Scale.UNKNOWN for f, of_family in kinds.items()}
        meaning = "x100 (percent)" if scale is Scale.PERCENT else "fractions of 1"
        notes.append(f"scale of the {kind} columns: {meaning}")
        if scale is Scale.PERCENT and (few := _few_above_1(table, families)):
            notes.append(few)
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


def _few_above_1(table: Table, families: tuple[str, ...]) -> str | None:
    """Name the few values that make a table percent: misprints among fractions would look the same."""
    places = [(r, c, e.number) for r in table.rows for c, e in r.entries.items() if c.family in families]
    above = [place for place in places if place[2].low > 1]
    few = len(places) >= 4 and 0 < len(above) <= max(1, len(places) // 10)
    if not few or any(number.percent for _, _, number in places):
        return None
    row, column, number = above[0]
    return (
        f"{len(above)} of {len(places)} values above 1 (first {row.name}, {column}: {number.text}): "
        "an error if the others are fractions"
    )
