"""The files of a finished run that exports are made of, each checked against its digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.errors import DataError
from bench.output.checked import checked
from bench.output.manifest import Manifest
from bench.output.per_item import RunItems
from bench.output.schema import GIVEN, QRELS, QUERIES
from bench.output.trec import read_qrels, read_queries
from bench.result import Result
from bench.store.json_files import numbered_json_lines
from bench.types import QueryId, VideoId

__cache_neutral__ = True


@dataclass(frozen=True)
class RunFiles:
    """A finished run; of several seeds, the files of the first and the scores over all."""

    result: Result

    @classmethod
    def read(cls, out: Path) -> RunFiles:
        """Read an output folder. Raises DataError when it is not one, or has no finished cell."""
        files = cls(Result.read(out))
        if not files.cells:
            raise DataError(f"{out}: no cell of this run is finished, so there is nothing to export.")
        return files

    @property
    def manifest(self) -> Manifest:
        """The manifest of the run that the exported cell belongs to."""
        return self.result.manifest

    @property
    def split(self) -> str:
        """Name the evaluated split; judgements that were given as a file count as the test."""
        split = str(self.manifest.settings.get("split", "test"))
        return "test" if split == GIVEN else split

    @cached_property
    def cells(self) -> list[tuple[str, str]]:
        """List the pairs of generator and retriever that have scores, in their order."""
        scores = self.result.headline
        rows = scores[scores["retriever"].notna()][["generator", "retriever"]].drop_duplicates()
        return [(str(row.generator), str(row.retriever)) for row in rows.itertuples()]

    def path(self, name: str) -> Path:
        """Locate a file of the run, unchanged since it was written. Raises DataError."""
        folder, manifest = self._first
        return checked(folder, manifest, name)

    @cached_property
    def queries(self) -> dict[QueryId, str]:
        """Read the evaluated queries."""
        return read_queries(self.path(QUERIES))

    @cached_property
    def grades(self) -> dict[QueryId, dict[VideoId, int]]:
        """Read the judged videos of each evaluated query, with their relevance."""
        return read_qrels(self.path(QRELS))

    def summaries(self, generator: str) -> Iterator[tuple[VideoId, str]]:
        """Yield the summary of each searched video, by id."""
        for _, item in numbered_json_lines(self.path(f"summaries/{generator}.jsonl")):
            yield str(item["video_id"]), str(item["summary"])

    @cached_property
    def _first(self) -> tuple[Path, Manifest]:
        return RunItems(self.result.out, self.manifest).first
