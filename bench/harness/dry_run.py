"""``--dry-run``: the plan of a run, what is reused, and estimates from what was measured here."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from bench.config.run_config import RunConfig
from bench.errors import BenchError, UsageError
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.fit import Fit
from bench.harness.stages.follow import for_generator
from bench.harness.stages.retrieve import Retrieve
from bench.harness.stages.summarize import Summarize
from bench.store.artefacts import RECORD
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


def preview(config: RunConfig) -> str:
    """Show what a run would do: a line per cell, then sums. Nothing is fitted, written or searched."""
    plan = make_plan(config)
    estimates = {**_recorded(config.preset), **_estimates(plan)}
    lines = [
        f"data: {plan.dataset.name} ({plan.dataset.digest[:8]}), split {config.split}: "
        f"{len(plan.evaluation.pool)} videos, {len(plan.evaluation.queries)} queries, {config.protocol}",
        f"out: {plan.out()}",
        f"store: {plan.store.root}",
    ]
    todo: list[Estimate | None] = []
    for seed in config.seed:
        lines.append(f"seed {seed}:")
        for text, estimate, reused in _cells(plan, seed, estimates):
            lines.append(f"  {text}")
            if not reused:
                todo.append(estimate)
    return "\n".join([*lines, _sum(todo)]) + "\n"


def _cells(
    plan: Plan, seed: int, estimates: dict[str, Estimate]
) -> Iterator[tuple[str, Estimate | None, bool]]:
    plan = plan.for_seed(seed)
    retrievers = [(name, _component(make_retriever, name, plan)) for name in plan.retrievers]
    trained: set[int] = set()  # a retriever that all generators share is trained once
    for name in plan.generators:
        generator = _component(make_generator, name, plan)
        label = cell_name(name)
        if isinstance(generator, str):
            yield f"{label}: cannot run: {generator}", None, False
            continue
        summaries = Summarize(plan, generator).find()
        yield _line(label, "summaries", summaries is not None, estimates.get(label), plan, generator)
        for other, made in retrievers:
            cell = f"{label}.{other}"
            retriever = made if isinstance(made, str) else _for_generator(plan, made, generator)
            if isinstance(retriever, str):
                yield f"{cell}: cannot run: {retriever}", None, False
                continue
            done = summaries is not None and Retrieve(plan, retriever, summaries).exists()
            estimate = estimates.get(other)
            if estimate is not None and id(retriever) in trained:
                estimate = replace(estimate, fit_s=0.0)
            if not done:
                trained.add(id(retriever))
            yield _line(cell, "run", done, estimate, plan, retriever)


def _line(
    cell: str, what: str, reused: bool, estimate: Estimate | None, plan: Plan, component: Component[Any]
) -> tuple[str, Estimate | None, bool]:
    if reused:
        return f"{cell}: {what} reused", estimate, True
    fit = ""
    if component.trainable:
        trained = Fit(plan, component).exists()
        fit = ", trained already" if trained else ", to be trained"
    if estimate is None:
        return f"{cell}: {what} to be made{fit}; no estimate: never run with this store", None, False
    items = len(plan.evaluation.pool) if what == "summaries" else len(plan.evaluation.queries)
    seconds = estimate.seconds_per_item * items + (estimate.fit_s if fit == ", to be trained" else 0.0)
    text = f"{cell}: {what} to be made{fit}; about {seconds:.0f} s, {estimate.peak_mb:.0f} MB memory"
    done = Estimate(seconds, 0.0, estimate.peak_mb, estimate.disk_mb, estimate.is_recorded)
    return text + (" (recorded)" if estimate.is_recorded else ""), done, False


def _sum(todo: list[Estimate | None]) -> str:
    known = [estimate for estimate in todo if estimate is not None]
    seconds = sum(estimate.seconds_per_item for estimate in known)
    peak = max((estimate.peak_mb for estimate in known), default=0.0)
    disk = sum(estimate.disk_mb for estimate in known)
    unknown = len(todo) - len(known)
    rest = f"; {unknown} cells without an estimate" if unknown else ""
    source = f"; recorded: {_recorded_on()}" if any(estimate.is_recorded for estimate in known) else ""
    sums = f"about {seconds:.0f} s, {peak:.0f} MB memory, {disk:.0f} MB disk"
    return f"to do: {len(todo)} cells, {sums}{rest}{source}"


def _recorded(preset: str) -> dict[str, Estimate]:
    """Return what each system took in the recorded run of a preset, for a store that never ran it."""
    _, *lines = _TIMES.read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["preset"] == preset]
    return {
        row["system"]: Estimate(
            float(row["seconds_per_item"]), float(row["fit_s"]), float(row["peak_mb"]), 0.0, is_recorded=True
        )
        for row in rows
    }


def _recorded_on() -> str:
    """Say on which machine and data the recorded run was."""
    return _TIMES.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _component(make: Any, name: str, plan: Plan) -> Any:
    try:
        return make(name, plan.context())
    except UsageError:
        raise
    except BenchError as error:
        return str(error)
    except Exception as error:  # a plug-in may fail in any way
        return f"{type(error).__name__}: {error}"


def _for_generator(plan: Plan, retriever: Component[Any], generator: Component[Any]) -> Any:
    try:
        return for_generator(plan, retriever, generator, write=False)
    except BenchError as error:
        return str(error)


def _estimates(plan: Plan) -> dict[str, Estimate]:
    """Return the costs of each component's latest artefact in the store."""
    latest: dict[str, tuple[float, Estimate]] = {}
    for kind in (Summarize.kind, Retrieve.kind):
        for path in (plan.store.root / kind).glob(f"*/{RECORD}"):
            try:
                meta = json.loads(path.read_text(encoding="utf-8"))["meta"]
                items = max(meta.get("videos") or meta.get("documents"), 1)
                size = sum(file.stat().st_size for file in path.parent.iterdir()) / 2**20
                estimate = Estimate(meta["seconds"] / items, meta["fit_s"] or 0.0, meta["peak_mb"], size)
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a damaged artefact has no costs; `Store.find` deals with it
            age = path.stat().st_mtime
            if age >= latest.get(meta["component"], (0.0, estimate))[0]:
                latest[meta["component"]] = (age, estimate)
    return {name: estimate for name, (_, estimate) in latest.items()}
