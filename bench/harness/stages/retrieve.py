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
from bench.errors import BenchError, DataError
from bench.harness.plan import Plan
from bench.harness.stages.fit import ensure_fitted, learnt_key
from bench.harness.stages.stage import Stage
from bench.harness.stages.summarize import Summaries
from bench.protocols import Caching, Indexed, Retriever
from bench.store.artefacts import Artefact
from bench.store.digests import digest
from bench.systems.component import Component
from bench.systems.cost import measure_cost
from bench.types import NO_HIT, Json, QueryId, Run, VideoId

DEPTH = 100
"""Documents in a run per query."""
_LATENCY_SAMPLE, _THROUGHPUT_SAMPLE = 50, 200
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


class Retrieve(Stage[Retrieved]):
    """Let a retriever index summaries and search them, fitting it first where it must be."""

    kind = "retrieval"

    def __init__(self, plan: Plan, component: Component[Retriever], summaries: Summaries) -> None:
        super().__init__(plan.store, newer_than=plan.newer_than(component.name))
        self._plan, self._component = plan, component
        self._documents = corpus(plan, summaries)
        self._queries = plan.evaluation.queries

    def key(self) -> dict[str, Json]:
        """Key a run by the retriever, what it indexes and what it searches for."""
        return {
            "retriever": learnt_key(self._plan, self._component),
            "corpus": digest(list(self._documents.items())),
            "queries": digest(list(self._queries.items())),
            "depth": DEPTH,
        }

    def make(self, folder: Path) -> dict[str, Json]:
        """Write the run and the deeper run as arrays."""
        component, system = self._component, self._component.system
        fit = ensure_fitted(self._plan, component)
        with measure_cost() as cost:
            started = time.perf_counter()
            system.index(self._documents)
            index_s = time.perf_counter() - started
            started = time.perf_counter()
            run = search(component, self._queries, DEPTH, tuple(self._documents))
            search_s = time.perf_counter() - started
            coverage = component.coverage()  # of all queries, before some are searched again
            deep = _search_deeper(component, self._queries, run)
        _save(folder, run, deep)
        return {
            "component": component.name,
            "fit_s": fit.get("seconds"),
            "fit_peak_mb": fit.get("peak_mb"),
            "seconds": cost.seconds,
            "peak_mb": cost.peak_mb,
            "index_s": round(index_s, 4),
            "search_s": round(search_s, 4),
            "documents": len(self._documents),
            "index_bytes": system.index_bytes() if isinstance(system, Indexed) else None,
            "params": component.parameters(),
            "coverage": coverage,
            "signature": component.signature(),
            "remarks": component.remarks(),
            **_latency(system, self._queries),
        }

    def read(self, artefact: Artefact) -> Retrieved:
        """Read the runs back from a finished artefact."""
        pool, queries = tuple(self._documents), tuple(self._queries)
        deep_rows = np.load(artefact.path / "deep-rows.npy")
        return Retrieved(
            Run(queries, pool, *_load(artefact.path, "run")),
            Run(tuple(queries[row] for row in deep_rows), pool, *_load(artefact.path, "deep")),
            artefact.digest,
            artefact.meta,
            artefact.reused,
        )


def _save(folder: Path, run: Run, deep: Run) -> None:
    again = set(deep.query_ids)
    rows = [i for i, query in enumerate(run.query_ids) if query in again]
    np.save(folder / "deep-rows.npy", np.array(rows, dtype=np.int64))
    for name, part in (("run", run), ("deep", deep)):
        np.save(folder / f"{name}-hits.npy", part.hits)
        np.save(folder / f"{name}-scores.npy", part.scores)


def _load(folder: Path, name: str) -> tuple[Any, Any]:
    return np.load(folder / f"{name}-hits.npy"), np.load(folder / f"{name}-scores.npy")


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


def search(
    component: Component[Retriever], queries: Mapping[QueryId, str], k: int, pool: tuple[VideoId, ...]
) -> Run:
    """Search what was indexed last, and order any retriever's documents by the one rule over the pool."""
    run = component.system.search(queries, k)
    if run.query_ids != tuple(queries) or not set(run.video_ids) <= set(pool):
        raise BenchError(
            f"retriever '{component.name}' returned a run over other queries or videos than it was given; "
            "search() must answer every query, in order, with ids that were indexed."
        )
    position = {video_id: i for i, video_id in enumerate(pool)}
    positions = np.array([position[video_id] for video_id in run.video_ids] + [NO_HIT], dtype=np.int32)
    return Run.from_arrays(run.query_ids, pool, positions[run.hits], run.scores, k)


def _search_deeper(component: Component[Retriever], queries: Mapping[QueryId, str], run: Run) -> Run:
    """Search deeper where a tie group across the deepest cut-off may go on behind the run's end."""
    from bench.metrics.definitions import CUTOFFS
    from bench.metrics.ties import unresolved

    open_rows = np.flatnonzero(unresolved(run, max(CUTOFFS)))
    waiting = [run.query_ids[row] for row in open_rows]
    deep = Run.from_arrays((), run.video_ids, run.hits[:0], run.scores[:0], DEPTH)
    depth = DEPTH
    while waiting and depth < len(run.video_ids):
        depth = min(depth * 4, len(run.video_ids))
        again = {query: queries[query] for query in waiting}
        deep = search(component, again, depth, run.video_ids)
        if not unresolved(deep, max(CUTOFFS)).any():
            break
    return deep


def _latency(system: Retriever, queries: Mapping[QueryId, str]) -> dict[str, Json]:
    """Time single queries and a batch, with the system's own caches switched off where it has any."""
    sample = even_sample(list(queries.items()), _THROUGHPUT_SAMPLE)
    with system.uncached() if isinstance(system, Caching) else nullcontext():
        return _timings(system, sample)


def _timings(system: Retriever, sample: Sequence[tuple[QueryId, str]]) -> dict[str, Json]:
    singles = []
    for query_id, text in even_sample(sample, _LATENCY_SAMPLE):
        started = time.perf_counter()
        system.search({query_id: text}, DEPTH)
        singles.append((time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    system.search(dict(sample), DEPTH)
    seconds = max(time.perf_counter() - started, 1e-9)
    return {
        "search_p50_ms": round(float(np.percentile(singles, 50)), 3),
        "search_p95_ms": round(float(np.percentile(singles, 95)), 3),
        "queries_per_s": round(len(sample) / seconds, 1),
    }


def audit(plan: Plan, component: Component[Retriever], summaries: Summaries, stored: Retrieved) -> None:
    """Search again what was reused, of a retriever with a cache of its own, which audits what it reads.

    Raises DataError when the run is not the stored one.
    """
    if not isinstance(component.system, Caching):
        return
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
