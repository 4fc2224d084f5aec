"""The command line: verbs to functions to exit status (contract section 1); no logic."""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence

from bench.cli import check, compare, data, doctor, explain, lint_table, report, reproduce, run
from bench.cli import info as listing
from bench.cli import score as evaluate
from bench.cli import show as table
from bench.errors import BenchError, suggestions

VERBS = (run, listing, table, report, explain, evaluate, compare, check, lint_table, reproduce, data, doctor)
INTERRUPTED = 130
_UNEXPECTED = "This was not foreseen; 'bench run --verbose' shows where it happened."


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
            traceback.print_exc()
        print(f"bench: error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("bench: interrupted; the same command continues.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # our own mistake, or the machine's: a full disk, a folder that is locked
        if verbose:
            traceback.print_exc()
        print(f"bench: error: {type(error).__name__}: {error}. {_UNEXPECTED}", file=sys.stderr)
        return BenchError.exit_status
    return status


def _version() -> str:
    from bench import __version__

    return f"qms-bench {__version__}"


def _with_hint(parser: argparse.ArgumentParser, message: str) -> str:
    """Add the nearest known word to what argparse says of an unknown one."""
    message = message.rstrip(".") + "."
    if message.startswith("unrecognized arguments:"):
        # told by the outermost parser, whichever verb it was for
        known = sorted({option for one in _parsers(parser) for option in one._option_string_actions})
        words = [word.partition("=")[0] for word in message.rstrip(".").split()[2:] if word.startswith("-")]
    elif choice := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
        words, known = [choice[1]], re.findall(r"[\w.-]+", choice[2])
    else:
        return message
    near = [found for word in words for found in suggestions(word, known, most=1)]
    return f"{message} Did you mean {near[0]}?" if near else message


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)
