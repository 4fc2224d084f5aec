"""The store: artefacts shared by runs, each under the digest of everything that decides its bytes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, MissingError, UsageError
from bench.options import expand_home
from bench.store.digests import canonical, digest, file_digest
from bench.store.files import naming_path, refuse_nul, sync, write_text
from bench.store.json_files import read_json
from bench.store.remote import RemoteStore
from bench.types import Json

__cache_neutral__ = True

RECORD = "artefact.json"
LOCKS, UNFINISHED = "locks", "unfinished"
"""Folders of the store that hold no artefacts."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A finished artefact: its folder, what its maker recorded, and whether it was reused."""

    path: Path
    meta: Mapping[str, Any]
    reused: bool
    digest: str
    """Digest of the content: the names and digests of its files."""
    made_at: int
    """When it was made, in ns since 1970."""


def default_root() -> Path:
    """Locate the store: ``$BENCH_STORE``, else ``qms-bench`` in the user's cache. Raises MissingError."""
    if named := os.environ.get("BENCH_STORE"):
        return expand_home(named)
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "qms-bench"
    try:
        return Path.home() / ".cache" / "qms-bench"
    except RuntimeError as error:
        raise MissingError(
            "no place for the store: the home folder is unknown. Name a folder with --store or BENCH_STORE."
        ) from error


class Store:
    """A folder of artefacts ``<kind>/<digest of the key>``, each complete or absent.

    Processes may share it: one at a time makes an artefact, the others wait and reuse it. With a ``remote``
    store, what is missing here is fetched from there, and what is made here is copied to it.
    """

    def __init__(self, root: Path, remote: RemoteStore | None = None) -> None:
        self.root = refuse_nul(root).absolute()
        self._remote = remote
        self._swept: set[str] = set()
        self._damaged_there: set[Path] = set()
        """Artefacts whose copies in the remote store are damaged: fetched and reported once."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"the store {root} cannot be made ({error.strerror}). "
                "Name another folder with --store or BENCH_STORE."
            ) from error

    def find(self, kind: str, key: Mapping[str, Json], *, newer_than: int = 0) -> Artefact | None:
        """Look up a finished artefact; None when there is none, it is damaged, or was made before a time.

        ``newer_than`` is in ns since 1970. `fetch` makes again what is damaged or too old.
        """
        folder = self._folder(kind, key)
        if not os.path.lexists(folder):
            self._load(kind, folder)
        return self._find_here(folder, newer_than)

    def _find_here(self, folder: Path, newer_than: int) -> Artefact | None:
        if not os.path.lexists(folder) or find_damage(folder) is not None:
            return None
        with contextlib.suppress(OSError):
            os.utime(folder)  # when it was last used, for `bench store prune`
        artefact = _read(folder, reused=True)
        return artefact if artefact.made_at >= newer_than else None

    def _load(self, kind: str, folder: Path) -> None:
        """Fetch an artefact from the remote store, where it has one.

        Under the artefact's lock, so that no other process takes the unfinished download for a leftover.
        Where another process has the lock, it fetches or makes the artefact.
        """
        if self._remote is None or folder in self._damaged_there:
            return
        with naming_path(self.root), contextlib.suppress(TimeoutError):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with self.lock(kind, folder.name, wait=False), _temporary(folder) as unfinished:
                if os.path.lexists(folder) or not self._remote.load(f"{kind}/{folder.name}", unfinished):
                    return
                if (damage := find_damage(unfinished)) is None:
                    with contextlib.suppress(OSError):  # where locks have no effect, another may be faster
                        unfinished.rename(folder)
                    return
                self._damaged_there.add(folder)
                print(
                    f"bench: {kind} artefact {folder.name} is damaged in {self._remote.address} ({damage}); "
                    "it is made again.",
                    file=sys.stderr,
                )

    def fetch(
        self,
        kind: str,
        key: Mapping[str, Json],
        build: Callable[[Path], Mapping[str, Json] | None],
        *,
        newer_than: int = 0,
    ) -> Artefact:
        """Look up the artefact of a key, and build it when the store has none, or only an older one.

        ``build`` fills the empty folder it is given and returns what to record beside the files
        (``meta``). The artefact appears under its name only when all of it is written.
        """
        artefact = self.find(kind, key, newer_than=newer_than)
        if artefact is not None:
            self._remove_scratch(kind, key)
            return artefact
        with naming_path(self.root):
            (self.root / kind).mkdir(parents=True, exist_ok=True)
            self._sweep_once(kind)
            with self.lock(kind, self._folder(kind, key).name):
                # another process may have made it meanwhile
                artefact = self._find_here(self._folder(kind, key), newer_than)
                if artefact is not None:
                    return artefact
                self._remove_unusable(kind, self._folder(kind, key))
                return self._make(kind, key, build)

    def scratch(self, kind: str, key: Mapping[str, Json]) -> Path:
        """Make a folder for unfinished work on a key; it survives a kill and is removed with success."""
        folder = self._scratch(kind, key)
        with naming_path(self.root):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _remove_scratch(self, kind: str, key: Mapping[str, Json]) -> None:
        """Remove the unfinished work of an artefact that is whole: a kill may have come between."""
        scratch = self._scratch(kind, key)
        if scratch.exists():
            with contextlib.suppress(TimeoutError), self.lock(kind, self._folder(kind, key).name, wait=False):
                shutil.rmtree(scratch, ignore_errors=True)

    def lock(self, kind: str, name: str, *, wait: bool = True) -> contextlib.AbstractContextManager[Any]:
        """Lock an artefact against other processes; the lock of a killed process is free at once.

        Without ``wait``, entering it raises TimeoutError when another process holds it.
        """
        from filelock import FileLock

        path = self.root / LOCKS / f"{kind}-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path, timeout=-1 if wait else 0)

    def sweep(self, kind: str) -> list[Path]:
        """Remove and return what killed processes left of unfinished artefacts of a kind."""
        removed = []
        for leftover in sorted((self.root / kind).glob(".*.*")):
            with contextlib.suppress(TimeoutError), self.lock(kind, leftover.name.split(".")[1], wait=False):
                shutil.rmtree(leftover, ignore_errors=True)
                removed.append(leftover)
        return removed

    def _sweep_once(self, kind: str) -> None:
        if kind not in self._swept:
            self._swept.add(kind)
            self.sweep(kind)

    def _remove_unusable(self, kind: str, folder: Path) -> None:
        """Remove an artefact that is too old, or damaged, which is reported: a folder, a file or a link."""
        if not os.path.lexists(folder):
            return
        if (damage := find_damage(folder)) is not None:
            print(
                f"bench: {kind} artefact {folder} is damaged ({damage}); it is made again.", file=sys.stderr
            )
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        else:
            folder.unlink()

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
            for path in (*(unfinished / name for name in files), *unfinished.rglob("*/"), unfinished):
                sync(path)
            unfinished.rename(folder)
            sync(folder.parent)
        if self._remote is not None:
            self._remote.save(f"{kind}/{folder.name}", folder)
        shutil.rmtree(self._scratch(kind, key), ignore_errors=True)
        return _read(folder, reused=False)

    def _folder(self, kind: str, key: Mapping[str, Json]) -> Path:
        return self.root / kind / digest(dict(key))[:32]

    def _scratch(self, kind: str, key: Mapping[str, Json]) -> Path:
        return self.root / UNFINISHED / f"{kind}-{digest(dict(key))[:32]}"


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    unfinished.mkdir()  # the umask applies, as a shared store needs it
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def find_damage(folder: Path) -> str | None:
    """Check the digest of each file of an artefact and describe the first damage; None if there is none."""
    try:
        if not (folder / RECORD).is_file():  # a pipe would be waited for
            return f"{RECORD} is missing"
        record = read_json(folder / RECORD, allow_nan=True)
        expected = record.pop("digest")
        if _record_digest(record) != expected:
            return f"{RECORD} has changed"
        return _find_changed_file(folder, record["files"])
    except BenchError as error:
        return str(error).removesuffix(".")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


def _find_changed_file(folder: Path, digests: Mapping[str, str]) -> str | None:
    """Compare the files of an artefact with their recorded digests; describe the first that differs."""
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if not path.is_dir()}
    paths.pop(RECORD, None)
    for name in sorted(paths.keys() | digests.keys()):
        if name not in digests:
            return f"{name} is not one of its files"
        if name not in paths or not paths[name].is_file():
            return f"{name} is missing"
        if file_digest(paths[name]) != digests[name]:
            return f"{name} has changed"
    return None


def _write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record with its digest: ``meta`` holds numbers that no file repeats."""
    plain = json.loads(json.dumps(record))  # as it will be read
    with_digest = {**plain, "digest": _record_digest(plain)}
    write_text(folder / RECORD, json.dumps(with_digest, indent=1, ensure_ascii=False) + "\n")


def _record_digest(record: Mapping[str, Any]) -> str:
    return digest(json.dumps(record, sort_keys=True))


def _read(folder: Path, *, reused: bool) -> Artefact:
    record = read_json(folder / RECORD, allow_nan=True)
    made_at = (folder / RECORD).stat().st_mtime_ns
    return Artefact(folder, record["meta"], reused, digest(canonical(record["files"])), made_at)
