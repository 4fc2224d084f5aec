"""Summaries and runs → rows of scores.csv. Arrays in, arrays out: no plan, no dataset, no system."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.harness.stages.stage import Stage
from bench.metrics.ranking import Relevance, score
from bench.metrics.rows import metric_rows
from bench.metrics.ties import TieBounds, tie_bounds
from bench.store.artefacts import Artefact, Store
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.types import Json, Run, VideoId

Row = dict[str, Any]
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """A cell's rows of scores.csv, less the names of its systems, and its metrics per query or video."""

    rows: Sequence[Row]
    ids: Sequence[str]
    per_item: Columns


class _Scores(Stage[CellScores]):
    """What both kinds of scores have in common: how they are stored."""

    def key(self) -> dict[str, Json]:
        """Key scores by what is scored and the code that scores it."""
        return {**self.inputs(), "code": code_digest(__name__)}

    @abstractmethod
    def inputs(self) -> dict[str, Json]:
        """Identify what is scored by its digests, for the key of the scores."""

    @abstractmethod
    def score(self) -> CellScores:
        """Compute the scores of the cell, in total and per item."""

    def make(self, folder: Path) -> dict[str, Json]:
        """Write the scores per item as arrays."""
        scores = self.score()
        np.save(folder / "ids.npy", np.array(scores.ids, dtype=np.str_))
        for i, values in enumerate(scores.per_item.values()):
            np.save(folder / f"column-{i}.npy", values)
        rows = [{name: None if _is_nan(x) else x for name, x in row.items()} for row in scores.rows]
        return {"rows": rows, "columns": list(scores.per_item)}

    def read(self, artefact: Artefact) -> CellScores:
        """Read the scores, in total and per item, from a finished artefact."""
        columns = {
            name: np.load(artefact.path / f"column-{i}.npy")
            for i, name in enumerate(artefact.meta["columns"])
        }
        return CellScores(artefact.meta["rows"], np.load(artefact.path / "ids.npy").tolist(), columns)


class ScoreRun(_Scores):
    """R@k, P@k and Acc@k of a run, with intervals and tie bounds; a query without results counts 0.

    ``runs`` are the run, a deeper run of the queries whose tie group goes on behind its end, and the
    digest of both. ``needs [Q]`` numbers the queries' information needs.
    """

    kind = "ranking-scores"

    def __init__(
        self, store: Store, runs: tuple[Run, Run, str], truth: Relevance, needs: npt.NDArray[np.int64]
    ) -> None:
        super().__init__(store)
        self._run, self._deep, self._made = runs
        self._truth, self._needs = truth, needs

    def inputs(self) -> dict[str, Json]:
        """Digest the run and the relevance that score it."""
        truth = self._truth
        return {
            "run": self._made,
            "queries": list(truth.query_ids),
            "relevant": digest([truth.indptr.tolist(), truth.positions.tolist()]),
            "needs": digest(self._needs.tolist()),
        }

    def score(self) -> CellScores:
        """Compute the metrics of each query, their means, intervals and tie bounds."""
        per_query = score(self._run, self._truth)
        bounds = bounds_of_run(self._run, self._deep, self._truth)
        rows = metric_rows(per_query, bounds, self._needs)
        return CellScores(rows, self._truth.query_ids, {"n_relevant": self._truth.counts, **per_query})


class ScoreSummaries(_Scores):
    """BLEU, ROUGE-L and CIDEr of summaries against references, with intervals.

    Only the videos in ``references`` are scored: of a pool with videos of other splits, those that
    nothing was learnt from. ``summaries`` are the texts of the pool and their digest.
    """

    kind = "text-scores"

    def __init__(
        self,
        store: Store,
        summaries: tuple[Mapping[VideoId, str], str],
        references: Mapping[VideoId, Sequence[str]],
    ) -> None:
        super().__init__(store)
        texts, self._made = summaries
        self._texts = {video_id: texts[video_id] for video_id in references}
        self._references = references

    def inputs(self) -> dict[str, Json]:
        """Digest all summaries and the references that score them."""
        references = [[video_id, list(texts)] for video_id, texts in self._references.items()]
        return {"summaries": self._made, "references": digest(references)}

    def score(self) -> CellScores:
        """Compute the corpus scores, their intervals and the scores of each video."""
        from bench.metrics.text import COUNTS, score_texts
        from bench.metrics.text_tests import text_intervals

        scores = score_texts(self._texts, self._references)
        limits = text_intervals(scores)
        n = len(scores.video_ids)
        rows = [
            {"metric": name, "value": value, "ci_low": limits[name].low, "ci_high": limits[name].high, "n": n}
            for name, value in scores.corpus.items()
        ]
        # corpus BLEU is a function of the sums of these counts
        counts = dict(zip(COUNTS, scores.bleu_counts.T, strict=True))
        return CellScores(rows, scores.video_ids, {**scores.per_video, **counts})


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def bounds_of_run(
    run: Run,
    deep: Run,
    truth: Relevance,
    bound: Callable[[Run, Relevance], dict[str, TieBounds]] = tie_bounds,
) -> dict[str, TieBounds]:
    """Bound every query by its run, and those whose tie group went on behind it by the deeper one."""
    bounds_of = bound(run, truth)
    if not deep.query_ids:
        return bounds_of
    row_of = {query: row for row, query in enumerate(truth.query_ids)}
    rows = np.array([row_of[query] for query in deep.query_ids])
    relevant = {
        query: [truth.video_ids[i] for i in truth.positions[truth.indptr[row] : truth.indptr[row + 1]]]
        for query, row in zip(deep.query_ids, rows.tolist(), strict=True)
    }
    deeper = bound(deep, Relevance.from_mapping(relevant, tuple(relevant), truth.video_ids))
    for name, bounds in bounds_of.items():
        for side in ("worst", "expected", "best"):
            getattr(bounds, side)[rows] = getattr(deeper[name], side)
    return bounds_of
