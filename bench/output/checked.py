"""The files of a run, located and checked before they are read: nothing is reached through a link."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BenchError, DataError, UsageError, shorten
from bench.output.manifest import AGAIN, FileList, Manifest, read_manifest
from bench.output.schema import QRELS, QUERIES, SCORES, is_run_file
from bench.store.digests import file_digest

_RESULTS = (SCORES, QUERIES, QRELS, "runs/", "summaries/", "per_query/", "per_video/")
"""What a run found; tables, costs and the page may be made anew for the same run."""


def locate(folder: Path, name: str) -> Path:
    """Locate a run's file in its folder. Raises DataError for another name and for a link on the way."""
    if not is_run_file(name):
        raise DataError(f"{folder}: a run has no file called {name!r}.")
    path = locate_folder(folder, name.rpartition("/")[0]) / name.rpartition("/")[2]
    if path.is_symlink():
        raise DataError(f"{path}: a link where a file of the run belongs; remove it.")
    return path


def locate_folder(folder: Path, name: str) -> Path:
    """Locate a run's subfolder. Raises DataError when it is a link."""
    path = folder / name if name else folder
    if name and path.is_symlink():
        raise DataError(f"{path}: a link where a folder of the run belongs; remove it.")
    return path


def checked(folder: Path, manifest: FileList, name: str) -> Path:
    """Locate a run's file and check its recorded digest before it is read. Raises DataError."""
    path, expected = locate(folder, name), manifest.files.get(name)
    if expected is None or not path.is_file():
        raise DataError(f"{path}: the file is missing; run the same command again to make it.")
    if file_digest(path) != expected:
        raise DataError(
            f"{path}: the file was changed after the run; run the same command again to restore it."
        )
    return path


def refuse_later_run(folder: Path, manifest: Manifest) -> None:
    """Raise UsageError when a folder holds another run than the one whose manifest was read before."""
    now = read_manifest(folder)
    found = {name: value for name, value in manifest.files.items() if name.startswith(_RESULTS)}
    if now.signature != manifest.signature or not found.items() <= now.files.items():
        raise UsageError(
            f"{folder}: the folder was used by a later run, so this result has no files any more. Give each "
            "run an output folder (out) of its own, or read what is there now with bench.open."
        )


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a file with other content makes its reader raise into a DataError that names the file.

    A digest shows that a file is as its manifest says, not that a bench command wrote both.
    """
    try:
        yield
    except BenchError:
        raise
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, Warning) as error:
        raise DataError(
            f"{path}: its content is not what a bench command writes "
            f"({type(error).__name__}: {shorten(error)}). {AGAIN}"
        ) from error
