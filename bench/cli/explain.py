"""``bench explain``: what was asked, written and found, for one query or one video."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli.common import Verbs, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "explain",
        what="Tell of a query or a video what was asked, written and found at which rank, and why.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        'bench explain out --query "$(head -1 out/queries.tsv | cut -f1)"',
        run=_run,
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="output folder of a run")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--query", metavar="QID", help="an id of queries.tsv")
    which.add_argument("--video", metavar="VID", help="an id of the pool")
    parser.add_argument("--store", type=Path, metavar="DIR", help="shared artefacts, such as embeddings")


def _run(chosen: argparse.Namespace) -> int:
    from bench.explain.explainer import Explainer

    explainer = Explainer(chosen.out, chosen.store)
    text = explainer.video(chosen.video) if chosen.query is None else explainer.query(chosen.query)
    sys.stdout.write(text)
    return 0
