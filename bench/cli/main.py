"""The command line: verbs to functions to exit status (contract section 1); no logic."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import sys
import textwrap
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from bench.cli import compare, data, info, run, score, show, store
from bench.cli.terminal import filtered_output, print_error
from bench.errors import BenchError, UsageError, error_of_system, shorten, suggestions

GROUPS = {
    "Run": (run,),
    "Look at a run": (show,),
    "Compare and check": (compare, score),
    "Data, store and this machine": (data, store, info),
}
"""The verbs by purpose, as the help lists them."""
ABOUT = """Does this generated summary make a video findable?
Generators write summaries, retrievers search them, metrics score the ranks."""
START = "Start with: bench run --generators lead,transcript --retrievers bm25    (the synthetic demo)"
INTERRUPTED, TERMINATED = 130, 143
_UNEXPECTED = "Unexpected error. Re-run with --verbose for the traceback."


class Terminated(KeyboardInterrupt):
    """SIGTERM: what a scheduler sends to stop a process; it ends like Ctrl-C."""


class Parser(argparse.ArgumentParser):
    """Reports a usage error as one paragraph with near-miss suggestions, and exits with 2."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write help or a version; argparse would ignore that nothing could be written."""
        stream: TextIO = file or sys.stderr
        stream.write(message)
        stream.flush()

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print what is wrong and how to get help."""
        print_error(f"{_with_hint(self, message)} See '{self.prog} --help'.")
        self.exit(2)


def build_parser() -> argparse.ArgumentParser:
    """Declare the command line: every verb, and a help text that groups them by purpose."""
    parser = Parser(
        prog="bench",
        usage="bench [-h] [--version] VERB ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(
        dest="verb",
        metavar="VERB",
        required=True,
        parser_class=Parser,
        prog="bench",
        help=argparse.SUPPRESS,
    )
    groups = []
    for title, modules in GROUPS.items():
        seen = len(verbs._choices_actions)
        for module in modules:
            module.add(verbs)
        groups.append(f"{title}:\n{_describe_verbs(verbs._choices_actions[seen:])}")
    for one in _parsers(parser):
        if one.get_default("run") and "--verbose" not in one._option_string_actions:
            one.add_argument("--verbose", action="store_true", default=None, help="show tracebacks")
    parser.description = "\n\n".join([ABOUT, *groups])
    parser.epilog = START
    parser.add_argument("--version", action="version", version=_version())
    return parser


def _describe_verbs(verbs: Sequence[argparse.Action]) -> str:
    """List verbs with their help in two columns, wrapped to the terminal."""
    indent = " " * 14
    width = max(40, min(shutil.get_terminal_size().columns - 2, 110))
    return "\n".join(
        textwrap.fill(f"  {verb.dest:<12}{verb.help}", width, subsequent_indent=indent) for verb in verbs
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with filtered_output():
        try:
            with _sigterm_as_interrupt():
                return _run(words)
        except Terminated:
            print("bench: terminated. Run the same command to resume.", file=sys.stderr)
            return TERMINATED
        except KeyboardInterrupt:
            print("bench: interrupted. Run the same command to resume.", file=sys.stderr)
            return INTERRUPTED
        except Exception as error:
            if "--verbose" in words:
                traceback.print_exc()
            return _report(error)


def _run(words: list[str]) -> int:
    parser = build_parser()
    _check_encodable(words)
    if not words:
        parser.print_help()
        return 0
    args, rest = parser.parse_known_args(_join_values(parser, words))
    if rest:
        verb = _verb(parser, words)
        verb.error(f"unrecognized arguments: {' '.join(rest)}.{_elsewhere(parser, verb, rest)}")
    status: int = args.run(args)
    sys.stdout.flush()
    return status


def _check_encodable(words: Sequence[str]) -> None:
    """Raise UsageError for half of a surrogate pair, which neither a path nor a file of text can hold."""
    for word in words:
        try:
            os.fsencode(word)
        except UnicodeEncodeError as error:
            raise UsageError(
                f"the argument {shorten(word)} holds half of a character (number {error.start + 1})."
            ) from error


def _report(error: Exception) -> int:
    """Print an error and return its exit status; 1 for what only a defect of ours can raise."""
    known = error if isinstance(error, BenchError) else error_of_system(error)
    if known is None:
        print_error(f"{type(error).__name__}: {error}. {_UNEXPECTED}")
        return BenchError.exit_status
    print_error(known)
    return known.exit_status


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: workers stop, temporary files go."""

    def terminate(*_: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _join_values(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """Write ``--video -x`` as ``--video=-x``, and the file ``-x`` as ``./-x``, as argparse needs them.

    Ids may begin with a dash. A known flag stays one, so that a forgotten value is noticed.
    """
    verb = _verb(parser, words)
    joined: list[str] = []
    for word in words:
        action = verb._option_string_actions.get(joined[-1]) if joined else None
        takes_one = action is not None and action.nargs is None and "--" not in joined
        is_flag = word.partition("=")[0] in verb._option_string_actions or word == "--"
        starts_with_dash = word.startswith("-") and not is_flag and len(word) > 1
        if takes_one and starts_with_dash:
            joined[-1] += f"={word}"
        elif starts_with_dash and os.path.lexists(word):
            joined.append(f"./{word}")
        else:
            joined.append(word)
    return joined


def _verb(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.ArgumentParser:
    """Look up the parser of the verb, or action of a verb, with which the words begin."""
    for action in parser._actions:
        if words and isinstance(action, argparse._SubParsersAction) and words[0] in action.choices:
            return _verb(action.choices[words[0]], words[1:])
    return parser


def _version() -> str:
    from bench import __version__

    return f"qms-bench {__version__}"


def _elsewhere(parser: argparse.ArgumentParser, verb: argparse.ArgumentParser, words: Sequence[str]) -> str:
    """Say which other verbs have the options that ``verb`` has not, and what ``verb`` takes."""
    verbs = [one for one in _parsers(parser) if one not in (parser, verb)]
    for option in (word.partition("=")[0] for word in words):
        if names := [f"'{one.prog}'" for one in verbs if option in one._option_string_actions]:
            usage = " ".join(verb.format_usage().split())
            return f" {option} is an option of {', '.join(names[:3])}; {usage}."
    return ""


def _with_hint(parser: argparse.ArgumentParser, message: str) -> str:
    """Add the nearest known word to argparse's message about an unknown one."""
    message = message.rstrip(".") + "."
    if message.startswith("unrecognized arguments:"):
        known = sorted(parser._option_string_actions)
        words = [word.partition("=")[0].rstrip(".") for word in message.split()[2:] if word.startswith("-")]
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
