"""The rows and cells of a printed table, as every reader hands them to `bench.lint.readers.header`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.errors import DataError
from bench.lint.readers.cell import CellText

MAX_CELLS = 100_000
"""Cells of one table; no results table has so many, and more would take long to check."""
MAX_SPAN = 1000
"""Columns that one cell may span, as in HTML."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """The cells of one printed row, its line in the file, and whether a rule is drawn above it."""

    line: int
    cells: tuple[CellText, ...]
    ruled: bool = False

    def texts(self) -> list[str]:
        """Collect the text of each cell of the row."""
        return [cell.text for cell in self.cells]


@dataclass(frozen=True, slots=True)
class Grid:
    """A printed table before its columns are known; rows may still differ in width.

    ``headings`` says that a row of one word names the rows below it; in a CSV it is a row without values.
    """

    file: str
    line: int
    rows: tuple[GridRow, ...]
    headings: bool = True
    transposed: bool = False
    """Whether its columns were rows: some of them may then hold years or counts, and no scores."""
    error: str = ""
    """Why the table could not be divided into cells; empty where it could."""

    @property
    def name(self) -> str:
        """What messages call the table."""
        return f"table at line {self.line}"

    def part(self, rows: Sequence[GridRow]) -> Grid:
        """Cut a grid of some of the rows out of this one, with the line number of the first of them."""
        return replace(self, rows=tuple(rows), line=rows[0].line if rows else self.line)


def check_widths(grid: Grid) -> None:
    """Raise DataError for a row of another width than the first, and for a table that is too large."""
    width = len(grid.rows[0].cells)
    for row in grid.rows:
        if len(row.cells) != width:
            shown = " | ".join(row.texts())[:120]
            raise DataError(
                f"{grid.file}:{row.line}: a row of {len(row.cells)} cells in a table of {width} columns "
                f"('{shown}'). Which column each number belongs to is not certain: give every row the same "
                "number of cells."
            )
    refuse_size(width * len(grid.rows), f"{grid.file}:{grid.line}")


def refuse_size(cells: int, place: str) -> None:
    """Raise DataError for a table of more than MAX_CELLS cells."""
    if cells > MAX_CELLS:
        raise DataError(f"{place}: a table of {cells:,} cells; at most {MAX_CELLS:,} are read. Split it.")


def transpose(grid: Grid, names: int) -> Grid:
    """Turn a grid whose column ``names`` holds the metrics into one with a row for each system.

    Columns before ``names`` (a retriever, a data set) become header rows above the metrics.
    """
    columns = []
    for j in range(len(grid.rows[0].cells)):
        cells = [row.cells[j] for row in grid.rows]
        columns.append(tuple(_fill_down(cells) if j < names else cells))
    rows = tuple(GridRow(grid.line, cells) for cells in columns)
    return replace(grid, rows=rows, headings=False, transposed=True)


def _fill_down(cells: Sequence[CellText]) -> list[CellText]:
    filled: list[CellText] = []
    for i, cell in enumerate(cells):
        filled.append(filled[-1] if i > 1 and not cell.text else cell)
    return filled
