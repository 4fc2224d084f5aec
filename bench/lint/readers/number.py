"""Read printed numbers: the text, and the interval of values that round to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from bench.lint.readers.cell import CellText

MACHINE_DECIMALS = 9
"""From this many decimals on, a number was written by a program: what is left is float error."""
FLOAT_SLACK = Decimal("1e-9")

MAX_LENGTH = 40
"""Characters of a number; a longer one is none that anybody prints."""
MAX_EXPONENT = 400
"""Of ten: beyond what a double can hold."""

MISSING = frozenset(
    (
        *("", "-", "--", "---", "–", "—", "−", "n/a", "na", "n.a.", "n.d.", "nan", "none", "/", "·", "-/-"),
        *("?", "*", "oom", "tbd", "tba", "...", "…", "×", "✗", "x"),
    )
)


class Style(Enum):
    """The decimal separator of a table."""

    POINT = "decimal point"
    COMMA = "decimal comma"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed number with its rounding interval ``[low, high]``, closed at both ends.

    Closed, because halves may have been rounded up or to even: a check that holds for some value of
    the interval raises no alarm.
    """

    text: str
    value: Decimal
    half: Decimal
    percent: bool = False
    spread: bool = False
    """Whether a spread stood beside it: it is a mean over runs, then."""

    @property
    def low(self) -> Decimal:
        """The smallest value that rounds to what was printed."""
        return self.value - self.half

    @property
    def high(self) -> Decimal:
        """The largest value that rounds to what was printed."""
        return self.value + self.half


class NumberError(ValueError):
    """A cell is not a number, or could be two different ones."""


_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_THOUSANDS = {
    Style.POINT: re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"),
    Style.COMMA: re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?"),
    Style.EITHER: re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+"),
}
_SPACED = re.compile(r"(?<=\d)[\u2009\u202f\u00a0](?=\d{3}(?!\d))")
_COMMA_FRACTION = re.compile(r"[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+|\d{1,3}(?:\.\d{3})+,\d+)")
_POINT_FRACTION = re.compile(r"[+-]?(?:\d*\.(?:\d{1,2}|\d{4,})|0?\.\d+|\d{4,}\.\d+|\d{1,3}(?:,\d{3})+\.\d+)")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
_SPREAD = re.compile(r"[_^]?\s*(?:±|\+/-|\+-).*$")


def bare(text: str) -> str:
    """Reduce a number to its digits: no spread after ±, no percent sign, an ASCII minus."""
    number = _SPREAD.sub("", text[: 3 * MAX_LENGTH].replace("−", "-")).strip()
    return _SPACED.sub("", number.removesuffix("%").strip())


def is_missing(text: str) -> bool:
    """Check whether a cell is a sign for a missing value."""
    return text.strip().lower() in MISSING


def style_of(texts: list[str]) -> Style:
    """Infer how the cells of one table write fractions.

    Raises NumberError when some cells can only have a decimal comma and others only a point.
    """
    bares = [bare(text) for text in texts]
    commas = [text for text in bares if _COMMA_FRACTION.fullmatch(text)]
    points = [text for text in bares if _POINT_FRACTION.fullmatch(text)]
    if commas and points:
        raise NumberError(f"decimal commas ('{commas[0]}') and points ('{points[0]}') in one table")
    return Style.COMMA if commas else Style.POINT if points else Style.EITHER


def read_number(cell: CellText, style: Style, *, count: bool = False) -> Printed:
    """Read a cell; ``count`` says that whole numbers, such as numbers of videos, are expected.

    Raises NumberError where the cell is no number or could be two different ones.
    """
    if len(cell.text) > 3 * MAX_LENGTH:
        raise NumberError(f"'{cell.text[:MAX_LENGTH]}…' is not a number")
    text = bare(cell.text)
    digits = _digits(text, style, count)
    if not _PLAIN.fullmatch(digits):
        raise NumberError(f"'{cell.text}' is not a number")
    value = Decimal(digits)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if len(digits) > MAX_LENGTH or max(abs(exponent), abs(value.adjusted())) > MAX_EXPONENT:
        raise NumberError(f"'{cell.text}' is too large or too small for a score")
    half = Decimal(5).scaleb(exponent - 1)
    if -exponent >= MACHINE_DECIMALS:
        half = FLOAT_SLACK
    if count and exponent >= 0:
        half = Decimal(0)
    return Printed(cell.text, value, half, "%" in cell.text, bool(_SPREAD.search(cell.text)))


def _digits(text: str, style: Style, count: bool) -> str:
    if count and _POINTED.fullmatch(text):
        raise NumberError(
            f"'{text}' may be a thousand or a fraction: a count is whole. Write it without the point"
        )
    if _EITHER.fullmatch(text) and style is not Style.POINT and not count:
        raise NumberError(f"'{text}' may be a thousand or a decimal comma; the table does not show which")
    if style is Style.COMMA and _PLAIN.fullmatch(text) and "." in text:
        raise NumberError(f"'{text}' has a point in a table of decimal commas: thousand or fraction?")
    if _THOUSANDS[style].fullmatch(text):
        text = text.replace("." if style is Style.COMMA else ",", "")
    return text.replace(",", ".") if style is Style.COMMA else text
