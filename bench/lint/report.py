"""The audit of the tables of a file, and its report as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from bench.errors import DataError, UsageError, shorten
from bench.lint import emphasis, granularity, improvements, rules
from bench.lint.readers import csv, html, latex, markdown
from bench.lint.readers.grid import Grid
from bench.lint.readers.rows import to_tables
from bench.lint.rules import Violation
from bench.lint.table import Table

MAX_BYTES = 4 * 1024 * 1024
"""A larger file is not read: no file of results tables is so large."""
SUFFIXES = (".csv", ".tsv", ".md", ".markdown", ".tex", ".latex", ".html", ".htm")

_CHECKS = (
    rules.check_bounds,
    rules.check_monotonicity,
    rules.check_accuracy_at_1,
    rules.check_accuracy_against_hits,
    rules.check_hits,
    rules.check_recall_against_accuracy,
    rules.check_recall_against_hits,
    rules.check_totals,
    improvements.check_improvements,
    emphasis.check_emphasis,
)


@dataclass(frozen=True, slots=True)
class LintReport:
    """The result of an audit: violations of arithmetic, and notes that are not violations."""

    target: str
    cells: int
    violations: tuple[Violation, ...]
    notes: tuple[str, ...]
    unread: int = 0
    """Tables of scores that could not be read; a note says why for each."""

    @property
    def ok(self) -> bool:
        """Whether nothing is violated."""
        return not self.violations

    def to_text(self) -> str:
        """Print the report for a terminal: one line for each violation, then the notes, then the count."""
        lines = [f"{v.cell}: {v.message} [{v.rule}]" for v in self.violations]
        lines += [f"note: {note}" for note in self.notes]
        counts = [f"{self.cells} cell{_s(self.cells)}"]
        counts.append(f"{len(self.violations) or 'no'} violation{_s(len(self.violations) or 1)}")
        if self.unread:
            counts.append(f"{self.unread} table{_s(self.unread)} not read")
        return "\n".join(_printable(line) for line in [*lines, f"{self.target}: {', '.join(counts)}"])


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _printable(line: str) -> str:
    """Escape the control characters and changes of writing direction of a line."""
    return "".join(
        char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else ascii(char)[1:-1]
        for char in line
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a file: tables with a known column, and notes on those that could not be read."""

    tables: tuple[Table, ...]
    unread: tuple[str, ...] = ()
    skipped: tuple[int, ...] = ()
    """Lines of the tables without a known column."""


def lint(target: str, *, n: int | None = None) -> LintReport:
    """Audit every table of a file (CSV, Markdown, LaTeX, HTML).

    ``n`` is the number of evaluated queries where it is known and the table does not say it. Raises
    UsageError for a file that does not exist, DataError where no table of scores could be read.
    """
    reading = read_file(Path(target))
    report = lint_tables(target, reading.tables, n=n)
    remarks = [f"not read: {why}" for why in reading.unread]
    if reading.skipped:
        lines = ", ".join(map(str, reading.skipped[:10])) + (", …" if len(reading.skipped) > 10 else "")
        remarks.append(
            f"{len(reading.skipped)} table{_s(len(reading.skipped))} without a known column skipped, "
            f"at line{_s(len(reading.skipped))} {lines}"
        )
    return replace(report, notes=(*report.notes, *remarks), unread=len(reading.unread))


def lint_tables(target: str, tables: Sequence[Table], *, n: int | None = None) -> LintReport:
    """Audit tables that are read already; ``target`` names them in the report, ``n`` as in `lint`."""
    if n is not None and n < 1:
        raise UsageError(f"n is the number of evaluated queries, at least 1, not {shorten(n)}.")
    several = len(tables) > 1
    checked = [(table, lint_table(table, n=n), notes(table)) for table in tables]
    prefix = [f"{table.name}: " if several else "" for table in tables]
    return LintReport(
        target,
        sum(len(row.entries) for table in tables for row in (*table.rows, *table.improvements)),
        tuple(v for _, violations, _ in checked for v in violations),
        tuple(before + note for before, (_, _, texts) in zip(prefix, checked, strict=True) for note in texts),
    )


def lint_table(table: Table, *, n: int | None = None) -> list[Violation]:
    """Apply every rule to a table and collect its violations; ``n`` as in `lint`."""
    return [*chain.from_iterable(check(table) for check in _CHECKS), *granularity.check_granularity(table, n)]


def notes(table: Table) -> list[str]:
    """Note what a reader of the audit must know: scale, columns left out, granularity."""
    texts = [
        *table.notes,
        *improvements.unchecked_improvements(table),
        *emphasis.unchecked_bold(table),
    ]
    return texts + [note for note in [granularity.granularity_note(table)] if note]


def read_file(path: Path) -> Reading:
    """Read the tables of a file that have a known column, and why others could not be read.

    Raises UsageError for a path that is no file or of an unknown form, DataError for a file without a
    table that can be read.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or a device, whose name does not say the table's form"
        problem = f"'{path}' is {what}" if path.exists() else f"there is no file '{path}'"
        raise UsageError(f"{problem}. Give a CSV, Markdown, LaTeX or HTML file, or paper:table2 to table7.")
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"'{path.name}' ends in none of {' '.join(SUFFIXES)}: the form of the table is not known."
        )
    reading = _read(_text(path), path)
    if not reading.tables and reading.unread:
        more = f" {len(reading.unread) - 1} more could not be read." if len(reading.unread) > 1 else ""
        raise DataError(reading.unread[0] + more)
    if not reading.tables:
        raise DataError(
            f"{path}: no table with numbers under a column this audit knows (R@k, P@k, Acc@k, BLEU-n, "
            "ROUGE-L, CIDEr, or Train, Val, Test with a Total)."
        )
    return reading


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{path}: {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read. "
                "Put the table into a file of its own."
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}). Save the table as UTF-8.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None


def _read(text: str, path: Path) -> Reading:
    kind, file = path.suffix.lower(), str(path)
    if kind in (".csv", ".tsv"):
        return Reading(tuple(parse_csv_tables(text, file)))
    reader = markdown if kind.startswith(".m") else html if kind.startswith(".h") else latex
    return _read_grids(reader.parse_grids(text, file))


def _read_grids(grids: Sequence[Grid]) -> Reading:
    tables: list[Table] = []
    unread: list[str] = []
    skipped: list[int] = []
    for grid in grids:
        try:
            of_grid = _grid_tables(grid)
        except DataError as error:
            unread.append(str(error))
            continue
        tables += of_grid
        if not of_grid:
            skipped.append(grid.line)
    return Reading(tuple(tables), tuple(unread), tuple(skipped))


def _grid_tables(grid: Grid) -> list[Table]:
    texts = grid.rows[0].texts() if grid.rows and not grid.error else []
    if csv.is_long(texts) and all(len(row.cells) == len(texts) for row in grid.rows):
        table = csv.long_table([(row.line, row.texts()) for row in grid.rows], grid.file)
        return [table] if table.rows else []
    return to_tables(grid)


def parse_csv_tables(text: str, file: str) -> list[Table]:
    """Parse the tables of CSV text that have a known column; ``file`` names it in errors."""
    lines = csv.parse_records(text, file)
    if not lines:
        raise DataError(f"{file}: the file is empty.")
    if csv.is_long(lines[0][1]):
        table = csv.long_table(lines, file)
        return [table] if table.rows else []
    return to_tables(csv.wide_grid(lines, file))
