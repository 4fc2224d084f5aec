"""Text written to a file and read as tables."""

from __future__ import annotations

import textwrap
from pathlib import Path

from bench.lint.report import read_file
from bench.lint.table import Column, Table

R1, R5, P1, B1 = Column("R", 1), Column("R", 5), Column("P", 1), Column("BLEU", 1)


def tables(tmp_path: Path, name: str, text: str) -> list[Table]:
    path = tmp_path / name
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return list(read_file(path).tables)


def one(tmp_path: Path, name: str, text: str) -> Table:
    (table,) = tables(tmp_path, name, text)
    return table


def values(table: Table) -> dict[str, list[float]]:
    return {row.name: [float(e.number.value) for e in row.entries.values()] for row in table.rows}
