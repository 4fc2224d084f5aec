"""Print what a finished run says: a leaderboard and an answer on a terminal, tables elsewhere."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.result import Result
    from bench.summary.run_summary import RunSummary
    from bench.tables.table import Table


def is_aligned(form: str | None) -> bool:
    """Decide whether to align columns for a person: no format was named and standard output is a terminal."""
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


def tables_by(result: Result, by: str | None, metric: str | None, *, intervals: bool = False) -> list[Table]:
    """Make a table of scores by each of the attributes in ``by``, of a metric (default: R@10, or the first).

    Raises UsageError for an unknown attribute or metric.
    """
    from bench.comparison.slices import score_slices, shown_metric, slice_table
    from bench.errors import unknown
    from bench.options import split_list

    names = split_list(by or "")
    if not names:
        return []
    scores = score_slices(result, names)
    if metric is not None and metric not in set(scores["metric"]):
        raise unknown("metric", metric, scores["metric"].unique())
    shown = metric or shown_metric(scores)
    return [slice_table(scores, result, name, shown, intervals=intervals) for name in dict.fromkeys(names)]


def open_page(path: Path) -> None:
    """Open a page in the browser of the desktop, if there is one: never a browser inside this terminal."""
    import webbrowser

    has_desktop = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if has_desktop:
        webbrowser.open(path.resolve().as_uri())
    else:
        print(f"bench: there is no desktop here; open {path} in a browser.", file=sys.stderr)


def print_table(table: Table, form: str | None, optional: Sequence[str] = ()) -> None:
    """Print one table in a format; without one, aligned on a terminal and as Markdown elsewhere."""
    from bench.tables.table import RENDERERS

    if is_aligned(form):
        from bench.summary.terminal import print_aligned

        print_aligned(table, _console(), optional)
    else:
        print(RENDERERS[form or "markdown"](table), end="")


def print_marked(text: str, words: Sequence[str]) -> None:
    """Print a text, on a terminal with these words in bold."""
    if not is_aligned(None):
        sys.stdout.write(text)
        return
    from rich.text import Text

    shown = Text(text.rstrip("\n"))
    for word in words:
        ends = (r"\b", r"\b") if word.isascii() else ("", "")  # Chinese has no blanks between words
        shown.highlight_regex(f"(?i){ends[0]}{re.escape(word)}{ends[1]}", "bold")
    _console().print(shown, soft_wrap=True, highlight=False)


def print_answers(result: Result) -> None:
    """Print what a run says of each retriever, as at its end; nothing for a run without a summary."""
    from bench.summary.sentences import answers

    width = _console().width if is_aligned(None) else None
    for text in answers(result.summary) if result.summary else ():
        lines = textwrap.wrap(text, width, break_long_words=False) if width else [text]
        print("\n" + "\n".join(lines))


def summary_of(result: Result) -> RunSummary:
    """Read a run's summary, or compute it for an unfinished run or one of a version that wrote none."""
    from bench.comparison.summarize import summarize_run

    return result.summary or summarize_run(result)


def _print_aligned(result: Result) -> None:
    from bench.output.per_item import RunItems
    from bench.summary.terminal import print_answer

    query = next(iter(RunItems(result.out, result.manifest).texts()), None)
    print_answer(summary_of(result), result.manifest, result.out, query, _console())


def _console() -> Any:
    """Open a console on standard output; styles go past the filter of texts from data."""
    from rich.console import Console

    return Console(file=getattr(sys.stdout, "terminal", sys.stdout))
