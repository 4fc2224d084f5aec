"""Compute a sample of a run again in other ways, and say by how much the result moves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.evaluation_set import even_sample
from bench.errors import no_exit
from bench.harness.engines.local import in_worker, start_pool
from bench.harness.plan import Plan
from bench.harness.stages.fit import ensure_fitted
from bench.harness.stages.follow import LEARNT_FROM, for_generator
from bench.harness.stages.retrieve import Retrieve, Retrieved, corpus
from bench.harness.stages.search import search
from bench.harness.stages.summarize import Summaries, Summarize
from bench.metrics.definitions import DEPTH
from bench.protocols import (
    Caching,
    Generator,
    Retriever,
    holds_one_split,
    is_fitted_per_generator,
    reads_references,
)
from bench.store.artefacts import Store
from bench.systems.arithmetic import limit_threads
from bench.systems.component import Component, make_generator, make_retriever
from bench.systems.fitting import fit_system
from bench.systems.given import OBJECT_PREFIX
from bench.types import NO_HIT, Run, Video, VideoId

__cache_neutral__ = True

SAMPLE = 20
"""Videos that are summarized again, queries that are searched again, and videos of a split that are learnt
from."""
WORKERS = 2
"""Processes that summarize the sample, or train on it, side by side; a run summarizes all videos of a
generator in one."""


def verify_determinism(plan: Plan) -> Iterator[str]:
    """Yield a line for each system of a finished run: what differs when a sample of it is computed again.

    The sample is computed one by one, in reverse, with another number of threads, and by other processes side
    by side: other batches, another order of sums. What is trained is trained on a sample, alone in this
    process and by other processes side by side. A cell that failed in the run is left out: it was reported
    there.
    """
    with _Workers(plan) as workers:
        yield from _check_systems(plan, workers)


class _Workers(ExitStack):
    """Processes that summarize the sample or train on it, started when they are first needed."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._pool: Any = None

    def summarize(self, word: str, count: int) -> dict[VideoId, str]:
        """Summarize the ``count`` videos of a generator's sample, every second one in the same process."""
        futures = [self._submit(_summarize_part, word, i) for i in range(min(count, WORKERS))]
        return {video_id: text for future in futures for video_id, text in future.result().items()}

    def train(self, words: tuple[str, ...], folder: Path) -> list[Path]:
        """Train a system on the sample in each process at once, and list the folders of the models."""
        folders = [folder / f"worker-{i}" for i in range(WORKERS)]
        for future in [self._submit(_train, words, folder) for folder in folders]:
            future.result()
        return folders

    def _submit(self, work: Callable[..., Any], *arguments: object) -> Any:
        if self._pool is None:
            self._pool = start_pool(self._plan, WORKERS)
            self.callback(self._pool.shutdown, kill_workers=True)
        return self._pool.submit(in_worker, work, *arguments)


def _summarize_part(plan: Plan, word: str, number: int) -> dict[VideoId, str]:
    generator = make_generator(word, plan.context())
    ensure_fitted(plan, generator)
    with limit_threads(plan.config.threads):
        return dict(generator.system.summarize(_sample(plan, generator)[number::WORKERS]))


def _train(plan: Plan, words: tuple[str, ...], folder: Path) -> None:
    """Train the generator of one word, or the retriever of the second for that generator, on the sample."""
    generator = make_generator(words[0], plan.context())
    system: Component[Any] = generator
    if len(words) > 1:
        system = for_generator(plan, make_retriever(words[1], plan.context()), generator, write=False)
    train, val = (even_sample(plan.videos(split, references=True), SAMPLE) for split in LEARNT_FROM)
    folder.mkdir(parents=True)
    fit_system(
        Store(folder.with_name(f"{folder.name}-store")), system, dict(system.key), (train, val), folder
    )


def _sample(plan: Plan, generator: Component[Generator]) -> list[Video]:
    return even_sample(plan.pool_videos(references=reads_references(generator.system)), SAMPLE)


def _check_systems(plan: Plan, workers: _Workers) -> Iterator[str]:
    done: set[str] = set()
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
        if _can_train(plan, generator):
            yield _check_training(plan, workers, generator.name, (generator.word,))
        for other in plan.retrievers:
            stored = None
            with suppress(Exception):
                retriever = for_generator(plan, make_retriever(other, plan.context()), generator, write=False)
                stored = Retrieve(plan, retriever, summaries).find()
            if stored is not None:
                line = _attempt(partial(_check_retriever, plan, retriever, summaries, stored))
                yield f"{generator.name}.{retriever.name}: {line}"
                own = is_fitted_per_generator(retriever.system)
                trained = f"{generator.name}.{retriever.name}" if own else retriever.name
                if _can_train(plan, retriever) and trained not in done:
                    done.add(trained)
                    yield _check_training(plan, workers, trained, (generator.word, retriever.word))


def _attempt(check: Callable[[], str]) -> str:
    try:
        with no_exit():
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


def _can_train(plan: Plan, component: Component[Any]) -> bool:
    is_known_to_workers = not component.word.startswith(OBJECT_PREFIX)
    return component.trainable and is_known_to_workers and not plan.config.no_train


def _check_training(plan: Plan, workers: _Workers, name: str, words: tuple[str, ...]) -> str:
    def check() -> str:
        with tempfile.TemporaryDirectory(prefix="qms-bench-") as temporary:
            alone = Path(temporary) / "alone"
            _train(plan, words, alone)
            others = workers.train(words, Path(temporary))
            moved = [_moved(alone, other) for other in others]
        files, largest = max(count for count, _ in moved), max(size for _, size in moved)
        return (
            f"trained on {SAMPLE} videos at most, alone and by {WORKERS} workers side by side: "
            f"{files} files of weights differ, by at most {largest:.1e}"
        )

    return f"{name}: {_attempt(check)}"


def _moved(folder: Path, other: Path) -> tuple[int, float]:
    """Count the files of a model that differ from another's, and find the largest difference of a weight."""
    sizes = [
        _largest_difference(path, other / path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".jsonl"  # the log of a training holds times
        and path.read_bytes() != (other / path.relative_to(folder)).read_bytes()
    ]
    return len(sizes), max(sizes, default=0.0)


def _largest_difference(path: Path, other: Path) -> float:
    """Compare two files of weights; infinite for files that hold none, or others."""
    if path.suffix == ".npy":
        pairs = [(np.load(path), np.load(other))]
    elif path.suffix == ".safetensors":
        from safetensors.torch import load_file

        ours, theirs = load_file(path), load_file(other)
        pairs = [(ours[name].double().numpy(), theirs[name].double().numpy()) for name in ours]
    else:
        return np.inf
    sizes = (np.max(np.abs(a - b), initial=0.0) if a.shape == b.shape else np.inf for a, b in pairs)
    return max(map(float, sizes), default=0.0)


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
