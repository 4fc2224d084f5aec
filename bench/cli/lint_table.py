"""``bench lint-table``: the arithmetic that any results table must satisfy."""

from __future__ import annotations

import argparse

from bench.cli.common import Verbs, add_verb

_PAPER = "paper:"


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "lint-table",
        what="Audit the arithmetic of a results table, ours or anybody's (CSV, Markdown, LaTeX).",
        example="bench lint-table paper:table3",
        run=_run,
    )
    parser.add_argument(
        "target", metavar="FILE|paper:tableN", help="a table file, or a table of the QMS paper"
    )
    parser.add_argument("--n", type=int, metavar="N", help="evaluated queries, when the table does not say")


def _run(chosen: argparse.Namespace) -> int:
    from bench.errors import GateError
    from bench.lint.report import lint
    from bench.paper.published import lint_paper_table

    if chosen.target.startswith(_PAPER):
        report = lint_paper_table(chosen.target.removeprefix(_PAPER), n=chosen.n)
    else:
        report = lint(chosen.target, n=chosen.n)
    print(report.to_text())
    return 0 if report.ok else GateError.exit_status
