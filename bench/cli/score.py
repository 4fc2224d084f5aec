"""``bench evaluate`` and ``bench lint-table``: results that were made elsewhere."""

from __future__ import annotations

import argparse
import sys

from bench.cli.answer import tables_by
from bench.cli.common import Verbs, add_by, add_format, add_number, add_path, add_run_options, add_verb
from bench.cli.foreign import add_judgements, load_judgements, read_measures, read_named_runs, read_ties
from bench.options import Count

_PAPER = "paper:"
_DATA_OPTIONS = ("data", "protocol", "query_seed", "split", "store")


def add(verbs: Verbs) -> None:
    """Add the verbs of this module to the command line's parser."""
    _add_evaluate(verbs)
    _add_lint_table(verbs)


def _add_evaluate(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "evaluate",
        what="Score run files of any origin, on relevance judgements or on a dataset.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench evaluate --qrels out/qrels.trec --queries out/queries.tsv --run out/runs/lead.bm25.trec",
        run=_evaluate,
    )
    parser.add_argument(
        "--fuse", action="append", metavar="rrf|sum[:W,W...]",
        help="one more row: the runs fused by reciprocal ranks or by scores scaled to 0..1; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--run", dest="runs", metavar="[NAME=]FILE", action="append", required=True,
        help="a run, a row of the table; repeatable. TREC, TSV or JSON, gzip too; - is standard input",
    )  # fmt: skip
    meaning = "registered dataset or folder whose queries the runs answer"
    add_run_options(parser, _DATA_OPTIONS, help={"data": meaning})
    add_judgements(parser)
    add_by(parser, "print a table of scores by an attribute of the queries, too")
    add_path(parser, "--out", "DIR", "keep the scores, tables and page as an output folder")
    add_format(parser)


def _add_lint_table(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "lint-table",
        what="Check the arithmetic of any results table (CSV, Markdown, LaTeX, HTML).",
        example="bench lint-table paper:table3",
        run=_lint_table,
    )
    parser.add_argument(
        "target", metavar="FILE|paper:tableN", help="a table file, or a table of the QMS paper"
    )
    add_number(parser, "--n", "N", "evaluated queries, when the table does not say", Count)


def _evaluate(args: argparse.Namespace) -> int:
    import tempfile
    from pathlib import Path

    from bench.config.run_config import configure
    from bench.foreign.folder import write_evaluation
    from bench.foreign.fusion import fuse, parse_fusion
    from bench.store.artefacts import Store, default_root
    from bench.tables.table import RENDERERS

    measures, judgements = read_measures(args), load_judgements(args)
    runs = read_named_runs(args.runs, judgements)
    fused = [fuse(runs, parse_fusion(text)) for text in args.fuse or ()]
    root = configure({"store": args.store}).store or default_root()
    with tempfile.TemporaryDirectory() as temporary:
        result = write_evaluation(
            args.out or Path(temporary) / "out",
            judgements,
            [*runs, *fused],
            measures=measures,
            ties=read_ties(args),
            store=Store(root) if args.out else None,
        )
        tables = [table for table in result.tables() if table.name == "retrieval"]
        tables += tables_by(result, args.by, measures[0] if args.metrics else None)
    print("\n".join(RENDERERS[args.format](table) for table in tables), end="")
    if args.out:
        print(f"bench: results: {args.out} (open {args.out / 'report.html'})", file=sys.stderr)
    return 0


def _lint_table(args: argparse.Namespace) -> int:
    from bench.errors import GateError
    from bench.lint.report import lint
    from bench.options import expand_home
    from bench.paper.published import lint_paper_table

    if args.target.startswith(_PAPER):
        report = lint_paper_table(args.target.removeprefix(_PAPER), n=args.n)
    else:
        report = lint(str(expand_home(args.target)), n=args.n)
    print(report.to_text())
    return 0 if report.ok else GateError.exit_status
