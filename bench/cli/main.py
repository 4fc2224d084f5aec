"""The command line: verbs to functions to exit status (contract section 1); no logic."""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence

from bench.cli import compare, data, info, run, score, show
from bench.errors import BenchError, suggestions

GROUPS = (run, show, compare, score, data, info)
INTERRUPTED = 130
_UNEXPECTED = "Unexpected error. Re-run with --verbose for the traceback."


class Parser(argparse.ArgumentParser):
    """Reports a usage error as one paragraph with near-miss suggestions, and exits with 2."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print what is wrong and how to get help."""
        self.exit(2, f"bench: error: {_with_hint(self, message)} See '{self.prog} --help'.\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    parser = Parser(
        prog="bench",
        description="Does this generated summary make a video findable?\n"
        "Generators write summaries, retrievers search them, metrics score the ranks.",
        epilog="Start with: bench run --generators lead,transcript --retrievers bm25    (the synthetic demo)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for module in GROUPS:
        module.add(verbs)
    parser.add_argument("--version", action="version", version=_version())
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    args = build_parser().parse_args(arguments)
    verbose = bool(getattr(args, "verbose", False))
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except BenchError as error:
        if verbose:
            traceback.print_exc()
        print(f"bench: error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("bench: interrupted. Run the same command to resume.", file=sys.stderr)
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
    """Add the nearest known word to argparse's message about an unknown one."""
    message = message.rstrip(".") + "."
    if message.startswith("unrecognized arguments:"):
        # reported by the outermost parser, whichever verb it was for
        known = sorted({option for one in _parsers(parser) for option in one._option_string_actions})
        words = [word.partition("=")[0] for word in message.rstrip(".").split()[2:] if word.startswith("-")]
    elif choice := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
        words, known = [choice[1]], re.findall(r"[\w.-]+", choice[2])
    else:
        return message
    near = [name for word in words for name in suggestions(word, known, limit=1)]
    return f"{message} Did you mean {near[0]}?" if near else message


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)
