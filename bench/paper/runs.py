"""The scores a table of the paper needs, from runs made now or from a finished run's folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from bench.config.run_config import RunConfig, configure
from bench.errors import BenchError
from bench.harness.experiment import execute
from bench.harness.plan import make_plan
from bench.output.manifest import Manifest
from bench.output.per_item import RunItems
from bench.output.schema import REPRODUCE, headline
from bench.paper import published
from bench.result import Result
from bench.systems.registry import cell_name, entries

PAPERS_DATASET = "QMV-Kwai"
"""The ``name`` in dataset.json that says: this is the paper's dataset."""
PER_FEATURES = "table7"
"""The table whose rows are one system with several visual features."""


@dataclass(frozen=True, eq=False)
class Material:
    """The scores of one or several runs, with the manifest and the failures that explain them."""

    scores: pd.DataFrame
    """The rows of scores.csv that tables show: those of the one seed, or the means over several."""
    out: Path | None = None
    manifest: Manifest | None = None
    """Manifest of the first run; None when nothing could be run."""
    errors: Sequence[BenchError] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    """Message by cell."""
    failed_systems: frozenset[str] = frozenset()
    """Generators and retrievers that take part in a failed cell."""
    items: RunItems | None = None
    """Scores per query and video of the run, for paired tests; None for several runs."""

    @property
    def same_dataset(self) -> bool:
        """Whether the scores are of the paper's data, the test split of QMV-Kwai."""
        if self.manifest is None:
            return False
        return is_paper_dataset(self.manifest.dataset.name) and self.manifest.settings["split"] == "test"


def is_paper_dataset(name: str) -> bool:
    """Check whether a dataset's name is that of the paper's dataset."""
    return name.casefold() == PAPERS_DATASET.casefold()


def systems(table: str, kind: str) -> list[str]:
    """List the generators or retrievers of a table's rows, in its order, installed or not."""
    names = published.names(table, kind).values()
    return list(dict.fromkeys(name.partition("[")[0] for name in names))


def with_defaults(table: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the options of the run that a table needs: those given, else the systems of its rows.

    Systems that are not installed are left out. A table of generation needs no retriever; the first
    of the default ones is run.
    """
    options = {name: value for name, value in given.items() if value is not None}
    for kind in ("generator", "retriever"):
        available = [name for name in systems(table, kind) if name in entries(f"{kind}s")]
        fallback = list(RunConfig.retrievers[:1]) if kind == "retriever" else []
        options.setdefault(f"{kind}s", available or fallback)
    return options


def run_for(table: str, given: Mapping[str, Any]) -> Material:
    """Run what a table needs; nothing where none of its systems exists. Raises BenchError as a run does."""
    options = with_defaults(table, given)
    if not options["generators"]:
        return Material(pd.DataFrame(columns=["generator", "retriever", "metric", "value"]))
    config = configure(options)
    if table == PER_FEATURES:
        return _run_each_features(config, options)
    out, errors = execute(config)
    return _material(Result.read(out), errors)


def read_run(table: str, out: Path) -> Material:
    """Read the scores of a finished run. Raises DataError for a folder that is not a run's."""
    result = Result.read(out)
    return _material_of_features(result, []) if table == PER_FEATURES else _material(result, [])


def further_run_folder(out: Path, name: str) -> Path:
    """Name the folder of a further run that belongs to the report in ``out``."""
    return out / REPRODUCE / "runs" / re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.").lower()


def _run_each_features(config: RunConfig, options: Mapping[str, Any]) -> Material:
    """Run a configuration with each of the dataset's features, or with the one that is requested."""
    plan = make_plan(config)
    names: list[str | None] = [config.features] if config.features else [*plan.dataset.feature_names]
    materials: list[Material] = []
    for name in names or [None]:
        out = plan.out() if not materials else further_run_folder(plan.out(), str(name))
        made, errors = execute(configure({**options, "features": name, "out": out}))
        materials.append(_material_of_features(Result.read(made), errors))
    return Material(
        pd.concat([one.scores for one in materials], ignore_index=True),
        materials[0].out,
        materials[0].manifest,
        [error for one in materials for error in one.errors],
        {cell: message for one in materials for cell, message in one.failed.items()},
        frozenset().union(*(one.failed_systems for one in materials)),
    )


def _material(result: Result, errors: Sequence[BenchError]) -> Material:
    return Material(
        headline(result.scores),
        result.out,
        result.manifest,
        errors,
        result.failed,
        _failed_systems(result),
        RunItems(result.out, result.manifest),
    )


def _material_of_features(result: Result, errors: Sequence[BenchError]) -> Material:
    """Name the rows of a run by system and features, as Table VII does."""
    material = _material(result, errors)
    features = str(result.manifest.settings["features"])
    names = [row_of(str(name), features) for name in material.scores["generator"]]
    failed = {f"{cell} ({features})": message for cell, message in material.failed.items()}
    return replace(material, scores=material.scores.assign(generator=names), failed=failed, items=None)


def _failed_systems(result: Result) -> frozenset[str]:
    """Find the systems of failed cells among all cells of the run; a name may hold any character."""
    settings = result.manifest.settings
    generators = [cell_name(name) for name in settings["generators"]]
    retrievers = [cell_name(name) for name in settings["retrievers"]]
    cells = {name: (name,) for name in (*generators, *retrievers)}
    pairs = {f"{generator}.{name}": (generator, name) for generator, name in product(generators, retrievers)}
    with_seeds = {
        f"{prefix}{cell}": systems
        for prefix in ("", *(f"seed-{seed} " for seed in result.manifest.seeds))
        for cell, systems in {**cells, **pairs}.items()
    }
    return frozenset(name for cell in result.failed for name in with_seeds.get(cell, ()))


def row_of(generator: str, features: str) -> str:
    """Name a row of Table VII: by the printed features whose label is part of the features' name."""
    for label, name in published.names(PER_FEATURES, "generator").items():
        if name.partition("[")[0] == generator and label in features.casefold():
            return name
    return f"{generator}[{features}]"
