"""The output folder of a run: complete files, their digests in the manifest, no stale leftovers.

Nothing is removed that a bench command did not write, and nothing is reached through a link.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import DataError, UsageError
from bench.output.checked import locate, locate_folder
from bench.output.manifest import (
    ChangedManifestError,
    Manifest,
    parse_document,
    read_document,
    write_document,
)
from bench.output.schema import (
    FILES,
    MANIFEST,
    REPRODUCE,
    SEED_FOLDER,
    TEMPORARY,
    is_run_entry,
    is_run_file,
)
from bench.store.digests import file_digest
from bench.store.files import refuse_nul, replacing, write_bytes, write_text


class OutputFolder:
    """Write the files of a run; each is written completely or not at all, its digest in ``manifest.json``.

    The folder shows the run of the last command: files of an earlier run that this one does not
    write are removed at the end (their artefacts stay in the store). One process at a time writes
    into a folder; another waits. Use as a context manager. Raises UsageError for a folder that holds
    something else, DataError for one whose manifest names files outside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = refuse_nul(path)
        self._files: dict[str, str] = {}
        _make_folder(path)
        self._lock = contextlib.ExitStack()
        self._lock.enter_context(lock_folder(path))
        try:
            self._read_before()
        except BaseException:
            self._lock.close()
            raise

    def _read_before(self) -> None:
        """Record the files of an earlier run, and remove the unfinished files of a killed one."""
        before = _run_document(self.path)
        if before is None and not all(is_run_entry(entry.name) for entry in self.path.iterdir()):
            raise UsageError(
                f"--out {self.path} holds files that are not of a bench run; name an empty or new folder."
            )
        before = before or {}
        self._before = {*before.get("files", ()), *before.get("stale", ())}
        # a run that was killed may have written files after its last manifest: those were not changed by hand
        self._recorded: dict[str, str] = dict(before["files"]) if before.get("finished") else {}
        _remove_unfinished(self.path)

    @property
    def files(self) -> Mapping[str, str]:
        """The files that were written so far, with their digests."""
        return self._files

    def close(self) -> None:
        """Let other processes write into the folder."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, name: str, text: str) -> None:
        """Write a text file and remember its digest; one that was changed since the last run is named."""
        self._name_change(name)
        write_text(locate(self.path, name), text)
        self._files[name] = file_digest(self.path / name)

    def write_with(self, name: str, writer: Callable[[Path], None]) -> None:
        """Let ``writer`` write a file to a temporary path, and remember its digest; as `write`."""
        self._name_change(name)
        with replacing(locate(self.path, name)) as temporary:
            writer(temporary)
        self._files[name] = file_digest(self.path / name)

    def keep(self, name: str, digest: str) -> bool:
        """Keep a file of an earlier run that has this digest as one of this run; False without one."""
        path = locate(self.path, name)
        if not path.is_file() or file_digest(path) != digest:
            return False
        self._recorded.pop(name, None)
        self._files[name] = digest
        return True

    def _name_change(self, name: str) -> None:
        path, recorded = self.path / name, self._recorded.pop(name, None)
        if recorded is not None and path.is_file() and file_digest(path) != recorded:
            print(f"bench: {path} was modified after the run; rewriting it.", file=sys.stderr)

    def write_manifest(self, manifest: Manifest, *, finished: bool) -> None:
        """Write the manifest; at the end, remove what an earlier run left and this one did not write."""
        self.write_file_list(manifest.to_json(), finished=finished)

    def write_file_list(self, document: Mapping[str, Any], *, finished: bool) -> None:
        """Write a manifest of any content with the digests of this folder's files; see `write_manifest`."""
        stale = self._before - set(self._files)
        if finished:
            for name in sorted(stale):
                self._remove(name)
            self._remove_reproductions()
        whole = {**document, "finished": finished, "files": dict(sorted(self._files.items()))}
        if not finished:
            whole["stale"] = sorted(stale)  # so that a run that is killed here can still be tidied up
        write_document(self.path, whole)

    def _remove(self, name: str) -> None:
        recorded = self._recorded.get(name)
        path = locate(self.path, name)
        if recorded is not None and path.is_file() and file_digest(path) != recorded:
            print(f"bench: {path} was modified after the run; leaving it.", file=sys.stderr)
            return
        _unlink(self.path, name)

    def _remove_reproductions(self) -> None:
        """Remove the further runs of an earlier ``bench reproduce``: they were about the run before."""
        runs = locate_folder(self.path, REPRODUCE) / "runs"
        for folder in runs.glob("*"):
            remove_run(folder)
        for folder in (runs, runs.parent):
            _remove_if_empty(folder)

    def keep_seeds(self, names: Collection[str]) -> None:
        """Remove the sub-runs of other seeds than these."""
        for folder in self.path.glob("seed-*"):
            if folder.name not in names and SEED_FOLDER.fullmatch(folder.name):
                remove_run(folder)


def _remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files that a killed process left in a locked output folder."""
    for name in FILES:
        for leftover in locate_folder(folder, name).glob(".*.tmp"):
            made = TEMPORARY.fullmatch(leftover.name)
            ours = made and is_run_file(f"{name}/{made[1]}" if name else made[1])
            if ours and leftover.is_file() and not leftover.is_symlink():
                leftover.unlink()


def _make_folder(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"--out {path} is a file; name a folder.")
    if SEED_FOLDER.fullmatch(path.name) and path.is_symlink():
        raise DataError(
            f"{path}: a link where the folder of a seed belongs; remove it, or use another --out."
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {path} cannot be made ({error.strerror}); name another folder.") from error


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a folder; another says that it waits. A kill frees the lock.

    Where the system cannot lock a folder, nothing is locked.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"bench: another process writes into {folder}; waiting until it is done.", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # some network file systems lock no folders
            pass
        yield
    finally:
        os.close(handle)


def amend(folder: Path, files: Mapping[str, bytes]) -> None:
    """Add files to the folder of an existing run, and record their digests in its manifest.

    Of a subfolder that is written to, what an earlier call left and this one does not write is removed.
    Raises DataError for a folder that is not a run's.
    """
    if not folder.is_dir():
        read_document(folder)  # refuses it
    with lock_folder(folder):
        document = read_document(folder)
        _remove_unfinished(folder)
        listed: dict[str, str] = document["files"]
        parts = {name.partition("/")[0] for name in files if "/" in name}
        for name in [name for name in listed if name.partition("/")[0] in parts and name not in files]:
            if not (folder / name).is_file() or file_digest(locate(folder, name)) == listed[name]:
                _unlink(folder, name)
            del listed[name]
        for name, data in files.items():
            write_bytes(locate(folder, name), data)
            listed[name] = file_digest(folder / name)
        write_document(folder, {**document, "files": dict(sorted(listed.items()))})


def remove_run(folder: Path) -> None:
    """Remove the files of a finished or killed run and what is then empty; other files stay."""
    if folder.is_symlink() or not folder.is_dir():
        return
    document = _run_document(folder)
    if document is None:
        return
    for name in (*document["files"], *document.get("stale", ())):
        _unlink(folder, name)
    _unlink(folder, MANIFEST)
    for below in (folder / REPRODUCE / "runs").glob("*"):
        remove_run(below)
    for empty in (folder / REPRODUCE / "runs", folder / REPRODUCE, folder):
        _remove_if_empty(empty)


def _unlink(folder: Path, name: str) -> None:
    path = locate(folder, name)
    if path.is_file():
        path.unlink()
    if path.parent != folder:
        _remove_if_empty(path.parent)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _run_document(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of a bench run; None for another program's and for a damaged or changed one.

    Raises DataError for one that names files which no bench command writes.
    """
    try:
        document = parse_document(folder / MANIFEST)
    except DataError:
        return None
    if "bench_version" not in document or not isinstance(document.get("files"), dict):
        return None
    try:
        return read_document(folder)
    except ChangedManifestError:
        return None
