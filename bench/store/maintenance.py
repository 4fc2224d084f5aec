"""What the store holds, whether it is undamaged, and what can be removed from it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.store.artefacts import LOCKS, RECORD, UNFINISHED, Store, find_damage
from bench.store.digests import row_digest

SECONDS_PER_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One artefact of the store, or what another program keeps there (an embedding cache, a dataset)."""

    kind: str
    path: Path

    @property
    def is_vector_cache(self) -> bool:
        """Check whether it is a file of embeddings, of which each row has a digest."""
        return self.path.suffix == ".sqlite"

    @property
    def is_artefact(self) -> bool:
        """Check whether the store made it, so that its digests can be checked and it can be made again."""
        return (self.path / RECORD).exists() or (len(self.path.name) == 32 and not self.path.suffix)

    def size(self) -> int:
        """Sum the bytes of its files; those that vanish meanwhile count 0."""
        total = 0
        for path in [self.path, *self.path.rglob("*")]:
            with contextlib.suppress(OSError):
                total += path.lstat().st_size if path.is_file() or path.is_symlink() else 0
        return total

    def last_used(self) -> float:
        """Find when it was made or last read, in seconds since the epoch."""
        return self.path.lstat().st_mtime


def refuse_other_folder(root: Path) -> None:
    """Raise UsageError for a folder with content that is no store, from which nothing may be removed."""
    if not root.is_dir() or (root / LOCKS).is_dir() or not any(root.iterdir()):
        return
    if not any(any(root.glob(held)) for held in (f"*/*/{RECORD}", "*/*.sqlite")):
        raise UsageError(
            f"{root} holds files and is no store of bench. Name the folder that --store or BENCH_STORE "
            "names in a run; `bench store path` prints the default."
        )


def entries(store: Store) -> Iterator[Entry]:
    """Yield what the store holds, by kind and name, without locks and unfinished work."""
    for kind in sorted(path for path in store.root.iterdir() if path.is_dir()):
        if kind.name not in (LOCKS, UNFINISHED) and not kind.name.startswith("."):
            for path in sorted(kind.iterdir()):
                if not path.name.startswith("."):
                    yield Entry(kind.name, path)


def find_damaged(store: Store) -> Iterator[tuple[Entry, str]]:
    """Yield each artefact and file of embeddings that is not as it was made, with what is wrong."""
    for entry in entries(store):
        problem = None
        if entry.is_vector_cache:
            problem = _find_damaged_row(entry.path)
        elif entry.is_artefact:
            problem = find_damage(entry.path)
        if problem is not None:
            yield entry, problem


def _find_damaged_row(path: Path) -> str | None:
    if not path.is_file():  # SQLite would wait for a pipe
        return "it is no file"
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            rows = connection.execute("SELECT key, digest, vector FROM vectors")
            damaged = sum(not _is_sound(*row) for row in rows)
            pages = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    if damaged:
        return f"{damaged} of its vectors have changed"
    return None if pages == "ok" else str(pages)


def _is_sound(key: object, check: object, data: object) -> bool:
    return isinstance(key, bytes) and isinstance(data, bytes) and check == row_digest(key, data)


def prune(store: Store, keep: Callable[[Entry], bool], *, dry_run: bool) -> list[tuple[Entry, int]]:
    """Remove the artefacts that ``keep`` refuses and what killed runs left; return them with their bytes.

    Artefacts that another process is making are left alone. With ``dry_run`` nothing is removed.
    """
    removed = []
    for entry in [*_leftovers(store), *entries(store)]:
        unfinished = entry.path.name.startswith(".")
        if not unfinished and (not entry.is_artefact or keep(entry)):
            continue
        name = entry.path.name.split(".")[1] if unfinished else entry.path.name
        with contextlib.suppress(TimeoutError), store.lock(entry.kind, name, wait=False):
            removed.append((entry, entry.size()))
            if not dry_run:
                _remove(entry.path)
    return removed


def is_used_within(days: float) -> Callable[[Entry], bool]:
    """Build a test for entries that were made or read within a number of days."""
    oldest = time.time() - days * SECONDS_PER_DAY
    return lambda entry: entry.last_used() >= oldest


def _leftovers(store: Store) -> Iterator[Entry]:
    for path in sorted(store.root.glob("*/.*.*")):
        yield Entry(path.parent.name, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
