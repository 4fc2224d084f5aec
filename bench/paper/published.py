"""Load what the paper prints: tables, misprints, claims, the names of its rows. No heavy import."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from bench.errors import unknown
from bench.lint.report import LintReport, lint_tables, parse_csv_tables
from bench.lint.table import Table

TABLES = ("table2", "table3", "table4", "table5", "table6", "table7")


def data_folder() -> Path:
    """Locate the CSV files: inside an installed package, else ``results/paper`` of a checkout.

    They are kept in ``results/paper``; the build maps that folder to the package ``bench.paper.data``.
    """
    installed = Path(__file__).parent / "data"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "results" / "paper"


def csv_path(table: str) -> Path:
    """Locate the CSV file of a table. Raises UsageError for a name other than table2 to table7."""
    if table not in TABLES:
        raise unknown("table of the paper", table, TABLES)
    return data_folder() / f"{table}.csv"


def csv_text(table: str) -> str:
    """Read a table's CSV text as printed: values as strings, ``<u>`` and ``*`` where the paper has them."""
    return csv_path(table).read_text(encoding="utf-8")


def paper_table(name: str) -> Table:
    """Parse one of the paper's tables as the audit of tables does. Raises UsageError for an unknown name."""
    (table,) = parse_csv_tables(csv_text(name), csv_path(name).name)
    return table


def lint_paper_table(name: str, *, n: int | None = None) -> LintReport:
    """Audit the arithmetic of one of the paper's tables; ``n`` as in `bench.lint.report.lint`."""
    return lint_tables(f"paper:{name}", [paper_table(name)], n=n)


@dataclass(frozen=True, slots=True)
class Source:
    """Caption and unit of a table, and its place in the paper."""

    table: str
    caption: str
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Misprint:
    """A cell that cannot be right as printed, or that needs care, and why.

    ``kind``: impossible (breaks arithmetic), contradicted (another number of the paper says
    otherwise), miscalculated (a derived cell recomputes to another value), rounded (printed with
    fewer true digits). ``likely`` is empty where the right value is unknown.
    """

    table: str
    group: str
    row: str
    column: str
    printed: str
    kind: str
    likely: str
    why: str


@dataclass(frozen=True, slots=True)
class Name:
    """Maps a printed label to a name of the command line; ``kind`` is generator or retriever."""

    table: str
    kind: str
    label: str
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something the paper leaves unstated, and the cells that depend on it.

    ``retriever`` and ``metric`` are globs; ``bench.paper.status`` calls such cells under-specified.
    """

    table: str
    retriever: str
    metric: str
    choice: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the paper's text.

    ``kind`` says how `bench.paper.claims` checks it (``text`` cannot be checked from scores);
    ``subjects``, ``others``, ``metrics``, ``retrievers`` are names of the command line separated by
    blanks; ``value`` is the figure claimed; ``in_paper`` is the verdict on the paper's tables.
    """

    id: str
    table: str
    section: str
    statement: str
    kind: str
    subjects: str
    others: str
    metrics: str
    retrievers: str
    value: str
    in_paper: str
    figures: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to fill in what the paper leaves unstated.

    ``protocol`` and ``query_seed`` are empty where those of the run are used; ``set`` holds ``key=value``
    options separated by blanks.
    """

    choice: str
    protocol: str
    query_seed: str
    set: str


Record = TypeVar("Record", Source, Misprint, Name, Choice, Claim, Variant)


def _load(name: str, kind: type[Record]) -> Iterator[Record]:
    with (data_folder() / name).open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines, strict=True):
            yield kind(**{field.name: line[field.name] for field in fields(kind)})


def sources() -> dict[str, Source]:
    """Read caption, unit and source of each table."""
    return {source.table: source for source in _load("sources.csv", Source)}


def misprints(table: str | None = None) -> list[Misprint]:
    """Read the known misprints, of one table or of all."""
    return [m for m in _load("misprints.csv", Misprint) if table in (None, m.table)]


def names(table: str, kind: str | None = None) -> dict[str, str]:
    """Map printed labels, case-folded, to command-line names, for a table's rows and retrievers.

    ``kind`` is ``generator`` or ``retriever`` where only those are wanted.
    """
    return {
        n.label.casefold(): n.name
        for n in _load("names.csv", Name)
        if n.table in (table, "all") and kind in (None, n.kind)
    }


def label(table: str, kind: str, name: str) -> str:
    """Find the printed label of a ``generator`` or ``retriever``: its name where none is printed."""
    rows = (n for n in _load("names.csv", Name) if n.table in (table, "all") and n.kind == kind)
    return next((n.label for n in rows if n.name == name), name)


def choices(table: str) -> list[Choice]:
    """Read what the paper leaves unstated for a table."""
    return [choice for choice in _load("choices.csv", Choice) if choice.table == table]


def claims(table: str | None = None) -> list[Claim]:
    """Read the claims of the paper's text, about one table or all."""
    return [claim for claim in _load("claims.csv", Claim) if table in (None, claim.table)]


def variants() -> list[Variant]:
    """Read the ways to fill in what the paper leaves unstated that ``bench reproduce --sweep`` tries."""
    return list(_load("sweep.csv", Variant))


def paper_figures() -> Mapping[str, Mapping[str, float | str]]:
    """Read the paper's statistics as printed: ``{measure: {split: figure}}``."""
    import yaml

    text = (data_folder() / "figures.yaml").read_text(encoding="utf-8")
    figures: Mapping[str, Mapping[str, float | str]] = yaml.safe_load(text)
    return figures
