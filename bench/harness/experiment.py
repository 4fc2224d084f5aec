"""The main path: dataset → summaries → runs → scores → significance → tables → page, cell by cell."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.config.run_config import RunConfig, configure
from bench.context import Context
from bench.errors import BenchError, LostProcessError, UsageError, error_of_system, no_exit
from bench.harness.determinism import verify_determinism
from bench.harness.engines.engine import Engine, make_engine
from bench.harness.measures import add_measures
from bench.harness.plan import Plan, make_plan
from bench.harness.progress import SUMMARIES, Progress
from bench.harness.seeds import (
    aggregate_approximation,
    aggregate_costs,
    aggregate_manifest,
    aggregate_modality,
    aggregate_scores,
)
from bench.harness.stages.follow import for_generator
from bench.harness.stages.modality import measure_modalities
from bench.harness.stages.results import write_results
from bench.harness.stages.retrieve import Retrieve, audit
from bench.harness.stages.score import ScoreRun, ScoreSummaries
from bench.harness.stages.summarize import Summaries, Summarize
from bench.harness.writer import RunWriter
from bench.metrics.needs import number_needs
from bench.neural.launcher import help_rank_zero, join, process_count
from bench.output.folder import OutputFolder
from bench.output.per_item import RunItems
from bench.output.schema import APPROXIMATION, COSTS, MODALITY, SCORES, to_csv
from bench.protocols import Generator, Retriever
from bench.result import Result
from bench.systems.arithmetic import configure_torch
from bench.systems.component import Component, make_generator, make_retriever
from bench.systems.registry import cell_name

T = TypeVar("T", Generator, Retriever)


def run(**options: Any) -> Result:
    """Run what the options ask for and return the result; see `bench.run`.

    Raises the first cell's error when cells failed, after all others are done and written.
    """
    out, errors = execute(configure(options))
    if errors:
        raise errors[0]
    return Result.read(out)


def execute(config: RunConfig) -> tuple[Path, list[BenchError]]:
    """Run a configuration: one seed in the output folder itself, several in ``seed-<n>/`` below it.

    A cell that fails is reported at once, noted in the manifest, and does not stop the others; its
    error is returned beside the output folder, which has the results of all that could be made.
    """
    configure_torch()
    _join_launcher(config)
    plan = make_plan(config)
    if len(config.seed) == 1:
        return plan.out(), run_seed(plan)
    with OutputFolder(plan.out()) as folder:  # refused before anything is written into it
        plans = [plan.for_seed(seed, plan.out() / f"seed-{seed}") for seed in config.seed]
        errors = [error for one in plans for error in run_seed(one)]
        _aggregate_seeds(plan, folder, [Result.read(one.out()) for one in plans])
    return plan.out(), errors


def run_seed(plan: Plan) -> list[BenchError]:
    """Run every cell of a grid with one seed, and write its tables and its page; return what failed."""
    with RunWriter(plan) as output, Progress(plan) as progress:
        grid = _Grid(plan, output, progress)
        generators = _build_systems(grid, make_generator, plan.generators)
        retrievers = _build_systems(grid, make_retriever, plan.retrievers)
        output.write_queries([*generators, *retrievers])
        with make_engine(plan, generators, retrievers, progress.posts) as engine:
            for generator in generators:
                summaries = _summarize_cell(grid, engine, generator)
                if summaries is None:
                    continue
                for retriever in retrievers:
                    _retrieve_cell(grid, engine, (generator, retriever), summaries)
        output.write_results(progress.step)
        output.finish()
        for line in verify_determinism(plan) if plan.config.verify_determinism else ():
            progress.say(f"bench: {line}")
    return grid.failures


@dataclass(frozen=True, eq=False)
class _Grid:
    """What the cells of one seed share."""

    plan: Plan
    output: RunWriter
    progress: Progress
    failures: list[BenchError] = field(default_factory=list)


@contextlib.contextmanager
def _attempt(grid: _Grid, cell: str) -> Iterator[None]:
    """Report a failed cell, note it in the manifest and go on; two kinds of errors end the run."""
    try:
        with np.errstate(), no_exit():  # what a plug-in sets for its arithmetic ends with it
            yield
        return
    except (UsageError, LostProcessError):
        raise
    except BenchError as error:
        failure = error
    except Exception as error:  # a plug-in may fail in any way
        if grid.plan.config.verbose:
            traceback.print_exc()
        failure = error_of_system(error) or BenchError(
            f"{cell} failed: {type(error).__name__}: {error}. See the traceback with --verbose."
        )
        failure.__cause__ = error
    grid.failures.append(failure)
    grid.output.add_failure(cell, str(failure))
    grid.progress.say(f"bench: {cell}: {failure}")


def _build_systems(
    grid: _Grid, make: Callable[[str, Context], Component[T]], names: Sequence[str]
) -> list[Component[T]]:
    components = []
    for name in names:
        with _attempt(grid, cell_name(name)):
            components.append(make(name, grid.plan.context()))
    return components


def _summarize_cell(grid: _Grid, engine: Engine, generator: Component[Generator]) -> Summaries | None:
    plan, name = grid.plan, generator.name
    grid.progress.start(name, SUMMARIES)
    with _attempt(grid, name):
        made_now = engine.wait(generator)
        summaries = Summarize(plan, generator).get()
        references = {v.video_id: v.references for v in plan.videos(plan.config.split, references=True)}
        scores = ScoreSummaries(plan.store, (summaries.texts, summaries.digest), references).get()
        uses = measure_modalities(plan, generator, reused=summaries.reused)
        grid.output.write_summaries(generator, summaries, scores, uses)
        grid.progress.done(name, SUMMARIES, summaries.reused and not made_now)
        return summaries
    grid.progress.done(name, SUMMARIES, None)
    return None


def _retrieve_cell(
    grid: _Grid,
    engine: Engine,
    cell: tuple[Component[Generator], Component[Retriever]],
    summaries: Summaries,
) -> None:
    plan = grid.plan
    generator, retriever = cell
    grid.progress.start(generator.name, retriever.name)
    state = None
    with _attempt(grid, f"{generator.name}.{retriever.name}"):
        made_now = engine.wait_for_run(generator, retriever)
        component = for_generator(plan, retriever, generator, write=not plan.config.no_train)
        retrieved = Retrieve(plan, component, summaries).get()
        reused = retrieved.reused and not made_now
        if plan.config.audit_cache and reused:
            audit(plan, component, summaries, retrieved)
        needs = number_needs(plan.evaluation.queries.values())
        runs = (retrieved.run, retrieved.deep, retrieved.digest)
        scores = ScoreRun(plan.store, runs, plan.relevance(), needs).get()
        scores = add_measures(plan, retrieved, scores)
        grid.output.write_run(component, generator.name, retrieved, scores)
        state = reused
    grid.progress.done(generator.name, retriever.name, state)


def _aggregate_seeds(plan: Plan, folder: OutputFolder, results: Sequence[Result]) -> None:
    """Write means and deviations of runs that differ in their seed alone, their tables and page."""
    folder.keep_seeds({result.out.name for result in results})
    manifest = aggregate_manifest(plan, results)
    items = RunItems(folder.path, manifest)
    scores, costs = aggregate_scores(results, items), aggregate_costs(results)
    folder.write(SCORES, to_csv(scores))
    folder.write(COSTS, to_csv(costs))
    if (uses := aggregate_modality(results)) is not None:
        folder.write(MODALITY, to_csv(uses))
    if (recall := aggregate_approximation(results)) is not None:
        folder.write(APPROXIMATION, to_csv(recall))
    write_results(folder, manifest, plan.store)
    folder.write_manifest(manifest, finished=True)


def _join_launcher(config: RunConfig) -> None:
    """Connect the processes that torchrun started: the first goes on, the others help it to train and end.

    Raises UsageError with ``--engine ray``, whose tasks are in processes of the cluster.
    """
    if process_count() > 1 and config.engine != "local":
        raise UsageError(
            f"a launcher such as torchrun started {process_count()} processes, which --engine "
            f"{config.engine} cannot use: its tasks run on the cluster. Start 'bench run' by itself, or "
            "leave the option out."
        )
    ranks = join()
    if ranks is not None and ranks.rank > 0:
        help_rank_zero(ranks)
