"""Summaries → a run: index, search, and search deeper where ties reach the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.evaluation_set import even_sample
from bench.errors import DataError
from bench.harness.plan import Plan
from bench.harness.stages.fit import ensure_fitted
from bench.harness.stages.ranking import check_run, merge, search_deeper
from bench.harness.stages.recall import measure_recall
from bench.harness.stages.search import (
    PartialRun,
    SearchPart,
    SearchStage,
    divide_corpus,
    load_run,
    save_run,
    search,
)
from bench.harness.stages.summarize import Summaries
from bench.measures.limits import deepest_cut
from bench.metrics.definitions import DEPTH
from bench.protocols import Caching, Encoding, Retriever, is_approximate
from bench.store.artefacts import Artefact
from bench.systems.component import Component
from bench.systems.cost import measure_cost, measure_other_work
from bench.types import Json, QueryId, Run, VideoId

_LATENCY_SAMPLE, _REPEATS, _THROUGHPUT_SAMPLE = 17, 3, 200
_AUDIT_TOLERANCE = 1e-5
"""Largest difference of a score: vectors differ in their last bits with the batch they were computed in."""


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """A run of depth 100 and, for the queries whose tie group reaches its end, a deeper one."""

    run: Run
    deep: Run
    digest: str
    meta: Mapping[str, Any]
    reused: bool


class Retrieve(SearchStage[Retrieved]):
    """Let a retriever index summaries and search them, fitting it first where it must be."""

    kind = "retrieval"

    def __init__(self, plan: Plan, component: Component[Retriever], summaries: Summaries) -> None:
        super().__init__(plan, component, corpus(plan, summaries))

    def make(self, folder: Path) -> dict[str, Json]:
        """Write the run and the deeper run as arrays."""
        component, system = self._component, self._component.system
        fit = ensure_fitted(self._plan, component)
        parts = [part.get() for part in self.parts()]
        with measure_cost() as cost:
            started = time.perf_counter()
            system.index(dict(self._documents))
            index_s = time.perf_counter() - started
            started = time.perf_counter()
            run, coverage = self._search(parts)
            search_s = time.perf_counter() - started
            deep = search_deeper(
                lambda waiting, depth: search(component, waiting, depth, run.video_ids),
                self._queries, run, deepest_cut(self._plan.config.metrics),
            )  # fmt: skip
        for part in (run, deep):
            check_run(component.name, part)
        _save(folder, run, deep)
        return {
            "component": component.name,
            "fit_s": fit.get("seconds"),
            "fit_peak_mb": fit.get("peak_mb"),
            "fit_added_mb": fit.get("added_mb"),
            "seconds": round(cost.seconds + sum(part.seconds for part in parts), 4),
            "peak_mb": cost.peak_mb,
            "added_mb": cost.added_mb,
            "index_s": round(index_s, 4),
            "search_s": round(search_s + sum(part.seconds for part in parts), 4),
            "documents": len(self._documents),
            "queries": len(self._queries),
            "index_bytes": component.index_bytes(),
            "params": component.parameters(),
            "coverage": dict(coverage),
            "signature": component.signature(),
            "remarks": component.remarks(),
            "recall": measure_recall(component, self._queries, run),
            **_latency(system, self._queries),
        }

    def divide(self) -> list[dict[VideoId, str]]:
        """Divide the documents of a retriever by vectors into parts (``run.shards``); [] of others."""
        count = self._plan.machine.shards
        if count == 1 or not isinstance(self._component.system, Encoding):
            return []
        return divide_corpus(self._documents, count)

    def parts(self) -> list[SearchPart]:
        """Divide the search into parts that workers can do separately, each with a separate artefact.

        An approximate index is built of the whole corpus: parts of it would miss other documents.
        """
        if is_approximate(self._component.system):
            return []
        return [SearchPart(self._plan, self._component, part) for part in self.divide()]

    def _search(self, parts: Sequence[PartialRun]) -> tuple[Run, Mapping[str, int]]:
        """Search what was indexed, or merge its parts; return what could not be used in full, too."""
        if parts:
            run = merge([part.run for part in parts], tuple(self._documents))
            return run, {**parts[0].coverage, **self._component.coverage()}  # of queries; of all documents
        run = search(self._component, self._queries, DEPTH, tuple(self._documents))
        return run, self._component.coverage()  # before some queries are searched again

    def read(self, artefact: Artefact) -> Retrieved:
        """Read the runs back from a finished artefact."""
        pool, queries = tuple(self._documents), tuple(self._queries)
        deep_rows = np.load(artefact.path / "deep-rows.npy")
        return Retrieved(
            Run(queries, pool, *load_run(artefact.path, "run")),
            Run(tuple(queries[row] for row in deep_rows), pool, *load_run(artefact.path, "deep")),
            artefact.digest,
            artefact.meta,
            artefact.reused,
        )


def _save(folder: Path, run: Run, deep: Run) -> None:
    again = set(deep.query_ids)
    rows = [i for i, query in enumerate(run.query_ids) if query in again]
    np.save(folder / "deep-rows.npy", np.array(rows, dtype=np.int64))
    for name, part in (("run", run), ("deep", deep)):
        save_run(folder, name, part)


def corpus(plan: Plan, summaries: Summaries) -> dict[VideoId, str]:
    """Build what is indexed of each video: its summary, or transcript and summary (``index.mode``).

    A summary that is the transcript itself is not repeated.
    """
    if plan.index.mode == "replace":
        return dict(summaries.texts)
    spoken = {video.video_id: video.transcript for video in plan.pool_videos(references=False)}
    return {
        video_id: text if text == spoken[video_id] else f"{spoken[video_id]}\n{text}".strip()
        for video_id, text in summaries.texts.items()
    }


def _latency(system: Retriever, queries: Mapping[QueryId, str]) -> dict[str, Json]:
    """Time single queries and a batch, with the system's own caches switched off where it has any."""
    sample = even_sample(list(queries.items()), _THROUGHPUT_SAMPLE)
    with system.uncached() if isinstance(system, Caching) else nullcontext():
        with measure_other_work() as other:
            timings = _timings(system, sample)
        return {**timings, "search_shared": other.share}


def _timings(system: Retriever, sample: Sequence[tuple[QueryId, str]]) -> dict[str, Json]:
    timed = even_sample(sample, _LATENCY_SAMPLE)
    singles = np.array([[_search_ms(system, *query) for query in timed] for _ in range(_REPEATS)])
    medians = np.median(singles, axis=1)
    started = time.perf_counter()
    system.search(dict(sample), DEPTH)
    seconds = max(time.perf_counter() - started, 1e-9)
    return {
        "search_p50_ms": round(float(np.percentile(singles, 50)), 3),
        "search_p95_ms": round(float(np.percentile(singles, 95)), 3),
        "search_spread_ms": round(float(np.ptp(medians)), 3),
        "queries_per_s": round(len(sample) / seconds, 1),
    }


def _search_ms(system: Retriever, query_id: QueryId, text: str) -> float:
    started = time.perf_counter()
    system.search({query_id: text}, DEPTH)
    return (time.perf_counter() - started) * 1000


def audit(plan: Plan, component: Component[Retriever], summaries: Summaries, stored: Retrieved) -> None:
    """Search again what was reused; a cache of vectors then checks some of those that it reads.

    Raises DataError when the run is not the stored one.
    """
    ensure_fitted(plan, component)
    documents = corpus(plan, summaries)
    component.system.index(documents)
    run = search(component, plan.evaluation.queries, DEPTH, tuple(documents))
    close = np.isclose(run.scores, stored.run.scores, rtol=0, atol=_AUDIT_TOLERANCE)  # [Q, k]
    changed = np.flatnonzero(~np.all(close, axis=1))
    if len(changed):
        raise DataError(
            f"{component.name}: searching again gives another run than the one in the store, for "
            f"{len(changed)} of {len(close)} queries, {run.query_ids[int(changed[0])]} the first. Something "
            "that decides it changed without its key. Run with an empty --store, and report it."
        )
