"""Read the tabulars of a LaTeX file: booktabs, multirow, multicolumn, comments, maths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bench.errors import DataError
from bench.lint.readers.cell import CellText
from bench.lint.readers.grid import Grid, GridRow, check_widths
from bench.lint.readers.latex_cell import UnknownMacroError, braced, mask, strip_latex

_ENVIRONMENTS = r"(?:tabular\*?|tabularx|tabulary|longtable|tblr)"
_BEGIN = re.compile(rf"\\begin\{{(?P<name>{_ENVIRONMENTS})\}}")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_RULE = re.compile(r"\\(?:top|mid|bottom)rule\b(?:\[[^\]]*\])?|\\hline\b|\\specialrule(?:\{[^}]*\}){3}")
_OTHER = re.compile(
    r"\\(?:cmidrule|cline|hhline)(?:\([^)]*\))?(?:\[[^\]]*\])?(?:\([^)]*\))?\{[^}]*\}"
    r"|\\addlinespace(?:\[[^\]]*\])?|\\rowcolor(?:\[[^\]]*\])?\{[^}]*\}|\\(?:centering|noalign\{[^}]*\})"
    r"|\\(?:endhead|endfirsthead|endfoot|endlastfoot)\b"
)
_MULTIROW = re.compile(r"\\multirow\s*(?:\[[^\]]*\])?\s*")
_MULTICOLUMN = re.compile(r"\\multicolumn\s*")


@dataclass(frozen=True, slots=True)
class _Place:
    """Say where in the file a piece of text stands, for messages."""

    file: str
    line: int

    def error(self, what: str) -> DataError:
        return DataError(f"{self.file}:{self.line}: {what}")


def parse_grids(text: str, file: str) -> list[Grid]:
    """Return every tabular of a LaTeX file, in order.

    Raises DataError, with file and line, for a row of another width, a number behind an unknown macro,
    a multirow that hangs from its last row, a tabular that never ends.
    """
    plain = "\n".join(_COMMENT.sub(r"\1", line) for line in text.splitlines())
    found = []
    for begin in _BEGIN.finditer(plain):
        name = begin["name"]
        place = _Place(file, plain.count("\n", 0, begin.start()) + 1)
        end = plain.find(f"\\end{{{name}}}", begin.end())
        if end < 0:
            raise place.error(f"\\begin{{{name}}} has no \\end{{{name}}}.")
        if _BEGIN.search(plain, begin.end(), end):
            raise place.error("a tabular inside a tabular is not read. Use \\makecell for broken lines.")
        start = _after_arguments(plain, begin.end(), 1 + (name in ("tabular*", "tabularx", "tabulary")))
        rows = _rows(plain[start:end], _Place(file, plain.count("\n", 0, start) + 1))
        if rows:
            found.append(check_widths(Grid(f"table at line {place.line}", file, tuple(rows))))
    return found


def _after_arguments(text: str, at: int, count: int) -> int:
    for _ in range(count):
        while (found := re.compile(r"\s*\[[^\]]*\]").match(text, at)) is not None:
            at = found.end()
        opened = re.compile(r"\s*(?=\{)").match(text, at)
        if opened:
            _, at = braced(text, opened.end())
    return at


def _rows(body: str, start: _Place) -> list[GridRow]:
    """Split at double backslashes and ``&`` outside braces; a rule before a row is kept as ``ruled``."""
    pending: dict[int, tuple[int, str]] = {}  # column -> (rows still to fill, text), from \multirow
    rows: list[GridRow] = []
    ruled = False
    for at, piece in _pieces(body, r"\\\\\*?(?:\s*\[[^\]]*\])?|\\tabularnewline"):
        ruled |= bool(_RULE.search(piece))
        content = _OTHER.sub(_blank, _RULE.sub(_blank, piece))
        if not content.strip():
            continue
        lead = len(content) - len(content.lstrip())
        place = _Place(start.file, start.line + body.count("\n", 0, at + lead))
        rows.append(GridRow(place.line, tuple(_cells(content, pending, place)), ruled))
        ruled = False
    return _headings(rows)


def _blank(found: re.Match[str]) -> str:
    """Return as many blanks, with the line ends, so that lines still count."""
    return re.sub(r"[^\n]", " ", found[0])


def _pieces(text: str, separator: str) -> Iterator[tuple[int, str]]:
    masked, at = mask(text), 0
    for found in re.finditer(separator, masked):
        yield at, text[at : found.start()]
        at = found.end()
    yield at, text[at:]


def _cells(content: str, pending: dict[int, tuple[int, str]], place: _Place) -> Iterator[CellText]:
    j = 0
    for _, raw in _pieces(content, r"(?<!\\)&"):
        span, inner = _span(raw.strip(), place)
        rows, inner = _multirow(inner, place)
        if rows > 1:
            pending[j] = (rows - 1, inner)
        elif not inner and pending.get(j, (0, ""))[0]:
            left, inner = pending[j]
            pending[j] = (left - 1, inner)
        try:
            yield strip_latex(inner)
        except UnknownMacroError as error:
            raise place.error(
                f"{error} in '{raw.strip()}': it may change the number. Write the number itself, or define "
                "the mark with \\textbf or \\underline."
            ) from None
        yield from (CellText("", spanned=True) for _ in range(span - 1))
        j += span


def _span(raw: str, place: _Place) -> tuple[int, str]:
    found = _MULTICOLUMN.match(raw)
    if not found:
        return 1, raw
    width, at = braced(raw, found.end())
    _, at = braced(raw, at)
    inner, _ = braced(raw, at)
    if not width.strip().isdigit() or int(width) < 1:
        raise place.error(f"\\multicolumn over '{width}' columns.")
    return int(width), inner.strip()


def _multirow(raw: str, place: _Place) -> tuple[int, str]:
    found = _MULTIROW.match(raw)
    if not found:
        return 1, raw
    height, at = braced(raw, found.end())
    at = (re.compile(r"\s*\[[^\]]*\]").match(raw, at) or re.compile("").match(raw, at)).end()  # type: ignore[union-attr]
    if raw[at : at + 1] == "{":
        _, at = braced(raw, at)
    elif raw[at : at + 1] == "*":
        at += 1
    at = (re.compile(r"\s*(?:\[[^\]]*\])?\s*").match(raw, at)).end()  # type: ignore[union-attr]
    inner, _ = braced(raw, at)
    if not height.strip().isdigit():
        raise place.error(
            f"\\multirow over '{height}' rows: only a multirow that starts at its first row is read."
        )
    return int(height), inner.strip()


def _headings(rows: list[GridRow]) -> list[GridRow]:
    """Widen a row of one cell to the table: LaTeX lets a heading leave out its empty cells."""
    width = max((len(row.cells) for row in rows), default=0)
    return [
        GridRow(row.line, row.cells + (CellText(""),) * (width - 1), row.ruled)
        if len(row.cells) == 1
        else row
        for row in rows
    ]
