"""The local engine: models are trained in parallel processes of this machine, one for each system.

A small model gains little from a second core; two models at once gain all of it. Workers only fill
the store: the grid goes on in its order and finds the work done, so that nothing else changes.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from bench.config.run_config import RunConfig
from bench.errors import no_exit
from bench.harness.engines import work
from bench.harness.plan import Plan, make_plan
from bench.harness.posts import post_of
from bench.harness.stages.fit import Fit
from bench.harness.stages.follow import for_generator
from bench.harness.stages.summarize import Summarize
from bench.neural.launcher import process_count
from bench.protocols import Generator, Retriever, is_fitted_per_generator
from bench.store.environment import usable_cores
from bench.systems.component import Component
from bench.systems.given import OBJECT_PREFIX
from bench.systems.registry import cell_name

T = TypeVar("T")
GENERATOR, RETRIEVER = "generator", "retriever"
Job: TypeAlias = tuple[str, str, Sequence[str]]
"""A kind and a word; of a generator, the retrievers that are to be fitted for it, too."""


class Workers:
    """Fit trainable systems, and summarize, in worker processes; the grid itself makes everything else.

    With one worker, or fewer than two systems to train, nothing is done here. Training steps are written
    into ``posts`` (see `bench.harness.posts`).
    """

    def __init__(
        self,
        plan: Plan,
        generators: Sequence[Component[Any]],
        retrievers: Sequence[Component[Any]],
        posts: Path | None = None,
    ) -> None:
        self._posts = posts
        jobs = _jobs(plan, generators, retrievers)
        self._count = 0 if plan.config.no_train else min(len(jobs), _worker_count(plan))
        self._plan, self._jobs = plan, jobs
        self._futures: dict[str, Future[bool]] = {}
        self._pool: Any = None

    def __enter__(self) -> Self:
        if self._count > 1:
            self._pool = start_pool(self._plan, self._count)
            for kind, word, followers in self._jobs:
                self._futures[word] = self._pool.submit(_work, kind, word, followers, self._posts)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=error is not None)

    def wait(self, component: Component[Any]) -> bool:
        """Wait for what a worker makes of a component, and return whether it was made now."""
        future = self._futures.get(component.word)
        return future is not None and future.result()

    def wait_for_run(self, generator: Component[Generator], retriever: Component[Retriever]) -> bool:
        """Wait for the retriever: the run itself is left to the grid."""
        self.wait(retriever)
        return False


def start_pool(plan: Plan, count: int) -> Any:
    """Start worker processes that read the same plan, as an executor; `in_worker` hands it to their work."""
    from loky import ProcessPoolExecutor

    start = (plan.config, os.getpid(), plan.began, plan.process)
    # loky takes work that needs more memory than the first for a leak, and warns
    limit = {"LOKY_MAX_MEMORY_LEAK_SIZE": "1e15"}
    return ProcessPoolExecutor(count, initializer=_begin, initargs=start, env=limit)


def _jobs(
    plan: Plan, generators: Sequence[Component[Any]], retrievers: Sequence[Component[Any]]
) -> list[Job]:
    # objects of this process are in no other one
    generators, retrievers = (
        [c for c in components if not c.word.startswith(OBJECT_PREFIX)]
        for components in (generators, retrievers)
    )
    # retrievers first: the first generator's row waits for them
    jobs: list[Job] = [
        (RETRIEVER, c.word, ())
        for c in retrievers
        if c.trainable and not is_fitted_per_generator(c.system) and _unfitted(plan, c)
    ]
    for generator in generators:
        followers = [
            c.word
            for c in retrievers
            if is_fitted_per_generator(c.system) and _unfollowed(plan, c, generator)
        ]
        missing = generator.trainable and not Summarize(plan, generator).exists()
        if missing or followers:
            jobs.append((GENERATOR, generator.word, followers))
    return jobs


def _unfollowed(plan: Plan, retriever: Component[Any], generator: Component[Any]) -> bool:
    try:
        return _unfitted(plan, for_generator(plan, retriever, generator, write=False))
    except Exception:  # a plug-in may fail in any way; the cell reports it
        return False


def _unfitted(plan: Plan, component: Component[Any]) -> bool:
    return not Fit(plan, component).exists()


def _worker_count(plan: Plan) -> int:
    if process_count() > 1:
        return 1  # the other processes of torchrun help this one, and no worker
    if plan.machine.workers is not None:
        return plan.machine.workers
    if plan.context().device == "cpu":
        return max(1, usable_cores() // plan.config.threads)
    return 1  # models on one GPU would share its memory


# In a worker

_plan: Plan | None = None


def _begin(config: RunConfig, parent: int, began: int, process: int) -> None:
    """Read the plan once, and end when the parent does."""
    global _plan
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _plan = dataclasses.replace(
        make_plan(dataclasses.replace(config, quiet=True)), began=began, process=process
    )


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def in_worker(work_on: Callable[..., T], *arguments: object) -> T:
    """Call a function with the plan of this worker before the arguments."""
    assert _plan is not None
    return work_on(_plan, *arguments)


def _work(kind: str, word: str, followers: Sequence[str], posts: Path | None) -> bool:
    with post_of(posts, cell_name(word)):
        return in_worker(_make, kind, word, followers)


def _make(plan: Plan, kind: str, word: str, followers: Sequence[str]) -> bool:
    try:
        with no_exit():
            if kind == RETRIEVER:
                work.fit_retriever(plan, word)
                return True
            made = work.summarize(plan, word)
    except Exception as error:  # a plug-in may fail in any way
        raise work.portable_error(error) from None
    for follower in followers:
        with suppress(Exception), no_exit():  # the grid meets it again in the cell's turn, and reports it
            work.fit_follower(plan, word, follower)
    return made
