"""The audit of the tables of a file, and its report as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.errors import DataError, UsageError
from bench.lint import emphasis, granularity, improvements, rules
from bench.lint.readers import csv, latex, markdown
from bench.lint.readers.grid import Grid
from bench.lint.readers.header import to_table
from bench.lint.rules import Violation
from bench.lint.table import Table

_CHECKS = (
    rules.check_bounds,
    rules.check_monotonicity,
    rules.check_accuracy_at_1,
    rules.check_accuracy_against_hits,
    rules.check_hits,
    rules.check_recall_against_accuracy,
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

    @property
    def ok(self) -> bool:
        """Whether nothing is violated."""
        return not self.violations

    def to_text(self) -> str:
        """Return the report for a terminal: one line for each violation, then the notes, then the count."""
        lines = [f"{v.cell}: {v.message} [{v.rule}]" for v in self.violations]
        lines += [f"note: {note}" for note in self.notes]
        count = len(self.violations)
        result = "no violation" if not count else f"{count} violation{'s' if count > 1 else ''}"
        return "\n".join([*lines, f"{self.target}: {self.cells} cells, {result}"])


def lint(target: str, *, n: int | None = None) -> LintReport:
    """Audit every table of a file (CSV, Markdown, LaTeX).

    ``n`` is the number of evaluated queries where it is known and the table does not say it. Raises
    UsageError for a file that does not exist, DataError for what cannot be read for certain.
    """
    return lint_tables(target, read_tables(Path(target)), n=n)


def lint_tables(target: str, tables: Sequence[Table], *, n: int | None = None) -> LintReport:
    """Audit tables that are read already; ``target`` names them in the report, ``n`` as in `lint`."""
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
    """Return every violation of a table, rule by rule; ``n`` as in `lint`."""
    return [*chain.from_iterable(check(table) for check in _CHECKS), *granularity.check_granularity(table, n)]


def notes(table: Table) -> list[str]:
    """Return what a reader of the audit must know: scale, columns left out, granularity."""
    texts = [*table.notes, *improvements.unchecked_improvements(table), *emphasis.unchecked_bold(table)]
    return texts + [note for note in [granularity.granularity_note(table)] if note]


def read_tables(path: Path) -> list[Table]:
    """Return the tables of a file that have a known column.

    Raises UsageError for a path that is no file, DataError for one without such a table.
    """
    if not path.is_file():
        raise UsageError(
            f"there is no file '{path}'. Give a CSV, Markdown or LaTeX file, or paper:table2 to table7."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}). Save the table as UTF-8.") from None
    tables = list(_read(text, path))
    if not tables:
        raise DataError(
            f"{path}: no table with a column this audit knows (R@k, P@k, Acc@k, BLEU-n, ROUGE-L, CIDEr, "
            "or Train, Val, Test with a Total)."
        )
    return tables


def _read(text: str, path: Path) -> Iterator[Table]:
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        yield from parse_csv_tables(text, str(path))
    elif kind in (".md", ".markdown", ".tex", ".latex"):
        reader = markdown.parse_grids if kind.startswith(".m") else latex.parse_grids
        yield from _tables(reader(text, str(path)))
    else:
        raise UsageError(
            f"'{path.name}' ends in none of .csv .tsv .md .tex: the form of the table is not known."
        )


def parse_csv_tables(text: str, file: str) -> list[Table]:
    """Return the tables of CSV text that have a known column; ``file`` names it in errors."""
    lines = csv.parse_records(text, file)
    if not lines:
        raise DataError(f"{file}: the file is empty.")
    if csv.is_long(lines[0][1]):
        return [csv.long_table(lines, file)]
    return _tables([csv.wide_grid(lines, file)])


def _tables(grids: list[Grid]) -> list[Table]:
    return [table for grid in grids if (table := to_table(grid)) is not None and table.rows]
