"""Read HTML tables, alone or inside Markdown: spans, header cells, bold and underline."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bench.lint.readers.cell import CellText, strip_markup
from bench.lint.readers.grid import MAX_CELLS, MAX_SPAN, Grid, GridRow

_KEPT = ("b", "strong", "u", "ins", "sup", "sub", "br")
"""Tags inside a cell that mean something."""


_ID = re.compile(r"#([\w-]{1,200})\s{0,9}(?=,|$)")
_MARKS = (
    (re.compile(r"font-weight\s{0,9}:\s{0,9}(?:bold|[6-9]00)", re.I), "<b>"),
    (re.compile(r"text-decoration[\w-]{0,9}\s{0,9}:[^;]{0,99}underline", re.I), "<u>"),
)
"""Styles that mark a number, with the tags that say the same."""


_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none", re.I)


def _is_hidden(attrs: dict[str, str | None]) -> bool:
    return "hidden" in attrs or bool(_HIDDEN.search((attrs.get("style") or "")[:2000]))


def _marks(style: str | None) -> str:
    return "".join(tag for pattern, tag in _MARKS if pattern.search((style or "")[:2000]))


def parse_grids(text: str, file: str) -> list[Grid]:
    """Parse every HTML table of a text, in order of their ends; ``line`` counts from 1."""
    parser = _Tables(file)
    parser.feed(text)
    parser.close()
    return parser.grids


class _Tables(HTMLParser):
    """Collects the rows of tables; an inner table is read separately, and empty in the outer one."""

    def __init__(self, file: str) -> None:
        super().__init__(convert_charrefs=False)
        self.file = file
        self.grids: list[Grid] = []
        self.open: list[_OpenTable] = []
        self.marks: dict[str, str] = {}
        """Tags that a style sheet in the file gives a cell by its id, as pandas' Styler writes it."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, given = self.getpos()[0], dict(attrs)
        if tag == "table":
            self.open.append(_OpenTable(line, hidden=_is_hidden(given)))
        elif self.open and tag in ("td", "th") and _is_hidden(given):
            self.open[-1].end_cell()
        elif self.open and tag in ("td", "th"):
            self.open[-1].start_cell(line, _size(given.get("colspan")), _size(given.get("rowspan")))
            self.open[-1].add(_marks(given.get("style")) + self.marks.get(given.get("id") or "", ""))
        elif self.open and tag in ("tr", "tbody", "tfoot"):
            self.open[-1].end_row(ruled=tag != "tr")
            self.open[-1].row_hidden = _is_hidden(given)
        elif self.open and tag in _KEPT:
            self.open[-1].add(f"<{tag}>")
        elif self.open and tag == "span":
            self.open[-1].add(_marks(given.get("style")))

    def handle_endtag(self, tag: str) -> None:
        if not self.open:
            return
        if tag == "table":
            table = self.open.pop()
            table.end_row()
            if table.rows and not table.hidden:
                self.grids.append(Grid(self.file, table.line, tuple(table.rows)))
        elif tag in ("td", "th"):
            self.open[-1].end_cell()
        elif tag == "tr":
            self.open[-1].end_row()
        elif tag in _KEPT:
            self.open[-1].add(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].add(data)
        elif self.cdata_elem == "style":
            self._read_styles(data)

    def _read_styles(self, sheet: str) -> None:
        for rule in sheet.split("}"):
            names, _, style = rule.rpartition("{")
            if tags := _marks(style):
                self.marks.update(dict.fromkeys(_ID.findall(names), tags))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")


def _size(text: str | None) -> int:
    valid = re.fullmatch(r"[1-9]\d{0,7}", text or "", re.ASCII)
    return min(int(valid[0]), MAX_SPAN) if valid else 1


class _OpenTable:
    """A table whose end has not come yet; cells that span rows are repeated in each of them."""

    def __init__(self, line: int, *, hidden: bool = False) -> None:
        self.line = line
        self.hidden = hidden
        self.row_hidden = False
        self.rows: list[GridRow] = []
        self.cells: list[CellText] = []
        self.below: dict[int, tuple[int, CellText]] = {}
        self.text: list[str] | None = None
        self.size = (1, 1)
        self.row_line = line
        self.ruled = False
        self.count = 0

    def start_cell(self, line: int, columns: int, rows: int) -> None:
        self.end_cell()
        if not self.cells:
            self.row_line = line
        self.text, self.size = [], (columns, rows)

    def add(self, text: str) -> None:
        if self.text is not None and len(self.text) < 1000:
            self.text.append(text)

    def end_cell(self) -> None:
        if self.text is None:
            return
        self._fill()
        cell = strip_markup(" ".join("".join(self.text).split()))
        columns, rows = self.size
        for i in range(columns if self.count < MAX_CELLS else 1):
            part = CellText("", spanned=True) if i else cell
            if rows > 1:
                self.below[len(self.cells)] = (rows - 1, part)
            self.cells.append(part)
        self.count += columns
        self.text = None

    def end_row(self, *, ruled: bool = False) -> None:
        self.end_cell()
        if self.cells:
            self._fill()
            if not self.row_hidden:
                self.rows.append(GridRow(self.row_line, tuple(self.cells), self.ruled))
            self.cells, self.ruled, self.row_hidden = [], False, False
        self.ruled |= ruled

    def _fill(self) -> None:
        """Repeat the cells of rows above that reach into this row."""
        while len(self.cells) in self.below:
            left, cell = self.below.pop(len(self.cells))
            if left > 1:
                self.below[len(self.cells)] = (left - 1, cell)
            self.cells.append(cell)
