"""Print what a finished run says: a leaderboard and an answer on a terminal, tables elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.result import Result
    from bench.summary.run_summary import RunSummary


def is_aligned(form: str | None) -> bool:
    """Return whether output is for a person: standard output is a terminal, and no format was named."""
    return form is None and sys.stdout.isatty()


def print_result(result: Result, form: str | None, intervals: bool = False) -> None:
    """Print a run in a format of tables; without one, the answer on a terminal and Markdown elsewhere."""
    from bench.summary.markdown import to_markdown
    from bench.tables.table import RENDERERS

    if is_aligned(form):
        _print_aligned(result)
        return
    tables = result.tables(intervals=intervals)
    print("\n".join(RENDERERS[form or "markdown"](table) for table in tables))
    if form is None and result.summary is not None:
        print(to_markdown(result.summary), end="")


def summary_of(result: Result) -> RunSummary:
    """Return a run's summary, made now for runs of versions that wrote none, and for unfinished ones."""
    from bench.comparison.summarize import summarize_run

    return result.summary or summarize_run(result)


def _print_aligned(result: Result) -> None:
    from rich.console import Console

    from bench.output.per_item import RunItems
    from bench.summary.terminal import print_answer

    # colours and bold go past the filter of the command line; the texts have no control characters
    console = Console(file=getattr(sys.stdout, "terminal", sys.stdout))
    query = next(iter(RunItems(result.out, result.manifest).texts()), None)
    print_answer(summary_of(result), result.manifest, result.out, query, console)
