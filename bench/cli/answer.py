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
    from bench.output.manifest import Manifest
    from bench.result import Result
    from bench.summary.run_summary import RunSummary
    from bench.tables.table import Table


def is_aligned(form: str | None) -> bool:
    """Decide whether to align columns for a person: no format was named and standard output is a terminal."""
    return form is None and sys.stdout.isatty()


def print_run(out: Path, manifest: Manifest, form: str | None) -> None:
    """Print a run that has just ended, as `print_result` does, from the tables that it wrote.

    To lay them out again would import pandas, which a run whose cells are stored needs for nothing else.
    """
    from bench.output.checked import checked
    from bench.output.schema import SUMMARY
    from bench.summary.markdown import to_markdown
    from bench.summary.run_summary import read_summary
    from bench.tables.build import NAMES
    from bench.tables.table import SUFFIXES

    suffix = SUFFIXES.get(form or "markdown")
    if suffix is None:
        from bench.result import Result

        print_result(Result.read(out), form)
        return
    summary = read_summary(checked(out, manifest, SUMMARY), manifest)
    if is_aligned(form):
        _print_aligned(out, manifest, summary)
        return
    paths = [checked(out, manifest, f"tables/{name}.{suffix}") for name in NAMES]
    print("\n".join(path.read_text(encoding="utf-8") for path in paths))
    if form is None:
        print(to_markdown(summary), end="")


def print_result(result: Result, form: str | None, intervals: bool = False) -> None:
    """Print a run in a format of tables; without one, the answer on a terminal and Markdown elsewhere."""
    from bench.summary.markdown import to_markdown
    from bench.tables.table import RENDERERS

    if is_aligned(form):
        _print_aligned(result.out, result.manifest, summary_of(result))
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


def _print_aligned(out: Path, manifest: Manifest, summary: RunSummary) -> None:
    from bench.output.per_item import RunItems
    from bench.summary.terminal import print_answer

    query = next(iter(RunItems(out, manifest).texts()), None)
    print_answer(summary, manifest, out, query, _console())


def _console() -> Any:
    """Open a console on standard output; styles go past the filter of texts from data."""
    from rich.console import Console

    return Console(file=getattr(sys.stdout, "terminal", sys.stdout))
