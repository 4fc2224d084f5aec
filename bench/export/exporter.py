"""Export a finished run into a new folder, in one of the formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.errors import unknown
from bench.export.collections import export_beir, export_trec
from bench.export.results import export_every_eval_ever, export_mteb
from bench.export.run_files import RunFiles
from bench.store.files import new_folder

__cache_neutral__ = True

EXPORTS: Mapping[str, Callable[[RunFiles, Path], None]] = {
    "trec": export_trec,
    "beir": export_beir,
    "mteb": export_mteb,
    "every_eval_ever": export_every_eval_ever,
}


def export_run(out: Path, form: str, to: Path) -> list[Path]:
    """Write a run into a folder that is new or empty, and list the files.

    Raises UsageError for an unknown format and for a folder that holds something, DataError for a run that is
    not finished in any cell or whose files were changed.
    """
    if form not in EXPORTS:
        raise unknown("format", form, EXPORTS)
    run = RunFiles.read(out)
    with new_folder(to, "--to") as folder:
        EXPORTS[form](run, folder)
    return sorted(path for path in to.rglob("*") if path.is_file())
