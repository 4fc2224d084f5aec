"""The files of a run → what follows from them alone: tests, summary, scores by attribute, tables, page."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from bench.comparison.paired import significance
from bench.comparison.slices import score_slices
from bench.comparison.summarize import summarize_run
from bench.harness.progress import PAGE_STEP, TABLES, TESTS
from bench.harness.stages.stage import Stage
from bench.output.folder import OutputFolder
from bench.output.manifest import Manifest, read_document
from bench.output.per_item import RunItems
from bench.output.schema import PAGE, SIGNIFICANCE, SLICES, SUMMARY, to_csv
from bench.report.page import open_sources, render
from bench.result import Result
from bench.store.artefacts import Artefact, Store
from bench.store.code_digest import packages_digest
from bench.tables.table import RENDERERS, SUFFIXES
from bench.types import Json


class Note(Protocol):
    """Takes the name of each step when it begins, and whether its files are those of the store."""

    def __call__(self, step: str, *, reused: bool = False) -> object:
        """Note that a step begins."""


def note_nothing(step: str, *, reused: bool = False) -> None:
    """Take a step's name where nobody follows the progress."""


def write_results(
    folder: OutputFolder, manifest: Manifest, store: Store | None, note: Note = note_nothing
) -> None:
    """Write what follows from the scores, from the store where the same files were read before.

    Without a ``store`` everything is computed, and the page is left out.
    """
    if store is None:
        _compute(folder, manifest, None, note)
        return
    for name, path in Results(store, folder, manifest, note).get().items():
        if name not in folder.files:
            folder.write_with(name, partial(shutil.copyfile, path))


class Results(Stage[Mapping[str, Path]]):
    """Compute everything that is read off a run's files, into the run's folder; the store has a copy.

    The 37 s that tests of eleven rows take are so spent once, not each time that a finished run is shown.
    """

    kind = "results"

    def __init__(self, store: Store, folder: OutputFolder, manifest: Manifest, note: Note) -> None:
        super().__init__(store)
        self._folder, self._manifest, self._note = folder, manifest, note

    def key(self) -> dict[str, Json]:
        """Key the results by all files so far, the manifest and every module and template that may be used.

        Of several seeds, the manifests of their runs name the files that are read.
        """
        below = {name: read_document(self._folder.path / name) for name in self._manifest.seeds.values()}
        return {
            "files": dict(self._folder.files),
            "manifest": self._manifest.to_json(),
            "seeds": {name: document["files"] for name, document in below.items()},
            "code": packages_digest(("bench", "generators", "retrievers")),
        }

    def make(self, folder: Path) -> dict[str, Json]:
        """Compute the files in the run's folder, and copy them."""
        before = set(self._folder.files)
        _compute(self._folder, self._manifest, self.store, self._note)
        made = sorted(set(self._folder.files) - before)
        for name in made:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(self._folder.path / name, folder / name)
        return {"files": list(made)}

    def read(self, artefact: Artefact) -> dict[str, Path]:
        """Locate the copies by the names that they have in a run's folder."""
        if artefact.reused:
            for step in (TESTS, TABLES, PAGE_STEP):
                self._note(step, reused=True)
        return {name: artefact.path / name for name in artefact.meta["files"]}


def _compute(folder: OutputFolder, manifest: Manifest, store: Store | None, note: Note) -> None:
    note(TESTS)
    result = _read_so_far(folder, manifest)
    items = RunItems(result.out, result.manifest)
    folder.write(SIGNIFICANCE, to_csv(significance(result.headline, items, result.manifest.references)))
    folder.write(SUMMARY, summarize_run(_read_so_far(folder, manifest)).to_json())
    if RunItems(result.out, result.manifest).has_attributes:
        folder.write(SLICES, to_csv(score_slices(result)))
    note(TABLES)
    for table in _read_so_far(folder, manifest).tables():
        for form, suffix in SUFFIXES.items():
            folder.write(f"tables/{table.name}.{suffix}", RENDERERS[form](table))
    if store is not None:
        note(PAGE_STEP)
        _read_so_far(folder, manifest)
        folder.write(PAGE, render(open_sources([folder.path]), store))


def _read_so_far(folder: OutputFolder, manifest: Manifest) -> Result:
    """Write the manifest with all files so far, and read the run as ``bench table`` and the page do."""
    folder.write_manifest(manifest, finished=False)
    return Result.read(folder.path)
