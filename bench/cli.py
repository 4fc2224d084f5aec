"""The command line: verbs to functions to exit status (contract section 1); no logic."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from bench.errors import BenchError, suggestions
from bench.verbs import data, doctor, evaluate, lint_table, listing, run, table

VERBS = (run, listing, table, evaluate, lint_table, data, doctor)
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Report wrong use as one paragraph with near-miss suggestions, and exit with 2."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print what is wrong and how to get help."""
        self.exit(2, f"bench: error: {_with_hint(self, message)} See '{self.prog} --help'.\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    parser = Parser(
        prog="bench",
        description="Does this generated summary make a video findable? Generators write, retrievers search, "
        "metrics score.",
        epilog="Start with: bench run    (all generators, BM25 and DPR, on the synthetic demo dataset)",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for module in VERBS:
        module.add(verbs)
    parser.add_argument("--version", action="version", version=_version())
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    chosen = build_parser().parse_args(arguments)
    verbose = bool(getattr(chosen, "verbose", False))
    try:
        status: int = chosen.run(chosen)
        sys.stdout.flush()
    except BenchError as error:
        if verbose:
            raise
        print(f"bench: error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("bench: interrupted; the same command continues.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _version() -> str:
    from bench import __version__

    return f"qms-bench {__version__}"


def _with_hint(parser: argparse.ArgumentParser, message: str) -> str:
    message = message.rstrip(".") + "."
    known = [option for action in parser._actions for option in action.option_strings]
    verbs = [name for a in parser._actions if isinstance(a, argparse._SubParsersAction) for name in a.choices]
    words = [word.partition("=")[0].strip("'(),") for word in message.split()]
    for word in words:
        near = suggestions(word, known if word.startswith("-") else verbs, most=1)
        if near and word not in known and word not in verbs:
            return f"{message} Did you mean {near[0]}?"
    return message
