"""The answer of a run as Markdown, such as for the summary of a CI job, and as HTML for a notebook."""

from __future__ import annotations

import html

from bench.summary.run_summary import Board, RunSummary
from bench.summary.sentences import board_sentences, cautions, facts_line, score_text
from bench.tables import table as tables
from bench.tables.table import BEST, PLAIN, Cell, Rows, Table

__cache_neutral__ = True


def to_markdown(summary: RunSummary) -> str:
    """Write the answer of a run as Markdown: its sentences, the leaderboard, the cautions and the facts."""
    paragraphs = [_paragraph(board, "**{}**") for board in summary.main_boards]
    notes = "\n".join(f"- {_plain(line)}" for line in cautions(summary))
    facts = _plain(facts_line(summary.facts))
    parts = [*paragraphs, tables.to_markdown(leaderboard(summary)).rstrip("\n"), notes, facts]
    return "\n\n".join(filter(None, parts)) + "\n"


def to_html(summary: RunSummary) -> str:
    """Write the answer of a run as HTML, for a notebook: leaderboard, then sentences; all text is escaped."""
    lines = [" ".join(board_sentences(board)) for board in summary.main_boards]
    lines += [*cautions(summary), facts_line(summary.facts)]
    return tables.to_html(leaderboard(summary)) + "".join(f"<p>{html.escape(line)}</p>\n" for line in lines)


def leaderboard(summary: RunSummary) -> Table:
    """Tabulate score, interval and letters: a row for each generator, a column for each retriever."""
    boards = summary.main_boards
    labels = {row.generator: row.label for board in boards for row in board.rows}
    apart = {row.generator for board in boards for row in board.references}
    order = [*(name for name in labels if name not in apart), *(name for name in labels if name in apart)]
    rows: Rows = [([labels[name]], [_cell(board, name) for board in boards]) for name in order]
    what = summary.facts.data + (" (synthetic)" if summary.facts.synthetic else "")
    note = (
        "Systems that share a letter under a retriever are not significantly different (paired tests of all "
        "pairs, Holm-corrected). Bold: the highest and those below it down to the first that differs "
        "significantly."
    )
    title = f"{summary.metric} on {what}, ×100, with 95 % intervals"
    return Table("leaderboard", title, ["Model"], [board.label for board in boards], rows, [note])


def _cell(board: Board, name: str) -> Cell:
    row = next((row for row in board.rows if row.generator == name), None)
    if row is None:
        return Cell("")
    text = f"{score_text(row)} {''.join(row.letters.split())}".rstrip()
    return Cell(text, BEST if name in board.leaders else PLAIN)


def _paragraph(board: Board, emphasis: str) -> str:
    first, *rest = map(_plain, board_sentences(board))
    return " ".join([emphasis.format(first), *rest])


def _plain(text: str) -> str:
    """Put a text on one line, without HTML, links or images that Markdown would show."""
    return tables.plain_text(" ".join(text.splitlines()))
