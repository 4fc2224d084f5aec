"""The rows and cells of a printed table, as every reader hands them to `bench.lint.readers.header`."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import DataError
from bench.lint.readers.cell import CellText


@dataclass(frozen=True, slots=True)
class GridRow:
    """The cells of one printed row, its line in the file, and whether a rule is drawn above it."""

    line: int
    cells: tuple[CellText, ...]
    ruled: bool = False

    def texts(self) -> list[str]:
        """Return the text of each cell."""
        return [cell.text for cell in self.cells]


@dataclass(frozen=True, slots=True)
class Grid:
    """A printed table; every row has the same width.

    ``headings`` says that a row of one word names the rows below it; in a CSV it is a row without values.
    """

    name: str
    file: str
    rows: tuple[GridRow, ...]
    headings: bool = True


def check_widths(grid: Grid) -> Grid:
    """Return the grid when every row is as wide as the first; DataError names the row that is not."""
    width = len(grid.rows[0].cells)
    for row in grid.rows:
        if len(row.cells) != width:
            raise DataError(
                f"{grid.file}:{row.line}: a row of {len(row.cells)} cells in a table of {width} columns "
                f"('{' | '.join(row.texts())}'). Which column each number belongs to cannot be told: "
                "give every row the same number of cells."
            )
    return grid
