"""``bench table``, ``report``, ``explain`` and ``export``: a finished run, shown and passed on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_by, add_format, add_out, add_path, add_verb
from bench.errors import unknown
from bench.options import split_list
from bench.output.schema import FIGURE_FORMATS

if TYPE_CHECKING:
    from bench.result import Result
    from bench.tables.table import Table


def add(verbs: Verbs) -> None:
    """Add the verbs of this module to the command line's parser."""
    _add_table(verbs)
    _add_report(verbs)
    _add_explain(verbs)
    _add_export(verbs)


def _add_table(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "table",
        what="Print the tables of a run, finished or not.",
        example="bench run --generators lead --retrievers bm25 --out out && bench table out --format latex",
        run=_table,
    )
    add_out(parser)
    add_format(parser, aligned=True)
    add_by(parser, "print scores by an attribute of the queries instead")
    parser.add_argument("--metric", metavar="NAME", help="metric of the tables of --by (default: R@10)")
    parser.add_argument(
        "--table",
        metavar="NAME,...",
        help="some of generation, retrieval, ties, cost; or ranks (median, mean)",
    )
    parser.add_argument(
        "--metrics",
        metavar="NAME,...",
        help="columns to print, such as R@1,R@10",
    )
    parser.add_argument("--intervals", action="store_true", help="show the 95 %% confidence intervals")
    parser.add_argument(
        "--summary", action="store_true", help="print the answer and the leaderboard alone, as Markdown"
    )


def _add_report(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "report",
        what="Rebuild the HTML report of a run, or compare several runs in one.",
        example="bench run --generators lead,transcript --retrievers bm25 --out out && bench report out",
        run=_report,
    )
    add_out(parser, nargs="+")
    add_path(
        parser,
        "--to",
        "FILE.html",
        "where the report is written (default: OUT/report.html for one run, comparison.html for several)",
    )
    parser.add_argument(
        "--figures",
        metavar="FORMAT,...",
        help=f"also write each plot to figures/ beside the report, as {', '.join(FIGURE_FORMATS)}",
    )
    parser.add_argument("--open", action="store_true", help="open the report in the browser")
    add_path(parser, "--store", "DIR", "shared artefacts")


def _add_explain(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "explain",
        what="Show one query or video: summaries, ranks, and why each matched.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        'bench explain out --query "$(head -1 out/queries.tsv | cut -f1)"',
        run=_explain,
    )
    add_out(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--query", metavar="QID", help="an id of queries.tsv")
    which.add_argument("--video", metavar="VID", help="an id of a searched video")
    add_path(parser, "--store", "DIR", "shared artefacts, such as trained models")


def _add_export(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "export",
        what="Write a run in the format of TREC, BEIR, MTEB or Every Eval Ever.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench export out --format beir --to lead-as-beir",
        run=_export,
    )
    add_out(parser)
    parser.add_argument(
        "--format",
        required=True,
        metavar="FORMAT",
        help="trec: qrels, topics, runs; beir: a folder for each generator, with its summaries as corpus; "
        "mteb: a task result for each cell; every_eval_ever: a record for each cell",
    )
    add_path(parser, "--to", "DIR", "folder that is made", required=True)


def _export(args: argparse.Namespace) -> int:
    from bench.export.exporter import export_run

    files = export_run(args.out, args.format, args.to)
    _name_seed(args.out, "the rankings and summaries are those")
    print(f"{args.to}: {len(files)} files")
    return 0


def _table(args: argparse.Namespace) -> int:
    from bench.cli.answer import print_result, print_table, summary_of, tables_by
    from bench.errors import UsageError
    from bench.result import Result
    from bench.summary.markdown import to_markdown

    result = Result.read(args.out)
    if args.metric and not args.by:
        raise UsageError("--metric chooses the metric of --by: name an attribute, such as --by length.")
    if args.by:
        for table in tables_by(result, args.by, args.metric, intervals=args.intervals):
            print_table(table, args.format)
        return 0
    if args.table or args.metrics:
        if args.summary:
            raise UsageError("--summary has no tables: leave out --table and --metrics.")
        for table in _chosen_tables(result, args):
            print_table(table, args.format)
    elif not args.summary:
        print_result(
            result, "markdown" if args.intervals and args.format is None else args.format, args.intervals
        )
    elif args.format not in (None, "markdown"):
        raise UsageError(f"--summary is Markdown: leave out --format {args.format}.")
    else:
        print(to_markdown(summary_of(result)), end="")
    return 0


def _chosen_tables(result: Result, args: argparse.Namespace) -> list[Table]:
    """Select the tables and columns that the arguments name; raises UsageError for an unknown name."""
    from bench.comparison.rank_table import NAME, rank_table
    from bench.output.schema import GENERATION
    from bench.tables.table import select_columns

    headers = {metric: header for header, metric in GENERATION.items()}  # "C" is CIDEr
    names, metrics = split_list(args.table or ""), split_list(args.metrics or "")
    tables = result.tables(intervals=args.intervals)
    _check_known("table", names, [*(table.name for table in tables), NAME])
    if NAME in names:
        tables.append(rank_table(result))
        _name_seed(args.out, f"the table '{NAME}' is that")
    tables = [table for table in tables if not names or table.name in names]
    columns = {column for table in tables for column in table.columns}
    _check_known("column", metrics, sorted(columns | {m for m, h in headers.items() if h in columns}))
    if not metrics:
        return tables
    wanted = [headers.get(word, word) for word in metrics]
    narrow = {table.name: table for table in result.tables(intervals=args.intervals, columns=wanted)}
    tables = [narrow.get(table.name, table) for table in tables]
    return [one for table in tables if (one := select_columns(table, wanted)).columns]


def _name_seed(out: Path, what: str) -> None:
    """Say of which seed something is that a run with several seeds has for each of them."""
    from bench.output.manifest import read_manifest

    if seeds := list(read_manifest(out).seeds):
        print(f"bench: {out} has the seeds {', '.join(seeds)}; {what} of seed {seeds[0]}.", file=sys.stderr)


def _check_known(kind: str, words: Sequence[str], known: Sequence[str]) -> None:
    for word in words:
        if word not in known:
            raise unknown(kind, word, list(dict.fromkeys(known)))


def _report(args: argparse.Namespace) -> int:
    from bench.cli.answer import open_page
    from bench.report.page import make_page

    page = make_page(args.out, to=args.to, figures=_figure_formats(args.figures), store=args.store)
    print(f"bench: report: {page}", file=sys.stderr)
    if args.open:
        open_page(page)
    return 0


def _figure_formats(text: str | None) -> list[str]:
    """Split the comma-separated formats of figures; raises UsageError for one that plots cannot have."""
    formats = split_list(text or "")
    _check_known("figure format", formats, FIGURE_FORMATS)
    return list(dict.fromkeys(formats))


def _explain(args: argparse.Namespace) -> int:
    from bench.cli.answer import print_marked
    from bench.explain.explainer import Explainer

    explainer = Explainer(args.out, args.store)
    _name_seed(args.out, "what is shown is")
    text = explainer.video(args.video) if args.query is None else explainer.query(args.query)
    print_marked(text, explainer.words(query=args.query, video=args.video))
    return 0
