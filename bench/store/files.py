"""Text files: read with one set of rules about encodings, and written completely or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import secrets
import shutil
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NoReturn, cast

from bench.errors import DataError, MissingError, UsageError, shorten

__cache_neutral__ = True

STANDARD_INPUT = Path("-")
"""The path that means standard input."""

_GZIP = b"\x1f\x8b"
_NOT_READ = {
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "bzip2": re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "Zstandard": re.compile(rb"\x28\xb5\x2f\xfd"),
    "zip": re.compile(rb"PK\x03\x04"),
}
"""How files begin that are compressed in ways that are not read."""
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_NAME = 200
"""Bytes of a name from data; file systems take 255, which a suffix shares."""


def refuse_nul(path: Path) -> Path:
    """Check a path that a program gave. Raises UsageError for a NUL, which no file system can hold."""
    if "\0" in str(path):
        raise UsageError(f"{shorten(str(path))} is no path: it holds a NUL character.")
    return path


def file_name(text: str, default: str) -> str:
    """Reduce a text from data to the name of a file, which leads into no other folder."""
    plain = re.sub(r"[/\\\x00-\x1f]+", "-", text).strip(" .-")
    return plain.encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore") or default


def raise_data_error(problem: str) -> NoReturn:
    """Raise a problem as a DataError: what a reader does unless its caller collects problems."""
    raise DataError(problem)


def read_text(path: Path) -> str:
    r"""Read a UTF-8 file, its lines ended by ``\n``; errors as `read_lines`."""
    with open_bytes(path) as stream:
        data = stream.read()
    try:
        text = data.removeprefix(_UTF8_MARK).decode("utf-8")
    except UnicodeDecodeError:
        for number, raw in _split_lines(io.BytesIO(data)):
            _decode_line(path, number, raw, raise_data_error)
        raise
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path, *, report: Callable[[str], None] = raise_data_error) -> Iterator[tuple[int, str]]:
    """Yield each line of a UTF-8 text file with its number from 1, without its line end.

    A byte order mark is skipped; LF, CRLF and CR end a line; gzip is read as what it holds. A line that is
    not UTF-8 goes to ``report`` as ``file:line: what is wrong``, and is left out if that returns. Raises
    MissingError when there is no such file, DataError when it cannot be read.
    """
    for number, raw in read_raw_lines(path):
        line = _decode_line(path, number, raw, report)
        if line is not None:
            yield number, line


def read_raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number, bytes) of each line: as `read_lines`, for readers that decode by themselves."""
    with open_bytes(path) as stream:
        yield from _split_lines(stream)


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, a pipe or ``-`` (standard input) for reading; what is compressed by gzip is unpacked.

    Raises MissingError when there is no such file, DataError for other compression; an error while reading
    inside the block is a DataError.
    """
    try:
        with contextlib.ExitStack() as stack:
            stream = _opened(path, stack)
            _refuse_compressed(path, stream)
            yield _unpacked(stream, stack)
    except FileNotFoundError as error:
        raise MissingError(f"{path}: there is no such file.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip data ({error}).") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _opened(path: Path, stack: contextlib.ExitStack) -> IO[bytes]:
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise MissingError("-: standard input is closed. Name a file, or write to bench through a pipe.")
        return io.BytesIO(sys.stdin.buffer.read())
    stream = stack.enter_context(refuse_nul(path).open("rb"))
    mode = os.fstat(stream.fileno()).st_mode
    if stat.S_ISREG(mode):
        return stream
    if stat.S_ISCHR(mode) and str(path) != os.devnull:
        raise DataError(f"{path}: is a device, which may never end; name a file or a pipe.")
    return io.BytesIO(stream.read())  # a pipe cannot go back to its first bytes


def _refuse_compressed(path: Path, stream: IO[bytes]) -> None:
    start = stream.read(10)
    stream.seek(0)
    for name, magic in _NOT_READ.items():
        if magic.match(start):
            raise DataError(f"{path}: compressed by {name}; only gzip is read. Unpack it, or use gzip.")


def _unpacked(stream: IO[bytes], stack: contextlib.ExitStack) -> IO[bytes]:
    compressed = stream.read(2) == _GZIP
    stream.seek(0)
    return cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=stream))) if compressed else stream


def _split_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    for chunk in stream:  # ends with LF, or with the file
        if number == 0:
            chunk = chunk.removeprefix(_UTF8_MARK)
        for line in chunk.removesuffix(b"\n").removesuffix(b"\r").split(b"\r"):
            number += 1
            yield number, line


def _decode_line(path: Path, number: int, raw: bytes, report: Callable[[str], None]) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        utf16 = number == 1 and raw.startswith(_UTF16_MARKS)
        hint = "It looks like UTF-16: s" if utf16 else "S"
        report(
            f"{path}:{number}: not UTF-8 (byte {raw[error.start]:#04x} at column {error.start + 1}). "
            f"{hint}ave the file as UTF-8."
        )
        return None


@contextlib.contextmanager
def naming_path(path: Path) -> Iterator[None]:
    """Add a path to an OSError that names none, as on a full disk: the message should say which disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block ends well.

    A kill at any moment leaves the old file or the new one, never a half. A full disk names ``path``.
    """
    with naming_path(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            temporary.touch(exist_ok=False)  # the umask applies, which tempfile's private mode leaves out
            yield temporary
            sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: Path, option: str) -> Iterator[Path]:
    """Yield a temporary folder that takes the name of ``path`` when the block ends well.

    Nothing is left when it does not. Raises UsageError, which names the command line's ``option``, for a
    path that is there and no empty folder.
    """
    check_new_folder(path, option)
    with naming_path(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_unfinished(path)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        temporary.mkdir()  # the umask applies, which tempfile's private mode leaves out
        try:
            with _holding(temporary):
                yield temporary
                temporary.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_unfinished(path: Path) -> None:
    """Remove the temporary files that killed processes left beside a file, which nobody may be writing."""
    for leftover in _leftovers(path):
        if leftover.is_file() and not leftover.is_symlink():
            leftover.unlink(missing_ok=True)


def _leftovers(path: Path) -> list[Path]:
    name = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.tmp")
    return [beside for beside in path.parent.iterdir() if name.fullmatch(beside.name)]


def _sweep_unfinished(path: Path) -> None:
    """Remove the temporary folders that killed processes left beside a new folder."""
    for leftover in _leftovers(path):
        if leftover.is_dir() and not leftover.is_symlink():
            with _holding(leftover) as abandoned:
                if abandoned:
                    shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _holding(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder, which a kill frees; yield False where it is held already, or none can be."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        held = True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held = False
        yield held
    finally:
        os.close(handle)


def check_new_folder(path: Path, option: str) -> None:
    """Raise UsageError, which names the option, for a path that is there and no empty folder.

    Nor may it be the current folder, whose name would go to another folder.
    """
    if refuse_nul(path).is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise UsageError(f"{option} {path} exists and is not an empty folder. Name a new one, or empty it.")
    if path.is_dir() and path.samefile(Path.cwd()):
        raise UsageError(f"{option} {path} is the current folder. Name a new one, such as {option} new.")


def replaceable(path: Path, option: str) -> Path:
    """Resolve where an output file goes: a new path or a regular file.

    Raises UsageError, which names the command line's ``option``, for a device, a pipe, a folder or a link.
    """
    if refuse_nul(path).is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{option} {path} is not a regular file; name another path.")
    return path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically, with line ends as they are in ``text``."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; a rename after it survives a power loss.

    What the system does not let this process open, such as folders on Windows, is left to it.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
