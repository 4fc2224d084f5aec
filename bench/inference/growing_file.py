"""A file of lines that grows by whole blocks and is continued after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import BenchError, UsageError
from bench.store.digests import digest
from bench.store.files import naming_path, remove_unfinished, replaceable, sync, write_text
from bench.store.json_files import read_json

_CHUNK = 1 << 20


class GrowingFile:
    """Writes ``NAME`` in blocks: they are in ``NAME.part`` until the last one, then the file is renamed.

    ``NAME.part.json`` says how much of it is whole and what the caller noted with the last block, in
    ``state``. With the same ``identity`` (of all that decides the lines) a later process goes on behind it;
    with another one it begins again. Used as a context. Raises UsageError for a name that is there and no
    regular file, and where another process writes the same.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._identity = identity
        self._part, self._note = unfinished_names(path)
        for one in (path, self._part, self._note):
            replaceable(one, "--out")
        self._digest = hashlib.sha256()
        self.state: Mapping[str, Any] = {}

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._part.open("ab")
        try:
            self._lock()
            remove_unfinished(self._note)
            whole = self._continued()
            self._stream.truncate(whole)
            self._stream.seek(whole)
        except BaseException:
            self._stream.close()  # `__exit__` is not called, and the lock would stay
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # a full disk, which `append` has reported
            if kind is not None and self._stream.tell() == 0:  # there is nothing to continue from
                self._part.unlink()
                self._note.unlink(missing_ok=True)
            self._stream.close()

    def _lock(self) -> None:
        """Keep other processes out until the stream is closed, where the system can lock files."""
        try:
            import fcntl

            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            still_named = os.path.samestat(os.fstat(self._stream.fileno()), self._part.stat())
        except (BlockingIOError, FileNotFoundError):
            still_named = False  # a process that wrote it until now has renamed it
        except (ImportError, OSError):
            return
        if not still_named:
            raise UsageError(f"another process writes {self.path}; wait for it, or name another --out.")

    def _continued(self) -> int:
        """Find how many bytes of an earlier process can be kept, and restore what it noted."""
        if not self._note.is_file():
            return 0
        try:
            note = read_json(self._note)
            whole = digest(note["note"])
            size, identity = note["note"]["bytes"], note["note"]["identity"]
            self._digest = _digest_of(self._part, size)
            damaged = (whole, self._digest.hexdigest()) != (note["digest"], note["note"]["part"])
        except (BenchError, KeyError, TypeError):
            damaged = True
        if damaged or identity != self._identity:
            why = "damaged" if damaged else "of other videos, options or code"
            self._forget(why)
            return 0
        self.state = note["note"]["state"]
        return int(size)

    def _forget(self, why: str) -> None:
        print(f"bench: {self._part} is {why}; beginning again.", file=sys.stderr)
        self._digest, self.state = hashlib.sha256(), {}

    def begin_again(self, why: str) -> None:
        """Throw away what an earlier process wrote: the caller found that it does not hold any more."""
        self._forget(why)
        self._stream.seek(0)
        self._stream.truncate(0)

    def append(self, text: str, state: Mapping[str, Any]) -> None:
        """Add a block of whole lines; once this returns, it outlasts a kill."""
        data = text.encode("utf-8")
        self._digest.update(data)
        with naming_path(self._part):
            self._stream.write(data)
            self._stream.flush()
            os.fsync(self._stream.fileno())
        note = {
            "identity": self._identity,
            "bytes": self._stream.tell(),
            "part": self._digest.hexdigest(),
            "state": state,
        }
        write_text(self._note, json.dumps({"note": note, "digest": digest(note)}) + "\n")
        self.state = state

    def finish(self) -> None:
        """Give the file its name, in place of an older one."""
        self._part.replace(self.path)
        self._note.unlink(missing_ok=True)
        sync(self.path.parent)


def unfinished_names(path: Path) -> tuple[Path, Path]:
    """Name the files beside ``path`` with what is written so far, and with how much of that is whole."""
    return path.with_name(path.name + ".part"), path.with_name(path.name + ".part.json")


def _digest_of(path: Path, size: int) -> hashlib._Hash:
    """Digest the first ``size`` bytes of a file."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while size > 0 and (data := stream.read(min(size, _CHUNK))):
            found.update(data)
            size -= len(data)
    return found
