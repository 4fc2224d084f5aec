"""Make what takes long ahead of its turn, side by side: each trained system in a process of its own.

A small model gains little from a second core; two models at once gain all of it. Workers only fill
the store: the grid goes on in its order and finds the work done, so that nothing else changes.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from bench.components import Component, make_generator, make_retriever
from bench.config import RunConfig
from bench.errors import BenchError
from bench.fitting import MODEL
from bench.options import RunOptions
from bench.plan import Plan, make_plan
from bench.stages import SUMMARIES, fit_key, fitted, summaries_key, summarize

GENERATOR, RETRIEVER = "generator", "retriever"


class Ahead:
    """Fit trainable systems, and summarize, in worker processes; ask `wait` before using a system.

    With one worker, or less than two systems to train, nothing is done ahead.
    """

    def __init__(
        self, plan: Plan, generators: Sequence[Component[Any]], retrievers: Sequence[Component[Any]]
    ) -> None:
        # retrievers first: the first generator's row waits for them
        jobs = [(RETRIEVER, c) for c in retrievers if c.trainable and _unfitted(plan, c)]
        jobs += [(GENERATOR, c) for c in generators if c.trainable and _missing(plan, c)]
        self._workers = 0 if plan.config.no_train else min(len(jobs), _workers(plan))
        self._plan, self._jobs = plan, jobs
        self._futures: dict[str, Future[None]] = {}
        self._pool: Any = None

    def __enter__(self) -> Self:
        if self._workers > 1:
            from loky import ProcessPoolExecutor

            threads = max(1, _cores() // self._workers)
            start = (self._plan.config, os.getpid(), threads)
            self._pool = ProcessPoolExecutor(self._workers, initializer=_begin, initargs=start)
            for kind, component in self._jobs:
                self._futures[component.name] = self._pool.submit(_work, kind, component.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=error is not None)

    def wait(self, component: Component[Any]) -> bool:
        """Wait for what a worker makes of a component; tell whether one did. Raises its error."""
        future = self._futures.get(component.name)
        if future is None:
            return False
        future.result()
        return True


def _missing(plan: Plan, component: Component[Any]) -> bool:
    return plan.store.find(SUMMARIES, summaries_key(plan, component)) is None


def _unfitted(plan: Plan, component: Component[Any]) -> bool:
    return plan.store.find(MODEL, fit_key(plan, component)) is None


def _workers(plan: Plan) -> int:
    options = plan.config.sections.get(RunOptions.section, RunOptions())
    assert isinstance(options, RunOptions)
    if options.workers is not None:
        return options.workers
    return _cores() if plan.context().device == "cpu" else 1  # models on one GPU would share its memory


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# In a worker

_plan: Plan | None = None


def _begin(config: RunConfig, parent: int, threads: int) -> None:
    """Read the plan once, take a share of the cores, and end when the parent does."""
    global _plan
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    _plan = make_plan(dataclasses.replace(config, quiet=True))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(kind: str, name: str) -> None:
    assert _plan is not None
    try:
        if kind == GENERATOR:
            summarize(_plan, make_generator(name, _plan.context()))
        else:
            fitted(_plan, make_retriever(name, _plan.context()))
    except BenchError as error:
        raise type(error)(str(error)) from None  # what caused it may not travel between processes
