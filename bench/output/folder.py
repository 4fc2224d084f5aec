"""The output folder of a run: atomic files, their digests in the manifest, no stale leftovers."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from bench.errors import DataError, UsageError
from bench.store.digests import file_digest
from bench.store.files import replacing, write_bytes, write_text

MANIFEST = "manifest.json"
REPRODUCE = "reproduce"
"""The folder of ``bench reproduce`` inside a run's."""
_OURS = re.compile(
    r"manifest\.json|qrels\.trec|queries\.tsv|references\.jsonl|scores\.csv|costs\.csv|significance\.csv"
    r"|report\.html|summaries|runs|per_query|per_video|tables|figures|training|marks|reproduce|seed-[0-9]+|\..*\.tmp"
)
"""What a run leaves at the top of its folder."""


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
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"--out {path} cannot be made ({error.strerror}); name another folder."
            ) from error
        before = _manifest_of_a_run(path) or {}
        self._before = {*before.get("files", ()), *before.get("stale", ())}
        # a run that was killed may have written files after its last manifest: those nobody changed
        self._recorded: dict[str, str] = dict(before["files"]) if before.get("finished") else {}
        for leftover in path.rglob(".*.tmp"):  # of a killed run
            leftover.unlink()

    def write(self, name: str, text: str) -> None:
        """Write a text file and remember its digest; one that was changed since the last run is named."""
        self._name_change(name)
        write_text(self.path / name, text)
        self._files[name] = file_digest(self.path / name)

    def write_with(self, name: str, writer: Callable[[Path], None]) -> None:
        """Let ``writer`` write a file to a temporary path, and remember its digest; as `write`."""
        self._name_change(name)
        with replacing(self.path / name) as temporary:
            writer(temporary)
        self._files[name] = file_digest(self.path / name)

    def _name_change(self, name: str) -> None:
        path, recorded = self.path / name, self._recorded.pop(name, None)
        if recorded is not None and path.is_file() and file_digest(path) != recorded:
            print(f"bench: {path} was modified after the run; rewriting it.", file=sys.stderr)

    def manifest(self, record: Mapping[str, Any], *, finished: bool) -> None:
        """Write the manifest; at the end, remove what an earlier run left and this one did not write."""
        stale = self._before - set(self._files)
        if finished:
            for name in sorted(stale):
                self._remove(name)
            self._remove_reproductions()
        whole = {**record, "finished": finished, "files": dict(sorted(self._files.items()))}
        if not finished:
            whole["stale"] = sorted(stale)  # so that a run that is killed here can still be tidied up
        write_text(self.path / MANIFEST, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")

    def _remove(self, name: str) -> None:
        path = self.path / name
        path.unlink(missing_ok=True)
        if path.parent != self.path and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def _remove_reproductions(self) -> None:
        """Remove the further runs of an earlier ``bench reproduce``: they were about the run before."""
        for folder in (self.path / REPRODUCE / "runs").glob("*"):
            if _manifest_of_a_run(folder) is not None:
                shutil.rmtree(folder)
        for folder in (self.path / REPRODUCE / "runs", self.path / REPRODUCE):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def keep_seeds(self, names: Collection[str]) -> None:
        """Remove the sub-runs of seeds that are no longer asked for."""
        for folder in self.path.glob("seed-*"):
            if folder.name not in names and _manifest_of_a_run(folder) is not None:
                shutil.rmtree(folder)


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


def amend(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into the folder of a run that is there, and enter their digests in its manifest.

    Of a subfolder that is written to, what an earlier call left and this one does not write is removed.
    Raises DataError for a folder that is not a run's.
    """
    record = read_manifest(folder)
    listed: dict[str, str] = record["files"]
    parts = {name.partition("/")[0] for name in files if "/" in name}
    for name in [name for name in listed if name.partition("/")[0] in parts and name not in files]:
        (folder / name).unlink(missing_ok=True)
        del listed[name]
    for name, data in files.items():
        write_bytes(folder / name, data)
        listed[name] = file_digest(folder / name)
    record["files"] = dict(sorted(listed.items()))
    write_text(folder / MANIFEST, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def _is_ours(path: Path) -> bool:
    if _manifest_of_a_run(path) is not None:
        return True
    # a run that was killed before its first manifest, or one whose manifest was damaged
    return all(_OURS.fullmatch(entry.name) for entry in path.iterdir())


def _manifest_of_a_run(path: Path) -> dict[str, Any] | None:
    """Return the manifest if it is that of a bench run: other programs have a manifest.json, too."""
    try:
        record = read_manifest(path)
    except DataError:
        return None
    return record if "bench_version" in record and isinstance(record.get("files"), dict) else None
