"""The main path: videos → summaries → run → scores → tables, cell by cell, resumable."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from bench.config.run_config import RunConfig, configure
from bench.errors import BenchError, UsageError
from bench.harness.attempts import Attempts
from bench.harness.plan import Plan, make_plan
from bench.harness.progress import Progress
from bench.harness.seeds import aggregate
from bench.harness.stages.auditing import audit
from bench.harness.stages.follow import for_generator
from bench.harness.stages.retrieve import Summaries, retrieve, summarize
from bench.harness.stages.score import score_retrieval, score_summaries
from bench.harness.workers import Ahead
from bench.harness.writer import Record
from bench.output.folder import OutputFolder
from bench.protocols import Generator, Retriever
from bench.result import Result
from bench.systems.component import Component, make_generator, make_retriever
from bench.systems.registry import cell_name


def run(**options: Any) -> Result:
    """Run what the options ask for and return the result; see `bench.run`.

    Raises the first cell's error when cells failed, after all others are done and written.
    """
    result, errors = execute(configure(options))
    if errors:
        raise errors[0]
    return result


def execute(config: RunConfig) -> tuple[Result, list[BenchError]]:
    """Run a configuration: one seed in the output folder itself, several in ``seed-<n>/`` below it.

    A cell that fails is told at once, kept in the manifest, and does not stop the others; its error
    is returned beside the result of all that could be made.
    """
    _one_process()
    plan = make_plan(config)
    if len(config.seed) == 1:
        return _run_grid(plan)
    OutputFolder(plan.out())  # refuses what is no run's before anything is written into it
    results, errors = [], []
    for seed in config.seed:
        of_seed = dataclasses.replace(config, seed=(seed,), out=plan.out() / f"seed-{seed}")
        result, failures = _run_grid(dataclasses.replace(plan, config=of_seed))
        results.append(result)
        errors.extend(failures)
    return aggregate(plan, results), errors


def _one_process() -> None:
    """Raise UsageError where a launcher started several processes for this one run.

    Each would train the same rows: one waits at the store's lock, the other in training for the first.
    """
    count = os.environ.get("WORLD_SIZE", "1")
    if count.isdecimal() and int(count) > 1:
        raise UsageError(
            f"a run is one process, but a launcher such as torchrun started {count} of it "
            f"(WORLD_SIZE={count}). Start 'bench run' by itself; to use several GPUs, start one run for "
            "each, with its own --device cuda:N, --seed and --out and one --store."
        )


def _run_grid(plan: Plan) -> tuple[Result, list[BenchError]]:
    record = Record(plan)
    progress = Progress(plan)
    attempt = Attempts(record, progress, verbose=plan.config.verbose)
    with progress, ExitStack() as stack:
        generators = _made(plan.generators, lambda name: make_generator(name, plan.context()), attempt)
        retrievers = _made(plan.retrievers, lambda name: make_retriever(name, plan.context()), attempt)
        record.begin([*generators, *retrievers])
        ahead = stack.enter_context(Ahead(plan, generators, retrievers))
        for generator in generators:
            name = generator.name
            progress.start(name, "summaries")
            summaries = attempt(name, partial(_generated, plan, record, generator, ahead))
            progress.done(name, "summaries", summaries.reused if summaries else None)
            for retriever in retrievers if summaries is not None else ():
                assert summaries is not None
                cell = f"{name}.{retriever.name}"
                progress.start(name, retriever.name)
                reused = attempt(
                    cell, partial(_searched, plan, record, (generator, retriever), summaries, ahead)
                )
                progress.done(name, retriever.name, reused)
        record.finish()
    return Result.read(plan.out()), attempt.failures


def _made(names: Sequence[str], make: Callable[[str], Any], attempt: Attempts) -> list[Any]:
    made = (attempt(cell_name(name), partial(make, name)) for name in names)
    return [component for component in made if component is not None]


def _generated(plan: Plan, record: Record, component: Component[Generator], ahead: Ahead) -> Summaries:
    made_now = ahead.wait(component)
    summaries = summarize(plan, component)
    if made_now:
        summaries = dataclasses.replace(summaries, reused=False)
    record.summaries(component, summaries, score_summaries(plan, component.name, summaries))
    return summaries


def _searched(
    plan: Plan,
    record: Record,
    cell: tuple[Component[Generator], Component[Retriever]],
    summaries: Summaries,
    ahead: Ahead,
) -> bool:
    generator, component = cell
    ahead.wait(component)
    component = for_generator(plan, component, generator, write=not plan.config.no_train)
    retrieved = retrieve(plan, component, summaries)
    if plan.config.audit_cache and retrieved.reused:
        audit(plan, component, summaries, retrieved)
    scores = score_retrieval(plan, generator.name, component.name, retrieved)
    record.retrieval(component, generator.name, retrieved, scores)
    return retrieved.reused
