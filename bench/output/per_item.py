"""A finished run's scores per query and per video, read back for paired comparisons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.metrics.definitions import BLEU
from bench.metrics.needs import by_need, number_needs
from bench.metrics.text import COUNTS, bleu_of_counts, bleu_pseudo_values
from bench.output.checked import checked, reading
from bench.output.manifest import AGAIN, Manifest, read_manifest
from bench.output.schema import ATTRIBUTES, from_csv
from bench.output.trec import read_queries

Floats: TypeAlias = npt.NDArray[np.float64]


class _Columns(dict[str, Floats]):
    """The scores of a file by metric; one that it lacks is an error that names the file."""

    def __init__(self, path: Path, values: Mapping[str, Floats]) -> None:
        super().__init__(values)
        self.path = path

    def __missing__(self, metric: str) -> Floats:
        raise DataError(f"{self.path}: there is no column {metric}, which scores.csv has. {AGAIN}")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ItemScores:
    """A cell's scores per independent item: a distinct query, or a video.

    ``values`` maps each metric to ``[seeds, n]`` whose rows have that seed's score as their mean; for
    corpus BLEU they are jackknife pseudo-values, as it is no mean. ``own`` maps it to the scores of the
    single items, for counting wins. ``bleu_counts`` is ``[seeds, n, 10]``, None for queries.
    ``weights [n]``, of mean 1, are how often an item was drawn; a value is its score times its weight.
    """

    ids: tuple[str, ...]
    values: Mapping[str, Floats]
    own: Mapping[str, Floats]
    bleu_counts: npt.NDArray[np.int64] | None = None
    weights: Floats | None = None

    @property
    def seeds(self) -> int:
        """Count the seeds that the cell was run with."""
        return len(next(iter(self.values.values())))

    def subset(self, ids: Collection[str]) -> ItemScores:
        """Select the items of these ids, of a cell of queries; weights have a mean of 1 again."""
        rows = [i for i, item in enumerate(self.ids) if item in ids]
        weights = np.ones(len(self.ids)) if self.weights is None else self.weights
        mean = float(weights[rows].mean()) if rows else 1.0
        values: dict[str, Floats] = {m: scores[:, rows] / mean for m, scores in self.values.items()}
        if isinstance(self.values, _Columns):
            values = _Columns(self.values.path, values)
        return ItemScores(tuple(self.ids[i] for i in rows), values, values, weights=weights[rows] / mean)

    def score(self, metric: str) -> float:
        """Average the cell's scores over its seeds."""
        if metric in BLEU and self.bleu_counts is not None:
            return float(bleu_of_counts(self.bleu_counts.sum(axis=1))[:, BLEU.index(metric)].mean())
        return float(self.values[metric].mean())


class RunItems:
    """The cells of an output folder; of several seeds, those seeds that finished the cell."""

    def __init__(self, out: Path, manifest: Manifest) -> None:
        names = list(manifest.seeds.values())
        self._folders = [out / name for name in names] if names else [out]
        self._known: dict[tuple[str, str], ItemScores] = {}

    @cached_property
    def _manifests(self) -> list[Manifest]:
        return [read_manifest(folder) for folder in self._folders]

    @property
    def first(self) -> tuple[Path, Manifest]:
        """Name the folder and manifest that hold the evaluated queries."""
        return self._folders[0], self._manifests[0]

    @property
    def has_attributes(self) -> bool:
        """Check whether the evaluated queries came with attributes."""
        return ATTRIBUTES in self.first[1].files

    def cell(self, generator: str, retriever: str) -> ItemScores:
        """Read the scores per item of a cell; the retriever is empty for generation metrics.

        Raises DataError when the files are missing or were changed.
        """
        key = (generator, retriever)
        if key not in self._known:
            cell = f"{generator}.{retriever}"
            name = f"per_query/{cell}.csv" if retriever else f"per_video/{generator}.csv"
            with reading(self._folders[0] / name):
                self._known[key] = self._queries(name) if retriever else self._videos(name)
        return self._known[key]

    def texts(self) -> dict[str, str]:
        """Read the evaluated queries' texts by id."""
        folder, manifest = self.first
        return read_queries(checked(folder, manifest, "queries.tsv"))

    @cached_property
    def _need_of(self) -> dict[str, int]:
        """Number the information needs: a query drawn for several videos is one of them."""
        texts = self.texts()
        return dict(zip(texts, number_needs(texts.values()).tolist(), strict=True))

    def _queries(self, name: str) -> ItemScores:
        frames = self._frames(name, "query_id")
        needs = np.array([self._need_of[query] for query in frames[0]["query_id"]], dtype=np.int64)
        metrics = [name for name in frames[0].columns if name not in ("query_id", "n_relevant")]
        values = _Columns(
            self._folders[0] / name,
            {m: np.stack([by_need(frame[m].to_numpy(), needs) for frame in frames]) for m in metrics},
        )
        first: dict[int, str] = {}
        for query, need in zip(frames[0]["query_id"], needs.tolist(), strict=True):
            first.setdefault(need, query)
        weights = by_need(np.ones(len(needs)), needs)
        return ItemScores(tuple(first[need] for need in sorted(first)), values, values, weights=weights)

    def _videos(self, name: str) -> ItemScores:
        frames = self._frames(name, "video_id")
        if any(frame[list(COUNTS)].isna().any(axis=None) for frame in frames):
            raise ValueError("a count of n-grams is missing")
        counts = np.stack([frame[list(COUNTS)].to_numpy(dtype=np.int64) for frame in frames])
        metrics = [name for name in frames[0].columns if name not in ("video_id", *COUNTS)]
        path = self._folders[0] / name
        own = _Columns(
            path, {m: np.stack([frame[m].to_numpy(dtype=np.float64) for frame in frames]) for m in metrics}
        )
        pseudo = np.stack([bleu_pseudo_values(part) for part in counts])  # [seeds, n, 4]
        values = _Columns(path, {**own, **{name: pseudo[:, :, i] for i, name in enumerate(BLEU)}})
        return ItemScores(tuple(frames[0]["video_id"]), values, own, counts)

    def _frames(self, name: str, id_column: str) -> list[Any]:
        there = [
            from_csv(checked(folder, manifest, name), text=id_column)
            for folder, manifest in zip(self._folders, self._manifests, strict=True)
            if name in manifest.files or len(self._folders) == 1
        ]
        if not there:
            raise DataError(f"{self._folders[0] / name}: the file is missing; run the same command again.")
        if any(list(frame[id_column]) != list(there[0][id_column]) for frame in there):
            raise DataError(f"{self._folders[0] / name}: the seeds were evaluated on different items.")
        return there
