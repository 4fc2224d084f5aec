"""The output folder of a run: atomic files, their digests in the manifest, no stale leftovers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.errors import DataError, UsageError
from bench.files import replacing, write_text
from bench.hashing import file_digest

MANIFEST = "manifest.json"


class OutputFolder:
    """Write the files of a run; every file is whole, and its digest is in ``manifest.json``.

    The folder shows the run of the last command: files of an earlier run that this one does not
    write are removed at the end (their artefacts stay in the store). Raises UsageError for a
    folder that holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, str] = {}
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path} is a file; name a folder.")
        if path.is_dir() and any(path.iterdir()) and not _is_ours(path):
            raise UsageError(
                f"--out {path} holds files that are not of a bench run; name an empty or new folder."
            )
        path.mkdir(parents=True, exist_ok=True)
        self._before = set(read_manifest(path).get("files", {})) if (path / MANIFEST).is_file() else set()
        for leftover in path.rglob(".*.tmp"):  # of a killed run
            leftover.unlink()

    def write(self, name: str, text: str) -> None:
        """Write a text file and remember its digest."""
        write_text(self.path / name, text)
        self._files[name] = file_digest(self.path / name)

    def write_with(self, name: str, writer: Callable[[Path], None]) -> None:
        """Let ``writer`` write a file to a temporary path, and remember its digest."""
        with replacing(self.path / name) as temporary:
            writer(temporary)
        self._files[name] = file_digest(self.path / name)

    def manifest(self, record: Mapping[str, Any], *, finished: bool) -> None:
        """Write the manifest; at the end, remove what an earlier run left and this one did not write."""
        stale = self._before - set(self._files)
        if finished:
            for name in sorted(stale):
                self._remove(name)
        files = dict(sorted(self._files.items()))
        whole = {**record, "finished": finished, "files": files}
        write_text(self.path / MANIFEST, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")

    def _remove(self, name: str) -> None:
        path = self.path / name
        path.unlink(missing_ok=True)
        if path.parent != self.path and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def drop_folder(self, name: str) -> None:
        """Remove a sub-run's folder, such as that of a seed that is no longer asked for."""
        if (self.path / name / MANIFEST).is_file():
            shutil.rmtree(self.path / name)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an output folder. Raises DataError when there is none or it is damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder}: no {MANIFEST}; this is not the output folder of a bench run.")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error}); run the same command again.") from error
    if not isinstance(record, dict):
        raise DataError(f"{path}: a JSON object is expected; run the same command again.")
    return record


def checked(folder: Path, manifest: Mapping[str, Any], name: str) -> Path:
    """Return the path of a run's file after checking its recorded digest. Raises DataError."""
    path = folder / name
    expected = manifest.get("files", {}).get(name)
    if expected is None or not path.is_file():
        raise DataError(f"{path}: the file is missing; run the same command again to make it.")
    if file_digest(path) != expected:
        raise DataError(
            f"{path}: the file was changed after the run; run the same command again to restore it."
        )
    return path


def _is_ours(path: Path) -> bool:
    names = {entry.name for entry in path.iterdir()}
    if MANIFEST in names:
        return True
    # a run killed before its first manifest leaves only these
    return all(name.startswith(("qrels.trec", "queries.tsv", ".")) for name in names)
