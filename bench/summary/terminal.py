"""The answer of a run on a terminal: one aligned leaderboard, what it says in words, and what to do next."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.output.manifest import Manifest, signature_line
from bench.summary.run_summary import Board, Row, RunSummary
from bench.summary.sentences import answers, cautions, facts_line
from bench.tables.table import Table, printable_table
from bench.text import printable

if TYPE_CHECKING:
    from rich.text import Text

__cache_neutral__ = True

METRICS = ("R@1", "R@10", "Acc@10")
"""Metrics shown for each retriever; only the ranking metric where the terminal is too narrow."""
CAPTION_METRICS = {"BLEU-4": "B-4", "ROUGE-L": "R-L", "CIDEr": "CIDEr"}
_GAP = "   "


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the leaderboard: heads of two lines, and a text and a style for each generator."""

    group: str
    head: str
    cells: Mapping[str, tuple[str, str]]

    @property
    def width(self) -> int:
        return max(len(self.head), *(len(text) for text, _ in self.cells.values()))


def print_answer(summary: RunSummary, manifest: Manifest, out: Path, query: str | None, console: Any) -> None:
    """Print the leaderboard, the caption metrics, the sentences, the signature and what to do next.

    ``console`` is a rich Console; ``query`` the id of a query that ``bench explain`` may show.
    """
    for block in [*leaderboard(summary, console.width), *caption_table(summary, manifest)]:
        console.print(block, soft_wrap=True)
    for line in answers(summary):
        _print(console, line)
    for line in cautions(summary):
        _print(console, f"Note: {line}", end="")
    _print(console, facts_line(summary.facts))
    _print(console, f"Signature: {signature_line(manifest.signature)}", style="dim")
    for line in next_steps(out, query):
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def print_aligned(table: Table, console: Any, optional: Sequence[str] = ()) -> None:
    """Print any table with aligned columns, and its notes wrapped at words.

    Where the terminal is too narrow, the ``optional`` columns are left out one by one, and a line names them.
    """
    table = printable_table(table)
    heads = [*table.labels, *table.columns]
    rows = [[*names, *(cell.text + "*" * cell.star for cell in cells)] for names, cells in table.rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    shown, hidden = list(range(len(heads))), []
    for name in optional:
        if sum(widths[i] + 2 for i in shown) - 2 > console.width:
            shown.remove(heads.index(name))
            hidden.append(name)
    console.print(_title(table.caption), soft_wrap=True)
    for row in [heads, *_without_repeats(rows, len(table.labels) - 2)]:
        cells = (f"{row[i]:{'<' if i < len(table.labels) else '>'}{widths[i]}}" for i in shown)
        console.print("  ".join(cells).rstrip(), markup=False, highlight=False, soft_wrap=True)
    left_out = [f"Too wide for this terminal: {', '.join(hidden)} (see --format)."] if hidden else []
    console.print("")
    for note in [*left_out, *table.notes]:
        _print(console, note, style="dim", end="")


def _without_repeats(rows: Sequence[Sequence[str]], levels: int) -> Iterator[list[str]]:
    """Yield the rows with the first ``levels`` labels empty where they are those of the row above."""
    before: Sequence[str] = []
    for row in rows:
        yield ["" if i < levels and row[: i + 1] == before[: i + 1] else text for i, text in enumerate(row)]
        before = row


def leaderboard(summary: RunSummary, width: int) -> list[Text]:
    """Lay out the scores of every retriever: ranked systems from the highest, references below a rule."""
    boards = summary.main_boards
    if not boards:
        return []
    rows = boards[0].rows
    names = [row.generator for row in rows if not row.is_reference]
    references = [row.generator for row in rows if row.is_reference]
    for board in boards[1:]:  # a generator that failed with the first retriever
        names += [r.generator for r in board.ranked if r.generator not in names]
        references += [r.generator for r in board.references if r.generator not in references]
    labels = {row.generator: row.label for board in boards for row in board.rows}
    title = f"Retrieval on {summary.facts.data}{' (synthetic)' if summary.facts.synthetic else ''}, ×100"
    note = (
        "Letters: systems that share one under a retriever are not significantly different in "
        f"{summary.metric}. Bold: the highest and those below it down to the first that differs "
        "significantly."
    )
    tables = [
        _lay_out(columns, (names, references), labels)
        for columns in _fitting(summary, boards, width - max(map(len, labels.values())))
    ]
    return [_title(title), *tables, _wrapped(note, width)]


def caption_table(summary: RunSummary, manifest: Manifest) -> list[Text]:
    """Lay out the metrics of the summaries as texts, a line for each generator."""
    boards = [board for name in CAPTION_METRICS if (board := summary.board("", name))]
    if not boards:
        return []
    columns = [_column("", CAPTION_METRICS[board.metric], board) for board in boards]
    shares = {name: (f"{share * 100:.0f} %", "") for name, share in manifest.distinct.items()}
    if shares:
        columns.append(_Column("", "Distinct", shares))
    labels = {row.generator: row.label for row in boards[0].rows}
    order = [row.generator for row in (summary.main_boards or boards)[0].rows]
    ranked = [row.generator for row in boards[0].ranked]
    names = sorted(labels, key=lambda name: order.index(name) if name in order else len(order))
    parts = [n for n in names if n in ranked], [n for n in names if n not in ranked]
    return [_title("Summaries as texts, ×100"), _lay_out(columns, parts, labels)]


def next_steps(out: Path, query: str | None) -> list[str]:
    """Name the page and the commands that answer the next questions."""
    folder = shlex.quote(str(out))
    steps = {
        "Page": f"{out / 'report.html'}    (open it: bench report {folder} --open)",
        "Is it real?": f"bench compare {folder}",
    }
    if query is not None:
        steps["One query"] = f"bench explain {folder} --query {shlex.quote(query)}"
    return [f"{name:<13}{step}" for name, step in steps.items()]


def _fitting(summary: RunSummary, boards: Sequence[Board], width: int) -> Iterator[list[_Column]]:
    """Yield the columns of each table: all retrievers in one table if possible, else as many as fit."""
    full = [_retriever_columns(summary, board, METRICS) for board in boards]
    short = [_retriever_columns(summary, board, (summary.metric,)) for board in boards]
    for groups in (full, short):
        if sum(map(_width, groups)) <= width:
            yield [column for group in groups for column in group]
            return
    table: list[_Column] = []
    for group in full:
        if table and _width(table) + _width(group) > width:
            yield table
            table = []
        table = [*table, *group]
    yield table


def _retriever_columns(summary: RunSummary, board: Board, metrics: Sequence[str]) -> list[_Column]:
    names = dict.fromkeys((*metrics, board.metric) if board.metric not in metrics else metrics)
    columns = []
    for name in names:
        of_metric = summary.board(board.retriever, name)
        if of_metric:
            columns.append(_column(board.label, name, of_metric, letters=name == board.metric))
    missing = len(board.label) - _width(columns) + len(_GAP)
    if missing > 0:  # the label is over all columns of its retriever
        columns[0] = replace(columns[0], head=" " * missing + f"{columns[0].head:>{columns[0].width}}")
    return columns


def _column(group: str, head: str, board: Board, *, letters: bool = False) -> _Column:
    given = {row.generator: "".join(row.letters.split()) if letters else "" for row in board.rows}
    pad = max(map(len, given.values()))
    cells = {
        row.generator: (
            f"{row.value * 100:.1f}" + (f" {given[row.generator]:<{pad}}" if pad else ""),
            _style(row, board),
        )
        for row in board.rows
    }
    # the head is over the numbers, not over the letters
    return _Column(group, head + " " * (pad + 1 if pad else 0), cells)


def _style(row: Row, board: Board) -> str:
    if row.is_reference:
        return "dim"
    return "bold" if row.generator in board.leaders else ""


def _width(columns: Sequence[_Column]) -> int:
    return sum(len(_GAP) + column.width for column in columns)


def _lay_out(
    columns: Sequence[_Column], parts: tuple[Sequence[str], Sequence[str]], labels: Mapping[str, str]
) -> Text:
    """Lay the table out as styled text: two lines of heads, the ranked rows, a rule, the references."""
    from rich.text import Text

    first = max(map(len, labels.values()))
    text = Text()
    if any(column.group for column in columns):
        text.append(f"{'':<{first}}{_group_heads(columns)}".rstrip() + "\n", "bold")
    text.append(f"{'':<{first}}" + "".join(f"{_GAP}{c.head:>{c.width}}" for c in columns).rstrip() + "\n")
    for number, names in enumerate(parts):
        if number and names:
            text.append("─" * (first + sum(len(_GAP) + c.width for c in columns)) + "\n", "dim")
        for name in names:
            text.append(f"{printable(labels.get(name, name)):<{first}}")
            for column in columns:
                cell, style = column.cells.get(name, ("–", "dim"))
                text.append(_GAP + " " * (column.width - len(cell)))
                text.append(cell, style)
            text.append("\n")
    return text


def _group_heads(columns: Sequence[_Column]) -> str:
    """Place each retriever's label over its columns."""
    heads, groups = "", dict.fromkeys(column.group for column in columns)
    for group in groups:
        width = sum(len(_GAP) + column.width for column in columns if column.group == group)
        heads += f"{_GAP}{printable(group)}"[:width].ljust(width)
    return heads


def _title(text: str) -> Text:
    from rich.text import Text

    return Text(printable(text), "bold")


def _wrapped(text: str, width: int) -> Text:
    from rich.text import Text

    return Text("\n".join(textwrap.wrap(printable(text), width)) + "\n", "dim")


def _print(console: Any, line: str, *, style: str = "", end: str = "\n") -> None:
    """Print a paragraph, wrapped at words."""
    lines = textwrap.wrap(printable(line), console.width, break_long_words=False, break_on_hyphens=False)
    console.print("\n".join(lines) + end, style=style, markup=False, highlight=False, soft_wrap=True)
