"""What the verbs share that score run files of any origin: evaluate, compare and check."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.choices import TIES, Ties
from bench.cli.common import add_path, run_options
from bench.config.run_config import OPTIONS
from bench.errors import UsageError
from bench.options import split_list

if TYPE_CHECKING:
    from bench.foreign.judgements import Judgements
    from bench.foreign.runs import ForeignRun
    from bench.result import Result


def add_judgements(parser: argparse.ArgumentParser) -> None:
    """Add the options that say on what run files are scored, and how."""
    add_path(
        parser,
        "--qrels",
        "FILE|DIR|ir_datasets:ID",
        "judgements: TREC, TSV or JSON; a BEIR folder, for a --split; or a collection of ir_datasets",
    )
    add_path(parser, "--queries", "FILE", "id<TAB>text lines or JSON lines; which queries are evaluated")
    parser.add_argument(
        "--metrics", action="append", metavar="LIST",
        help="R@k, P@k, Acc@k, nDCG@k, MAP@k, MRR@k, Judged@k, and names of ir_measures (default: the "
        "paper's)",
    )  # fmt: skip
    add_path(parser, "--attributes", "FILE.csv", "attributes of queries, their ids in the first column")
    parser.add_argument(
        "--ties", choices=TIES,
        help="order of documents of equal score: trec_eval's (id descending), ours (ascending), or by rank "
        "(default: trec_eval)",
    )  # fmt: skip


def read_measures(args: argparse.Namespace) -> tuple[str, ...]:
    """Parse the measures of ``--metrics``, by default the paper's. Raises UsageError."""
    from bench.measures.by_topic import DEFAULT, parse

    return parse(split_list(*args.metrics or ()) or DEFAULT)


def read_ties(args: argparse.Namespace) -> Ties:
    """Read the rule of ``--ties``, by default that of trec_eval."""
    ties: Ties = args.ties or TIES[0]
    return ties


def refuse_without_qrels(args: argparse.Namespace) -> None:
    """Raise UsageError for run files, and for options that say how they are scored, without ``--qrels``."""
    files = [out for out in (args.out, getattr(args, "other", None)) if out is not None and out.is_file()]
    if args.qrels is None and files:
        raise UsageError(
            f"{files[0]} is a file, not the output folder of a bench run. Of a run file, say what it is "
            "scored on: --qrels FILE or DIR."
        )
    for name in ("queries", "metrics", "attributes", "ties", "split"):
        if args.qrels is None and getattr(args, name) is not None:
            raise UsageError(
                f"--{name} belongs to --qrels, with which run files are scored; the scores of {args.out} are "
                "read as they are. Leave it out, or name run files and their --qrels."
            )


def load_judgements(args: argparse.Namespace) -> Judgements:
    """Read what runs are scored on, and say what the file was taken for. Raises BenchError."""
    from bench.foreign.judgements import count_topics, judgements_of_dataset, read_judgements

    data = getattr(args, "data", None)
    if data is not None and args.qrels is not None:
        raise UsageError("runs are scored on --qrels or on --data, not on both. Leave one out.")
    if data is None and args.qrels is None:
        raise UsageError("say what the runs are scored on: --qrels FILE or DIR, or --data NAME or DIR.")
    if args.qrels is not None:
        for name in ("protocol", "query_seed"):
            if getattr(args, name, None) is not None:
                raise UsageError(
                    f"{OPTIONS[name].flag} selects queries of a dataset (--data); with --qrels all judged "
                    "topics are evaluated. Leave it out."
                )
        split = getattr(args, "split", None) or "test"
        judgements = read_judgements(args.qrels, args.queries, split, args.attributes)
        print(
            f"bench: {args.qrels}: {judgements.form}, {count_topics(len(judgements.topics))}", file=sys.stderr
        )
    else:
        from bench.config.run_config import configure

        if args.attributes is not None:
            raise UsageError("--attributes belongs to --qrels; a dataset has its own in queries.jsonl.")
        if args.queries is not None:
            raise UsageError("--queries belongs to --qrels; which queries of a dataset count: --protocol.")
        config = configure(run_options(args))
        judgements = judgements_of_dataset(
            str(config.data),
            protocol=config.protocol,
            query_seed=config.query_seed,
            split=config.split,
            store=config.store,
        )
    return judgements


def read_named_runs(words: Sequence[str], judgements: Judgements) -> list[ForeignRun]:
    """Read the runs that ``[NAME=]FILE`` words name, and say what each was taken for. Raises BenchError."""
    from bench.foreign.judgements import count_topics
    from bench.foreign.runs import read_runs

    runs = read_runs(words, judgements)
    for run in runs:
        nothing = "" if any(run.run.hits.values()) else "; it found nothing, so that every score of it is 0"
        print(f"bench: {run.file}: {run.form}, {count_topics(len(run.run.hits))}{nothing}", file=sys.stderr)
    return runs


@contextlib.contextmanager
def evaluated(args: argparse.Namespace, *groups: Sequence[str]) -> Iterator[list[Result]]:
    """Score groups of run files for the length of a block; yields a result for each group.

    The judgements are read once, so that they may come from a pipe.
    """
    from bench.foreign.folder import write_evaluation

    measures, judgements = read_measures(args), load_judgements(args)
    with tempfile.TemporaryDirectory() as temporary:
        yield [
            write_evaluation(
                Path(temporary) / str(number) / "out",
                judgements, read_named_runs(words, judgements), measures=measures, ties=read_ties(args),
            )
            for number, words in enumerate(groups)
        ]  # fmt: skip
