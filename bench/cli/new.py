"""``bench new``: start a package with a generator, a retriever, a measure or a dataset of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli.common import Verbs, add_path, add_verb

KINDS = ("generator", "retriever", "metric", "dataset")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "new",
        what="Start a package of your own, with a test.",
        example="bench new generator last-sentence && python -m pytest -p no:cacheprovider last-sentence",
        run=_new,
    )
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("name", metavar="NAME", help="how it is named on the command line")
    add_path(parser, "--out", "DIR", "folder that is made (default: NAME)")


def _new(args: argparse.Namespace) -> int:
    from bench.scaffold.package import start_package

    folder = args.out or Path(args.name)
    for path in start_package(args.kind, args.name, folder):
        print(path)
    use = {
        "generator": f"bench run --generators {args.name},lead --retrievers bm25",
        "retriever": f"bench run --generators lead,transcript --retrievers {args.name},bm25",
        "metric": f"bench evaluate --qrels QRELS --run RUN --metrics {args.name}@10",
        "dataset": f"bench run --data {args.name} --generators transcript --retrievers bm25",
    }
    print(f"\nInstall and use it: pip install -e {folder} && {use[args.kind]}")
    return 0
