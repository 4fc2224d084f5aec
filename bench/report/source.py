"""A finished (or half-finished) run as the page and ``bench explain`` read it: from its files alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.output.checked import checked, reading
from bench.output.manifest import Manifest, read_manifest
from bench.output.schema import MODALITY, SLICE_COLUMNS, SLICES, from_csv, with_text
from bench.output.trec import read_queries, read_relevant
from bench.output.trec_lookup import TrecFile
from bench.result import Result
from bench.store.json_files import read_json_lines
from bench.types import QueryId, VideoId

if TYPE_CHECKING:
    import pandas as pd

CellName = tuple[str, str]
"""Generator and retriever, named as on the command line."""


@dataclass(frozen=True, eq=False)
class Source:
    """A run whose files are read when they are needed, each checked against its digest in the manifest.

    ``name`` distinguishes the runs on a page of several, and is empty on a page of one. What is shown by
    query (summaries, ranks) is that of the first seed, if a run has several.
    """

    result: Result
    name: str
    folder: Path
    """The folder with the files of single queries and videos: that of the run, or of its first seed."""
    manifest: Manifest
    """The manifest of that folder."""

    @classmethod
    def read(cls, out: Path, name: str = "") -> Source:
        """Read an output folder. Raises DataError when it is not one, or when a file was changed."""
        result = Result.read(out)
        seeds = result.manifest.seeds
        if not seeds:
            return cls(result, name, out, result.manifest)
        folder = out / next(iter(seeds.values()))
        return cls(result, name, folder, read_manifest(folder))

    def file(self, name: str) -> Path | None:
        """Locate a file of the run and check its digest; None when the run did not write it."""
        return checked(self.folder, self.manifest, name) if name in self.manifest.files else None

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Map each system to the label that the page shows: distinct, with the run's name if it has one."""
        given: Mapping[str, str] = self.manifest.labels
        times = list(given.values())
        shown = {n: label if times.count(label) == 1 else f"{label} ({n})" for n, label in given.items()}
        return {name: f"{label} · {self.name}" if self.name else label for name, label in shown.items()}

    @cached_property
    def scores(self) -> Sequence[Any]:
        """Read the scores that tables show, as tuples named like the columns of scores.csv."""
        return list(self.result.headline.itertuples())

    @cached_property
    def costs(self) -> Mapping[CellName, Any]:
        """Index the rows of costs.csv by generator and retriever, which is empty for a generator's row."""
        rows = with_text(self.result.costs).itertuples()
        return {(str(row.generator), str(row.retriever)): row for row in rows}

    @cached_property
    def modality(self) -> Sequence[Mapping[str, Any]]:
        """Read by how much each input lowers a generator's loss (modality.csv); no rows if not measured."""
        if MODALITY not in self.result.manifest.files:
            return []
        path = checked(self.result.out, self.result.manifest, MODALITY)
        with reading(path):
            return [
                {name: row[name] for name in ("generator", "modality", "gap", "ci_low", "ci_high", "n")}
                for row in from_csv(path).to_dict("records")
            ]

    @cached_property
    def slices(self) -> pd.DataFrame | None:
        """Read the scores by attributes of the queries (slices.csv); None for a run without this file."""
        if SLICES not in self.result.manifest.files:
            return None
        path = checked(self.result.out, self.result.manifest, SLICES)
        with reading(path):
            return from_csv(path)[list(SLICE_COLUMNS)]

    @cached_property
    def cells(self) -> Sequence[CellName]:
        """List the pairs of generator and retriever that were scored, in the order of scores.csv."""
        pairs = ((row.generator, row.retriever) for row in self.scores if isinstance(row.retriever, str))
        return list(dict.fromkeys(pairs))

    @cached_property
    def generators(self) -> Sequence[str]:
        """List the generators that were scored, by any metric, in the order of scores.csv."""
        return list(dict.fromkeys(row.generator for row in self.scores))

    @cached_property
    def retrievers(self) -> Sequence[str]:
        """List the retrievers that were scored, each once, in the order of scores.csv."""
        return list(dict.fromkeys(retriever for _, retriever in self.cells))

    @property
    def unfinished(self) -> Sequence[str]:
        """List the cells of the run's settings that are still to be computed: neither scored nor failed."""
        from bench.systems.registry import cell_name

        settings, failed = self.result.manifest.settings, self._failed
        names = [cell_name(name) for name in settings["generators"]]
        planned = [(g, r) for g in names for r in map(cell_name, settings["retrievers"])]
        made = set(self.cells)
        return [
            f"{g}.{r}" for g, r in planned if (g, r) not in made and not failed & {g, r, f"{g}.{r}"}
        ]  # fmt: skip

    @property
    def _failed(self) -> set[str]:
        """Collect the cells that failed; of several seeds, those that failed with any."""
        seeds = self.result.manifest.seeds
        if not seeds:
            return set(self.result.manifest.failed)
        folders = [self.result.out / name for name in seeds.values()]
        return {cell for folder in folders for cell in read_manifest(folder).failed}

    @cached_property
    def queries(self) -> Mapping[QueryId, str]:
        """Read the texts of the evaluated queries, by id and in order."""
        return read_queries(checked(self.folder, self.manifest, "queries.tsv"))

    @cached_property
    def relevant(self) -> Mapping[QueryId, Sequence[VideoId]]:
        """Read which videos are relevant to each evaluated query, from the run's qrels."""
        return read_relevant(checked(self.folder, self.manifest, "qrels.trec"))

    @cached_property
    def asking(self) -> Mapping[VideoId, Sequence[QueryId]]:
        """Invert `relevant`: the evaluated queries to which each video is relevant."""
        queries: dict[VideoId, list[QueryId]] = {}
        for query in self.queries:
            for video in self.relevant.get(query, ()):
                queries.setdefault(video, []).append(query)
        return queries

    @cached_property
    def references(self) -> Mapping[VideoId, Sequence[str]]:
        """Read the reference texts of each video; where the run wrote none, use its evaluated queries."""
        if not self._videos:
            return {v: [self.queries[query] for query in ids] for v, ids in self.asking.items()}
        return {line["video_id"]: line["references"] for line in self._videos}

    @cached_property
    def addresses(self) -> Mapping[VideoId, str]:
        """Read where the videos can be watched, of those whose address the dataset has."""
        given = {line["video_id"]: str(line.get("url", "")) for line in self._videos}
        return {video: url for video, url in given.items() if re.match("https?://", url)}

    @cached_property
    def _videos(self) -> list[dict[str, Any]]:
        path = self.file("references.jsonl")
        if path is None:
            return []
        with reading(path):
            lines = read_json_lines(path)
            for line in lines:
                if not all(isinstance(text, str) for text in (line["video_id"], *line["references"])):
                    raise TypeError("an id or a reference is no text")
            return lines

    def summaries(self, generator: str) -> Mapping[VideoId, str]:
        """Read the summaries that a generator wrote, by video and in the order of the dataset."""
        path = checked(self.folder, self.manifest, f"summaries/{generator}.jsonl")
        with reading(path):
            return {line["video_id"]: line["summary"] for line in read_json_lines(path)}

    def read_lines(self, kind: str, generator: str) -> list[dict[str, Any]]:
        """Read ``<kind>/<generator>.jsonl``, such as a training log; no lines if the run did not write it."""
        path = self.file(f"{kind}/{generator}.jsonl")
        return read_json_lines(path, allow_nan=True) if path else []

    def per_video(self, generator: str) -> pd.DataFrame:
        """Read BLEU, ROUGE-L and CIDEr of each video's summary; no rows where foreign runs were scored."""
        import pandas as pd

        path = self.file(f"per_video/{generator}.csv")
        return from_csv(path, text="video_id") if path else pd.DataFrame(columns=["video_id", "CIDEr"])

    def run(self, cell: CellName) -> TrecFile:
        """Open the run of a cell; use it as a context manager."""
        path = checked(self.folder, self.manifest, f"runs/{cell[0]}.{cell[1]}.trec")
        return TrecFile(path, self.queries)


def times_100(value: float) -> float | None:
    """Convert a score to the number that the page shows; None for NaN."""
    return round(float(value) * 100, 4) if not math.isnan(value) else None
