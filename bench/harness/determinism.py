"""Compute a sample of a run again in other ways, and say by how much the result moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import numpy as np

from bench.data.evaluation_set import even_sample
from bench.harness.engines.local import in_worker, start_pool
from bench.harness.plan import Plan
from bench.harness.stages.fit import ensure_fitted
from bench.harness.stages.follow import for_generator
from bench.harness.stages.retrieve import Retrieve, Retrieved, corpus
from bench.harness.stages.search import search
from bench.harness.stages.summarize import Summaries, Summarize
from bench.metrics.definitions import DEPTH
from bench.protocols import Caching, Generator, Retriever, holds_one_split, reads_references
from bench.systems.arithmetic import limit_threads
from bench.systems.component import Component, make_generator, make_retriever
from bench.systems.given import OBJECT_PREFIX
from bench.types import NO_HIT, Run, Video, VideoId

__cache_neutral__ = True

SAMPLE = 20
"""Videos that are summarized again, and queries that are searched again."""
WORKERS = 2
"""Processes that summarize the sample side by side; a run summarizes all videos of a generator in one."""


def verify_determinism(plan: Plan) -> Iterator[str]:
    """Yield a line for each system of a finished run: what differs when a sample of it is computed again.

    The sample is computed one by one, in reverse, with another number of threads, and by other processes side
    by side: other batches, another order of sums. A cell that failed in the run is left out: it was reported
    there.
    """
    with _Workers(plan) as workers:
        yield from _check_systems(plan, workers)


class _Workers(ExitStack):
    """Processes that summarize the sample, started when they are first needed."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._pool: Any = None

    def summarize(self, word: str, count: int) -> dict[VideoId, str]:
        """Summarize the ``count`` videos of a generator's sample, every second one in the same process."""
        if self._pool is None:
            self._pool = start_pool(self._plan, WORKERS)
            self.callback(self._pool.shutdown, kill_workers=True)
        futures = [self._pool.submit(in_worker, _summarize_part, word, i) for i in range(min(count, WORKERS))]
        return {video_id: text for future in futures for video_id, text in future.result().items()}


def _summarize_part(plan: Plan, word: str, number: int) -> dict[VideoId, str]:
    generator = make_generator(word, plan.context())
    ensure_fitted(plan, generator)
    with limit_threads(plan.config.threads):
        return dict(generator.system.summarize(_sample(plan, generator)[number::WORKERS]))


def _sample(plan: Plan, generator: Component[Generator]) -> list[Video]:
    return even_sample(plan.pool_videos(references=reads_references(generator.system)), SAMPLE)


def _check_systems(plan: Plan, workers: _Workers) -> Iterator[str]:
    for name in plan.generators:
        generator, summaries = None, None
        with suppress(Exception):  # a plug-in may fail in any way
            generator = make_generator(name, plan.context())
            summaries = Summarize(plan, generator).find()
        if generator is None or summaries is None:
            continue
        if not holds_one_split(generator.system):  # a file is read, and nothing computed
            check = partial(_check_generator, plan, generator, summaries, workers)
            yield f"{generator.name}: {_attempt(check)}"
        for other in plan.retrievers:
            stored = None
            with suppress(Exception):
                retriever = for_generator(plan, make_retriever(other, plan.context()), generator, write=False)
                stored = Retrieve(plan, retriever, summaries).find()
            if stored is not None:
                line = _attempt(partial(_check_retriever, plan, retriever, summaries, stored))
                yield f"{generator.name}.{retriever.name}: {line}"


def _attempt(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:
        return f"cannot be computed again: {type(error).__name__}: {error}"


def _check_generator(
    plan: Plan, generator: Component[Generator], summaries: Summaries, workers: _Workers
) -> str:
    ensure_fitted(plan, generator)
    videos = _sample(plan, generator)
    summarize = generator.system.summarize
    other_threads = plan.config.threads + 1

    def with_other_threads() -> Mapping[VideoId, str]:
        with limit_threads(other_threads):
            return summarize(videos)

    ways: dict[str, Callable[[], Mapping[VideoId, str]]] = {
        "one by one": lambda: {v.video_id: summarize([v])[v.video_id] for v in videos},
        "in reverse": lambda: summarize(videos[::-1]),
        f"with {other_threads} threads": with_other_threads,
    }
    if not generator.word.startswith(OBJECT_PREFIX):  # an object of this process is in no other one
        ways[f"by {WORKERS} workers"] = partial(workers.summarize, generator.word, len(videos))
    counts = (f"{way} {_changed(summaries, videos, make())}" for way, make in ways.items())
    return f"of {len(videos)} summaries differ: {', '.join(counts)}"


def _changed(summaries: Summaries, videos: list[Video], again: Mapping[VideoId, str]) -> int:
    return sum(again[video.video_id] != summaries.texts[video.video_id] for video in videos)


def _check_retriever(
    plan: Plan, retriever: Component[Retriever], summaries: Summaries, stored: Retrieved
) -> str:
    ensure_fitted(plan, retriever)
    documents = corpus(plan, summaries)
    queries = dict(even_sample(list(plan.evaluation.queries.items()), SAMPLE))
    system = retriever.system
    backwards = dict(reversed(documents.items()))

    def make() -> Run:
        system.index(backwards)
        with limit_threads(plan.config.threads + 1):
            return search(retriever, dict(reversed(queries.items())), DEPTH, tuple(documents))

    if isinstance(system, Caching):
        with system.uncached():
            again = make()
    else:
        again = make()
    return _differences(stored.run, again)


def _differences(stored: Run, again: Run) -> str:
    rows = {query_id: row for row, query_id in enumerate(stored.query_ids)}
    order = [rows[query_id] for query_id in again.query_ids]
    filled = (stored.hits[order] != NO_HIT) & (again.hits != NO_HIT)  # [queries, k]
    scores = np.subtract(stored.scores[order], again.scores, where=filled, out=np.zeros(filled.shape))
    largest = float(np.max(np.abs(scores), initial=0.0))
    moved = int(np.sum(np.any(stored.hits[order] != again.hits, axis=1)))
    return (
        f"of {len(order)} queries, {moved} have another order of documents; scores differ by at most "
        f"{largest:.1e}"
    )
