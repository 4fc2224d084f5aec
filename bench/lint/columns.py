"""What a column holds: metric names recognised as people spell them."""

from __future__ import annotations

import re
from dataclasses import dataclass

RANKING = ("R", "P", "Acc")
SPLITS = ("Train", "Val", "Test", "Total")


@dataclass(frozen=True, slots=True)
class Column:
    """Name a column: ``R@5`` is family ``R`` at cut-off ``k`` = 5; ``k`` is 0 where there is none."""

    family: str
    k: int = 0

    def __str__(self) -> str:
        return f"{self.family}@{self.k}" if self.family in RANKING else self._plain()

    def _plain(self) -> str:
        return f"{self.family}-{self.k}" if self.k else self.family

    @property
    def is_count(self) -> bool:
        """Return whether the column counts things in a part of a data set."""
        return self.family in SPLITS


_AT = r"\s*@\s*"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("R", rf"(?:r|rec|recall){_AT}(?P<k>\d+)"),
    ("P", rf"(?:p|prec|precision){_AT}(?P<k>\d+)"),
    ("Acc", rf"(?:acc|accuracy|s|success|hit|hits|hr|hitrate|hit rate){_AT}(?P<k>\d+)"),
    ("BLEU", r"(?:b|bleu)\s*[-_@ ]?\s*(?P<k>[1-4])"),
    ("ROUGE-L", r"(?:r|rouge)\s*[-_ ]?\s*l"),
    ("CIDEr", r"c|cider"),
    ("Train", r"train(?:ing)?"),
    ("Val", r"val|valid|validation|dev|development"),
    ("Test", r"test(?:ing)?"),
    ("Total", r"total|sum|all|overall|total \(.*\)"),
)
_TRIMMINGS = re.compile(r"[↑↓]|\(\s*[↑↓%]+\s*\)|%|#(?=\s*(?:train|val|test)\b)|[$\\{}]", re.I)
_COMPILED = tuple((family, re.compile(pattern, re.I)) for family, pattern in _PATTERNS)


def column(name: str) -> Column | None:
    """Return what a header cell names, or None for a name that is not known for certain.

    ``R1`` is not known: it may be recall at 1 or ROUGE-1.
    """
    plain = " ".join(_TRIMMINGS.sub(" ", name).split())
    for family, pattern in _COMPILED:
        if found := pattern.fullmatch(plain):
            return Column(family, int(found.groupdict().get("k") or 0))
    return None


def joined(top: str, name: str) -> Column | None:
    """Return what two header levels name together, such as ``Recall`` over ``@5`` or ``5``."""
    for text in (f"{top}{name}", f"{top}@{name}", f"{top}@{name.replace('k=', '').strip()}"):
        if (found := column(text)) and not found.is_count:
            return found
    return None
