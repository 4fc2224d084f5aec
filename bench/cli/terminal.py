"""What the command line writes: one filter between texts from data and the user's terminal."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from bench.text import printable

LONGEST_WORD, LONGEST_MESSAGE = 400, 4000
"""Characters of an error message that are printed: a value from data may have megabytes."""


class FilteredOutput:
    """Standard output or error whose text cannot steer a terminal and whose reader may leave.

    Control characters are replaced. When the reader leaves (``| head``), the rest is discarded, so that
    the exit status stays that of the work; so it is with ``messages`` that cannot be written, as on a
    full disk. ``terminal`` is the stream behind the filter.
    """

    def __init__(self, terminal: TextIO, *, messages: bool = False) -> None:
        self.terminal = terminal
        self.messages = messages

    def write(self, text: str) -> int:
        """Write a text. Raises OSError as the stream does, but not for messages or a reader that left."""
        self._attempt(lambda: self.terminal.write(printable(text)))
        return len(text)

    def flush(self) -> None:
        """Flush the stream, with the same errors as `write`."""
        self._attempt(self.terminal.flush)

    def close(self) -> None:
        """Flush alone: a system of others that closes standard output shall not end what bench prints."""
        self.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except BrokenPipeError:
            self._discard()
        except OSError as error:
            self._discard()  # otherwise Python would try the same once more at its end
            if self.messages:
                return
            raise OSError(error.errno, error.strerror, self.terminal.name) from error

    def _discard(self) -> None:
        """Send the rest, and what waits in the buffer, nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.terminal.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def filtered_output() -> Iterator[None]:
    """Put the filter before standard output and error; a stream that was closed writes nowhere."""
    with contextlib.ExitStack() as stack:
        out, err = (_open(stream, stack) for stream in (sys.stdout, sys.stderr))
        stack.enter_context(contextlib.redirect_stdout(cast(TextIO, FilteredOutput(out))))
        stack.enter_context(contextlib.redirect_stderr(cast(TextIO, FilteredOutput(err, messages=True))))
        try:
            yield
        finally:  # Python's own flush at its end would make the exit status 120 when the reader left
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError):
                    stream.flush()


def print_error(message: object) -> None:
    """Print an error as one paragraph on standard error; very long values in it are cut."""
    text = re.sub(rf"\S{{{LONGEST_WORD},}}", lambda word: f"{word[0][:80]}…{word[0][-20:]}", str(message))
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[:LONGEST_MESSAGE]}…"
    print(f"bench: error: {text}", file=sys.stderr)


def _open(stream: TextIO | None, stack: contextlib.ExitStack) -> TextIO:
    if stream is None:  # closed before Python started; nothing else may get its number
        return stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
    lenient = getattr(stream, "errors", None) not in ("strict", "surrogateescape")  # the latter: LC_ALL=C
    if not lenient and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return stream
