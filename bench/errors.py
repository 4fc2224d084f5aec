"""What users see when something is wrong: one short paragraph and an exit status."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import PurePath
from reprlib import Repr

__cache_neutral__ = True

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


class BenchError(Exception):
    """An error that a user can act on: what is wrong, where, what is known, what to do.

    The message is one paragraph. Subclasses set the exit status of the command (contract section 1).
    """

    exit_status = 1

    def _render_traceback_(self) -> list[str]:
        """Show the message alone in a notebook (a hook of IPython); the calls are those of this package."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(BenchError):
    """A usage error: an unknown name, option or key (exit 2)."""

    exit_status = 2


class DataError(BenchError):
    """Bad data in a file (exit 3); the message starts with ``file:line`` where a line is known."""

    exit_status = 3


class MissingError(BenchError):
    """Something is missing on this machine: a package, weights, Java (exit 4)."""

    exit_status = 4


class LostProcessError(MissingError):
    """A process that trains together with this one has ended: the run cannot go on (exit 4)."""


class GateError(BenchError):
    """A gate failed: a check, a lint, a strict validation (exit 5)."""

    exit_status = 5


_NO_SPACE = "Free some space, or name folders on another disk with --out and --store; then run it again."
_SYSTEM_ERRORS: Mapping[int, tuple[type[BenchError], str]] = {
    errno.ENOSPC: (MissingError, _NO_SPACE),
    errno.EFBIG: (MissingError, _NO_SPACE),
    errno.EDQUOT: (MissingError, _NO_SPACE),
    errno.EACCES: (MissingError, "Change its permissions, or name another path."),
    errno.EPERM: (MissingError, "Change its permissions, or name another path."),
    errno.EROFS: (MissingError, "Name a path on a disk that can be written."),
    errno.ENOENT: (MissingError, "Check the path; something may have deleted it."),
    errno.EISDIR: (DataError, "A file is needed, not a folder."),
    errno.ENOTDIR: (DataError, "A part of this path is a file, not a folder."),
    errno.EEXIST: (DataError, "Remove it, or name another path."),
    errno.ENOTEMPTY: (DataError, "Empty it, or name another path."),
    errno.ENAMETOOLONG: (DataError, "Use a shorter path."),
    errno.ELOOP: (DataError, "Its symbolic links lead in a circle."),
    errno.EMFILE: (MissingError, "Allow more open files: ulimit -n 4096."),
    errno.ENFILE: (MissingError, "Close other programs."),
}
"""What the system may refuse: whose error it is, and what to do."""


def error_of_system(error: BaseException) -> BenchError | None:
    """Convert a refusal of the system (space, permission, memory) to a BenchError; None for anything else."""
    if isinstance(error, MemoryError):
        return MissingError("there is not enough memory. Use smaller batches or data, or another machine.")
    if not isinstance(error, OSError) or error.errno is None:
        return None
    kind, remedy = _SYSTEM_ERRORS.get(error.errno, (MissingError, ""))
    path = error.filename2 or error.filename
    if isinstance(path, bytes):
        path = path.decode("utf-8", "replace")
    place = "" if path is None else f"{path}: "
    return kind(f"{place}{error.strerror}. {remedy}".rstrip())


def unknown(kind: str, name: object, known: Iterable[str]) -> UsageError:
    """Build the error for an unknown name, with similar known names suggested."""
    names = sorted(set(known))
    near = suggestions(name, names) if isinstance(name, str) else []
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return UsageError(f"unknown {kind} {shorten(name)}. {hint}Known: {', '.join(names) or 'none'}.")


def suggestions(name: str, known: Sequence[str], limit: int = 3, cutoff: float = 0.6) -> list[str]:
    """Suggest up to ``limit`` known names that resemble ``name``, best first."""
    return get_close_matches(name, known, n=limit, cutoff=cutoff)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, which has an s but for one: ``1 column``, ``2 columns``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shorten(value: object, limit: int = 80) -> str:
    """Quote a value in a message, cut to ``limit`` characters and in depth."""
    if isinstance(value, str | bytes):
        value = value[: limit + 1]
    form = Repr()
    form.maxlevel = 2
    form.maxstring = form.maxlong = form.maxother = 2 * limit
    try:
        text = f"'{value}'" if isinstance(value, PurePath) else form.repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = "(a number of thousands of digits)"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def reason_of(error: BaseException) -> str:
    """Quote what an error of a library says, without addresses in memory, which differ in each process."""
    return shorten(_ADDRESS.sub("", str(error)) or type(error).__name__, 200)


@contextlib.contextmanager
def no_exit() -> Iterator[None]:
    """Turn what would end the process, such as ``sys.exit()`` in a plug-in, into a RuntimeError.

    It would end a run with the exit status 0 and nothing scored. Ctrl-C passes through.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise RuntimeError(f"it tried to end the process ({type(error).__name__}: {error})") from error


@contextlib.contextmanager
def third_party_errors(
    problem: str, kind: type[BenchError] = BenchError, *, advice: str = ""
) -> Iterator[None]:
    """Turn whatever the code of a plug-in raises inside the block into a BenchError that names it.

    The message is ``problem: Exception: its text. advice``. A BenchError passes through as it is.
    """
    try:
        with no_exit():
            yield
    except BenchError:
        raise
    except Exception as error:  # a plug-in may fail in any way
        if (refused := error_of_system(error)) is not None:
            raise type(refused)(f"{problem}: {refused}") from error
        message = f"{problem}: {type(error).__name__}: {error}."
        raise kind(f"{message} {advice}".rstrip()) from error
