"""The stages of a cell: fit, summarize, search. Each is an artefact of the store."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.evaluation_set import even_sample
from bench.errors import BenchError, MissingError
from bench.harness.plan import Plan
from bench.protocols import Caching, Generator, Indexed, Retriever, reads_references
from bench.store.artefacts import Artefact
from bench.store.digests import digest, videos_digest
from bench.systems.component import Component
from bench.systems.cost import measure_cost
from bench.systems.fitting import MODEL, fitted_model, model_key
from bench.types import NO_HIT, Json, QueryId, Run, Video, VideoId

SUMMARIES, RETRIEVAL = "summaries", "retrieval"
DEPTH = 100
"""Documents kept of each query (contract section 4)."""
DEEPEST_CUT = 30
"""The largest k of the metrics: ties across it are followed to their end."""
_LATENCY_SAMPLE, _THROUGHPUT_SAMPLE = 50, 200


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """Hold what a generator wrote for each video of the pool, in dataset order."""

    texts: Mapping[VideoId, str]
    digest: str
    meta: Mapping[str, Any]
    reused: bool


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """Hold a run of depth 100 and, for the queries whose tie group reaches its end, a deeper one."""

    run: Run
    deep: Run
    digest: str
    meta: Mapping[str, Any]
    reused: bool


def fit_key(plan: Plan, component: Component[Any]) -> dict[str, Json]:
    """Return the key of a fitted system: what it is and what it learns from."""
    return model_key(component, plan.split_digest("train"), plan.split_digest("val"))


def fitted(plan: Plan, component: Component[Any]) -> Mapping[str, Any]:
    """Fit a trainable system, or load it, and return what its fitting recorded; {} for others.

    Raises MissingError when training is needed and ``--no-train`` was given.
    """
    if not component.trainable:
        return {}
    key = fit_key(plan, component)
    if plan.config.no_train and plan.store.find(MODEL, key) is None:
        raise MissingError(
            f"{component.name} is not trained for this data and these options, and --no-train was given. "
            "Run once without --no-train, or name the --store that holds it."
        )
    return fitted_model(
        plan.store,
        component,
        key,
        lambda: (plan.videos("train", references=True), plan.videos("val", references=True)),
    ).meta


def summarize(plan: Plan, component: Component[Generator], split: str | None = None) -> Summaries:
    """Return the generator's summaries of a split, or the pool, fitting and writing what is not there."""
    videos = _seen(plan, component, split)
    key = _summaries_key(plan, component, videos)
    return _read(plan.store.fetch(SUMMARIES, key, lambda folder: _summarize(plan, component, videos, folder)))


def find_summaries(plan: Plan, component: Component[Generator], split: str | None = None) -> Summaries | None:
    """Return the generator's summaries of a split, or the pool, if they are in the store."""
    key = _summaries_key(plan, component, _seen(plan, component, split))
    found = plan.store.find(SUMMARIES, key)
    return _read(found) if found else None


def _seen(plan: Plan, component: Component[Generator], split: str | None) -> list[Video]:
    references = reads_references(component.system)
    return plan.videos(split, references=references) if split else plan.pool_videos(references=references)


def _summaries_key(plan: Plan, component: Component[Generator], videos: Sequence[Video]) -> dict[str, Json]:
    learnt = fit_key(plan, component) if component.trainable else component.key
    return {"generator": learnt, "pool": videos_digest(videos)}


def _read(artefact: Artefact) -> Summaries:
    lines = (artefact.path / "summaries.jsonl").read_bytes().decode("utf-8").split("\n")
    items = [json.loads(line) for line in lines if line]
    texts = {item["video_id"]: item["summary"] for item in items}
    return Summaries(texts, digest(list(texts.items())), artefact.meta, artefact.reused)


def summaries_text(texts: Mapping[VideoId, str]) -> str:
    """Return summaries as JSON lines."""
    return "".join(
        json.dumps({"video_id": video_id, "summary": text}, ensure_ascii=False) + "\n"
        for video_id, text in texts.items()
    )


def _summarize(
    plan: Plan, component: Component[Generator], videos: Sequence[Video], folder: Path
) -> dict[str, Json]:
    fit = fitted(plan, component)
    with measure_cost() as cost:
        written = component.system.summarize(videos)
    texts = {video.video_id: _summary(component, written, video) for video in videos}
    (folder / "summaries.jsonl").write_text(summaries_text(texts), encoding="utf-8", newline="")
    return {
        "component": component.name,
        "fit_s": fit.get("seconds"),
        "fit_peak_mb": fit.get("peak_mb"),
        "training": fit.get("training", []),
        "seconds": cost.seconds,
        "peak_mb": cost.peak_mb,
        "videos": len(videos),
        "params": component.parameters(),
        "coverage": component.coverage() | fit.get("coverage", {}),
        "signature": component.signature(),
    }


def _summary(component: Component[Generator], written: Mapping[VideoId, str], video: Video) -> str:
    text = written.get(video.video_id)
    if not isinstance(text, str):
        raise BenchError(
            f"generator '{component.name}' returned {'nothing' if text is None else type(text).__name__} "
            f"for video '{video.video_id}'; summarize() must return a string, empty perhaps, for each."
        )
    # half of a surrogate pair cannot be written as UTF-8
    return text.encode("utf-8", "replace").decode("utf-8")


def corpus(plan: Plan, summaries: Summaries) -> dict[VideoId, str]:
    """Return what is indexed of each video: its summary, or transcript and summary (``index.mode``).

    A summary that is the transcript itself is not said twice.
    """
    if plan.index.mode == "replace":
        return dict(summaries.texts)
    spoken = {video.video_id: video.transcript for video in plan.pool_videos(references=False)}
    return {
        video_id: text if text == spoken[video_id] else f"{spoken[video_id]}\n{text}".strip()
        for video_id, text in summaries.texts.items()
    }


def retrieval_key(plan: Plan, component: Component[Retriever], summaries: Summaries) -> dict[str, Json]:
    """Return the key of a retriever's run over summaries."""
    learnt = fit_key(plan, component) if component.trainable else component.key
    return {
        "retriever": learnt,
        "corpus": digest(list(corpus(plan, summaries).items())),
        "queries": digest(list(plan.evaluation.queries.items())),
        "depth": DEPTH,
    }


def retrieve(plan: Plan, component: Component[Retriever], summaries: Summaries) -> Retrieved:
    """Return the retriever's run over the summaries, fitting, indexing and searching what is not there."""
    artefact = plan.store.fetch(
        RETRIEVAL,
        retrieval_key(plan, component, summaries),
        lambda folder: _retrieve(plan, component, summaries, folder),
    )
    pool = tuple(summaries.texts)
    queries = tuple(plan.evaluation.queries)
    deep_rows = np.load(artefact.path / "deep-rows.npy")
    return Retrieved(
        Run(queries, pool, *_load(artefact.path, "run")),
        Run(tuple(queries[row] for row in deep_rows), pool, *_load(artefact.path, "deep")),
        artefact.digest,
        artefact.meta,
        artefact.reused,
    )


def _load(folder: Path, name: str) -> tuple[Any, Any]:
    return np.load(folder / f"{name}-hits.npy"), np.load(folder / f"{name}-scores.npy")


def _retrieve(
    plan: Plan, component: Component[Retriever], summaries: Summaries, folder: Path
) -> dict[str, Json]:
    fit = fitted(plan, component)
    system = component.system
    queries = plan.evaluation.queries
    documents = corpus(plan, summaries)
    with measure_cost() as cost:
        started = time.perf_counter()
        system.index(documents)
        index_s = time.perf_counter() - started
        started = time.perf_counter()
        run = search(component, queries, DEPTH, tuple(documents))
        search_s = time.perf_counter() - started
        coverage = component.coverage()  # of all queries, before some are searched again
        deep = _deeper(component, queries, run)
    rows = [i for i, query in enumerate(run.query_ids) if query in set(deep.query_ids)]
    np.save(folder / "deep-rows.npy", np.array(rows, dtype=np.int64))
    for name, part in (("run", run), ("deep", deep)):
        np.save(folder / f"{name}-hits.npy", part.hits)
        np.save(folder / f"{name}-scores.npy", part.scores)
    return {
        "component": component.name,
        "fit_s": fit.get("seconds"),
        "fit_peak_mb": fit.get("peak_mb"),
        "seconds": cost.seconds,
        "peak_mb": cost.peak_mb,
        "index_s": round(index_s, 4),
        "search_s": round(search_s, 4),
        "documents": len(documents),
        "index_bytes": system.index_bytes() if isinstance(system, Indexed) else None,
        "params": component.parameters(),
        "coverage": coverage,
        "signature": component.signature(),
        **_latency(system, queries),
    }


def search(
    component: Component[Retriever], queries: Mapping[QueryId, str], k: int, pool: tuple[VideoId, ...]
) -> Run:
    """Search the corpus indexed last; hold a stranger's retriever to the one ordering rule over the pool."""
    run = component.system.search(queries, k)
    if run.query_ids != tuple(queries) or not set(run.video_ids) <= set(pool):
        raise BenchError(
            f"retriever '{component.name}' returned a run over other queries or videos than it was given; "
            "search() must answer every query, in order, with ids that were indexed."
        )
    place = {video_id: i for i, video_id in enumerate(pool)}
    positions = np.array([place[video_id] for video_id in run.video_ids] + [NO_HIT], dtype=np.int32)
    return Run.from_arrays(run.query_ids, pool, positions[run.hits], run.scores, k)


def _deeper(component: Component[Retriever], queries: Mapping[QueryId, str], run: Run) -> Run:
    """Search deeper for the queries whose tie group across rank 30 may go on behind the run's end."""
    from bench.metrics.ties import unresolved

    open_rows = np.flatnonzero(unresolved(run, DEEPEST_CUT))
    waiting = [run.query_ids[row] for row in open_rows]
    deep = Run.from_arrays((), run.video_ids, run.hits[:0], run.scores[:0], DEPTH)
    depth = DEPTH
    while waiting and depth < len(run.video_ids):
        depth = min(depth * 4, len(run.video_ids))
        asked = {query: queries[query] for query in waiting}
        deep = search(component, asked, depth, run.video_ids)
        if not unresolved(deep, DEEPEST_CUT).any():
            break
    return deep


def _latency(system: Retriever, queries: Mapping[QueryId, str]) -> dict[str, Json]:
    """Time single queries and a batch, with the system's own caches switched off where it has any."""
    some = even_sample(list(queries.items()), _THROUGHPUT_SAMPLE)
    with system.uncached() if isinstance(system, Caching) else nullcontext():
        return _timings(system, some)


def _timings(system: Retriever, some: Sequence[tuple[QueryId, str]]) -> dict[str, Json]:
    singles = []
    for query_id, text in even_sample(some, _LATENCY_SAMPLE):
        started = time.perf_counter()
        system.search({query_id: text}, DEPTH)
        singles.append((time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    system.search(dict(some), DEPTH)
    seconds = max(time.perf_counter() - started, 1e-9)
    return {
        "search_p50_ms": round(float(np.percentile(singles, 50)), 3),
        "search_p95_ms": round(float(np.percentile(singles, 95)), 3),
        "queries_per_s": round(len(some) / seconds, 1),
    }
