"""``bench evaluate``: score somebody else's TREC run."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli.common import Verbs, add_format, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "evaluate",
        what="Score a TREC run, of any origin, on a dataset or on a qrels file.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench evaluate --qrels out/qrels.trec --queries out/queries.tsv --run out/runs/lead.bm25.trec",
        run=_run,
    )
    option = parser.add_argument
    option(
        "--run",
        dest="run_file",
        metavar="FILE.trec",
        type=Path,
        required=True,
        help="qid Q0 docno rank score tag",
    )
    option("--data", metavar="NAME|DIR", help="registered dataset or folder whose queries the run answers")
    option(
        "--protocol", default="one-query-per-video", metavar="NAME", help="with --data; default: %(default)s"
    )
    option("--query-seed", type=int, default=0, metavar="N", help="with --data; default: %(default)s")
    option("--split", default="test", metavar="NAME", help="with --data; default: %(default)s")
    option("--qrels", type=Path, metavar="FILE", help="TREC qrels, instead of --data")
    option(
        "--queries", type=Path, metavar="FILE", help="query_id<TAB>text a line: which queries are evaluated"
    )
    option("--store", metavar="DIR", type=Path, help="where registered datasets are kept")
    add_format(parser)


def _run(chosen: argparse.Namespace) -> int:
    from bench.comparison.foreign_run import evaluate_files, evaluate_on_dataset
    from bench.errors import UsageError
    from bench.tables.build import RENDERERS

    if (chosen.data is None) == (chosen.qrels is None):
        raise UsageError(
            "name what the run is scored on: either --data D, or --qrels FILE with --queries FILE."
        )
    if chosen.data is not None:
        table = evaluate_on_dataset(chosen)
    else:
        table = evaluate_files(chosen.run_file, chosen.qrels, chosen.queries)
    print(RENDERERS[chosen.format](table), end="")
    return 0
