"""``bench evaluate`` and ``bench lint-table``: results that were made elsewhere."""

from __future__ import annotations

import argparse

from bench.cli.common import Verbs, add_format, add_path, add_run_options, add_verb, run_options

_PAPER = "paper:"
_DATA_OPTIONS = ("data", "protocol", "query_seed", "split", "store")


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    _add_evaluate(verbs)
    _add_lint_table(verbs)


def _add_evaluate(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "evaluate",
        what="Score any TREC run file, on a dataset or on a qrels file.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench evaluate --qrels out/qrels.trec --queries out/queries.tsv --run out/runs/lead.bm25.trec",
        run=_evaluate,
    )
    add_path(
        parser, "--run", "FILE.trec", "lines of: qid Q0 docno rank score tag", dest="run_file", required=True
    )
    meaning = "registered dataset or folder whose queries the run answers"
    add_run_options(parser, _DATA_OPTIONS, help={"data": meaning})
    add_path(parser, "--qrels", "FILE", "TREC qrels, instead of --data")
    add_path(parser, "--queries", "FILE", "lines of: query_id<TAB>text; which queries are evaluated")
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
    parser.add_argument("--n", type=int, metavar="N", help="evaluated queries, when the table does not say")


def _evaluate(args: argparse.Namespace) -> int:
    from bench.comparison.foreign_run import evaluate_files, evaluate_on_dataset
    from bench.config.run_config import configure
    from bench.errors import UsageError
    from bench.tables.table import RENDERERS

    if (args.data is None) == (args.qrels is None):
        raise UsageError(
            "say what the run is scored on: either --data D, or --qrels FILE with --queries FILE."
        )
    config = configure(run_options(args))
    if args.data is None:
        table = evaluate_files(args.run_file, args.qrels, args.queries)
    else:
        table = evaluate_on_dataset(
            args.run_file,
            config.data,
            protocol=config.protocol,
            query_seed=config.query_seed,
            split=config.split,
            store=config.store,
        )
    print(RENDERERS[args.format](table), end="")
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
