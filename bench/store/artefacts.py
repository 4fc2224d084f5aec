"""The store: artefacts that runs share, under the digest of everything that decides their bytes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.store.digests import canonical, digest, file_digest
from bench.store.files import write_text
from bench.types import Json

RECORD = "artefact.json"


@dataclass(frozen=True, slots=True)
class Artefact:
    """Hold a finished artefact: its folder, what its maker recorded, and whether it was reused."""

    path: Path
    meta: Mapping[str, Any]
    reused: bool
    digest: str
    """Digest of the content: the names and digests of its files."""


def default_root() -> Path:
    """Return ``$BENCH_STORE``, else ``qms-bench`` in the user's cache directory."""
    if named := os.environ.get("BENCH_STORE"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "qms-bench"


class Store:
    """Keep artefacts as folders ``<kind>/<digest of the key>``; made once, whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"the store {root} cannot be made ({error.strerror}). "
                "Name another folder with --store or BENCH_STORE."
            ) from error

    def find(self, kind: str, key: Mapping[str, Json]) -> Artefact | None:
        """Return a finished artefact, or None; a damaged one is put aside and counts as none."""
        folder = self._folder(kind, key)
        if not folder.exists():
            return None
        problem = _problem(folder)
        if problem is None:
            return _read(folder, reused=True)
        print(f"bench: {kind} artefact {folder} is damaged ({problem}); it is made again.", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)  # another process may be doing the same
        return None

    def fetch(
        self,
        kind: str,
        key: Mapping[str, Json],
        build: Callable[[Path], Mapping[str, Json] | None],
    ) -> Artefact:
        """Return the artefact of a key, building it when it is not there.

        ``build`` fills the empty folder it is given and returns what to record beside the files
        (``meta``). The artefact appears under its name only when all of it is written.
        """
        found = self.find(kind, key)
        if found is not None:
            return found
        folder = self._folder(kind, key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self.root / "locks" / f"{kind}-{folder.name}"):
            # another process may have made it meanwhile
            return self.find(kind, key) or self._make(kind, key, build)

    def _make(
        self,
        kind: str,
        key: Mapping[str, Json],
        build: Callable[[Path], Mapping[str, Json] | None],
    ) -> Artefact:
        folder = self._folder(kind, key)
        with _temporary(folder) as unfinished:
            started = time.perf_counter()
            meta = dict(build(unfinished) or {})
            meta.setdefault("seconds", round(time.perf_counter() - started, 3))
            files = {
                str(path.relative_to(unfinished)): file_digest(path)
                for path in sorted(unfinished.rglob("*"))
                if path.is_file()
            }
            _write_record(unfinished, {"kind": kind, "key": dict(key), "files": files, "meta": meta})
            with contextlib.suppress(OSError):  # another process finished the same artefact first
                unfinished.rename(folder)
        shutil.rmtree(self._scratch(kind, key), ignore_errors=True)
        return _read(folder, reused=False)

    def scratch(self, kind: str, key: Mapping[str, Json]) -> Path:
        """Return a folder for unfinished work on a key; it outlives a kill and goes when the work is done."""
        folder = self._scratch(kind, key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _folder(self, kind: str, key: Mapping[str, Json]) -> Path:
        return self.root / kind / digest(dict(key))[:32]

    def _scratch(self, kind: str, key: Mapping[str, Json]) -> Path:
        return self.root / "unfinished" / f"{kind}-{digest(dict(key))[:32]}"


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    # mkdtemp's private mode would follow the artefact; a shared store wants the ordinary one.
    outer = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    inner = outer / "artefact"
    inner.mkdir()
    try:
        yield inner
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def _problem(folder: Path) -> str | None:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        expected = record.pop("digest")
        if _record_digest(record) != expected:
            return f"{RECORD} has changed"
        for name, expected in record["files"].items():
            if file_digest(folder / name) != expected:
                return f"{name} has changed"
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record with its own digest: ``meta`` holds numbers that no file repeats."""
    plain = json.loads(json.dumps(record))  # as it will be read
    whole = {**plain, "digest": _record_digest(plain)}
    write_text(folder / RECORD, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def _record_digest(record: Mapping[str, Any]) -> str:
    return digest(json.dumps(record, sort_keys=True))


def _read(folder: Path, *, reused: bool) -> Artefact:
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return Artefact(folder, record["meta"], reused, digest(canonical(record["files"])))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time into the block; the lock of a killed process is free at once.

    Where the system has no such locks, two processes may do the same work; the first to finish counts.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
