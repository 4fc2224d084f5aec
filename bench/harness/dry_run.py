"""``--dry-run``: the plan of a run, what is reused, and estimates from what was measured here."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from bench.config.run_config import RunConfig
from bench.errors import BenchError, UsageError, counted, no_exit
from bench.harness.plan import Plan, make_plan
from bench.harness.progress import SUMMARIES
from bench.harness.stages.fit import Fit
from bench.harness.stages.follow import for_generator
from bench.harness.stages.retrieve import Retrieve
from bench.harness.stages.summarize import Summarize
from bench.protocols import is_fitted_per_generator
from bench.store.artefacts import RECORD
from bench.summary.sentences import format_duration
from bench.systems.component import Component, make_generator, make_retriever
from bench.systems.registry import cell_name

_TIMES = resources.files("bench.config") / "preset_files" / "times.csv"
"""What systems took in a run of the preset (``benchmarks/record_times.py``)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the latest artefact of a component on this machine took, per unit of its work."""

    seconds_per_item: float
    fit_s: float
    peak_mb: float
    disk_mb: float
    is_recorded: bool = False
    """Whether this is from the recorded run of the preset, not from this machine."""


@dataclass(frozen=True, slots=True)
class Step:
    """Summaries of a generator, or its run with a retriever: what the table of the plan says of it."""

    generator: str
    column: str
    text: str
    estimate: Estimate | None = None
    """What is left to do; None for what is reused, cannot run, or was never measured."""
    is_left: bool = False
    problem: str = ""

    @property
    def name(self) -> str:
        """The cell's name, as in files and messages."""
        return self.generator if self.column == SUMMARIES else f"{self.generator}.{self.column}"


def preview(config: RunConfig) -> str:
    """Show what a run would do: a table of generators and stages, then sums. Nothing is made or searched."""
    plan = make_plan(config)
    estimates = {**_recorded(config.preset), **_estimates(plan)}
    lines = [
        f"data: {plan.dataset.name} ({plan.dataset.digest[:8]}), split {config.split}: "
        f"{len(plan.evaluation.pool)} videos, {len(plan.evaluation.queries)} queries, {plan.config.protocol}",
        f"out: {plan.out()}",
        f"store: {plan.store.root}",
    ]
    todo: list[Estimate | None] = []
    for seed in config.seed:
        steps = list(_steps(plan.for_seed(seed), estimates))
        lines += ["", *([f"seed {seed}"] if len(config.seed) > 1 else []), *_lay_out(steps)]
        lines += [f"{step.name}: cannot run: {step.problem}" for step in steps if step.problem]
        todo += [step.estimate for step in steps if step.is_left]
    return "\n".join([*lines, "", _sum(todo)]) + "\n"


def _lay_out(steps: Sequence[Step]) -> list[str]:
    """Format the steps as aligned lines: a row for each generator and a column for each stage."""
    columns = list(dict.fromkeys(step.column for step in steps))
    rows = [["", *columns]]
    for name in dict.fromkeys(step.generator for step in steps):
        texts = {step.column: step.text for step in steps if step.generator == name}
        rows.append([name, *(texts.get(column, "") for column in columns)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(f"{text:<{n}}" for text, n in zip(row, widths, strict=True)).rstrip() for row in rows]


def _steps(plan: Plan, estimates: dict[str, Estimate]) -> Iterator[Step]:
    retrievers = [(cell_name(word), _component(make_retriever, word, plan)) for word in plan.retrievers]
    trained: set[str] = set()  # retrievers that all generators share are trained once
    for name in plan.generators:
        generator, label = _component(make_generator, name, plan), cell_name(name)
        if isinstance(generator, str):
            yield Step(label, SUMMARIES, "cannot run", is_left=True, problem=generator)
            continue
        summaries = Summarize(plan, generator).find()
        if summaries is not None:
            yield Step(label, SUMMARIES, "reused")
        else:
            yield _step((label, SUMMARIES), estimates.get(label), plan, generator)
        for other, made in retrievers:
            retriever = made if isinstance(made, str) else _for_generator(plan, made, generator)
            if isinstance(retriever, str):
                yield Step(label, other, "cannot run", is_left=True, problem=retriever)
                continue
            if summaries is not None and Retrieve(plan, retriever, summaries).exists():
                yield Step(label, other, "reused")
            else:
                is_trained = other in trained
                yield _step((label, other), estimates.get(other), plan, retriever, is_trained=is_trained)
                if not is_fitted_per_generator(retriever.system):
                    trained.add(other)


def _step(
    place: tuple[str, str],
    estimate: Estimate | None,
    plan: Plan,
    component: Component[Any],
    *,
    is_trained: bool = False,
) -> Step:
    """Describe one cell to be made: what it takes, and whether a training is part of that.

    ``is_trained``: an earlier cell of the run trains the component.
    """
    is_trained = component.trainable and (is_trained or Fit(plan, component).exists())
    prefix = "" if not component.trainable else "trained, " if is_trained else "train, "
    if estimate is None:
        return Step(*place, f"{prefix}not run yet", is_left=True)
    items = len(plan.evaluation.pool) if place[1] == SUMMARIES else len(plan.evaluation.queries)
    training = estimate.fit_s if component.trainable and not is_trained else 0.0
    seconds = estimate.seconds_per_item * items + training
    left = Estimate(seconds, 0.0, estimate.peak_mb, estimate.disk_mb, estimate.is_recorded)
    return Step(*place, f"{prefix}{format_duration(seconds)}", left, is_left=True)


def _sum(todo: list[Estimate | None]) -> str:
    known = [estimate for estimate in todo if estimate is not None]
    seconds = sum(estimate.seconds_per_item for estimate in known)
    peak = max((estimate.peak_mb for estimate in known), default=0.0)
    disk = sum(estimate.disk_mb for estimate in known)
    unknown = len(todo) - len(known)
    rest = f"; {counted(unknown, 'cell')} without an estimate" if unknown else ""
    source = f"; recorded: {_recorded_on()}" if any(estimate.is_recorded for estimate in known) else ""
    sums = f"about {format_duration(seconds)}, {peak:.0f} MB memory, {disk:.0f} MB disk"
    return f"to do: {counted(len(todo), 'cell')}, {sums}{rest}{source}"


def _recorded(preset: str) -> dict[str, Estimate]:
    """Read what each system took in the recorded run of a preset, for a store that never ran it."""
    _, *lines = _TIMES.read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["preset"] == preset]
    return {
        row["system"]: Estimate(
            float(row["seconds_per_item"]), float(row["fit_s"]), float(row["peak_mb"]), 0.0, is_recorded=True
        )
        for row in rows
    }


def _recorded_on() -> str:
    """Read on which machine and data the recorded run was made."""
    return _TIMES.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _component(make: Any, name: str, plan: Plan) -> Any:
    try:
        with no_exit():
            return make(name, plan.context())
    except UsageError:
        raise
    except BenchError as error:
        return str(error)
    except Exception as error:  # a plug-in may fail in any way
        return f"{type(error).__name__}: {error}"


def _for_generator(plan: Plan, retriever: Component[Any], generator: Component[Any]) -> Any:
    try:
        with no_exit():
            return for_generator(plan, retriever, generator, write=False)
    except BenchError as error:
        return str(error)
    except Exception as error:  # a plug-in may fail in any way
        return f"{type(error).__name__}: {error}"


def _estimates(plan: Plan) -> dict[str, Estimate]:
    """Read the costs of each component from its latest artefact in the store that was made here."""
    latest: dict[str, tuple[float, Estimate]] = {}
    for kind in (Summarize.kind, Retrieve.kind):
        for path in (plan.store.root / kind).glob(f"*/{RECORD}"):
            try:
                meta = json.loads(path.read_text(encoding="utf-8"))["meta"]
                items = meta.get("videos") or meta["queries"]  # as in benchmarks/record_times.py
                size = sum(file.stat().st_size for file in path.parent.iterdir()) / 2**20
                estimate = Estimate(meta["seconds"] / items, meta["fit_s"] or 0.0, meta["peak_mb"], size)
            except (ArithmeticError, OSError, ValueError, KeyError, TypeError):
                continue  # a damaged artefact (`Store.find` deals with it), or one of an earlier version
            if meta.get("is_recorded"):
                continue  # summaries of `bench demo`: made on another machine, beside other work
            age = path.stat().st_mtime
            if age >= latest.get(meta["component"], (0.0, estimate))[0]:
                latest[meta["component"]] = (age, estimate)
    return {name: estimate for name, (_, estimate) in latest.items()}
