"""The scores a table of the paper needs, from runs made now or from a finished run's folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bench.config.run_config import RunConfig, configure
from bench.errors import BenchError
from bench.harness.experiment import execute
from bench.harness.plan import make_plan
from bench.output.folder import REPRODUCE
from bench.output.schema import MEAN, SD
from bench.paper import published
from bench.result import Result
from bench.systems.registry import entries

PAPERS_DATASET = "QMV-Kwai"
"""The ``name`` in dataset.json that says: this is the paper's dataset."""
PER_FEATURES = "table7"
"""The table whose rows are one system with several visual features."""


@dataclass(frozen=True, eq=False)
class Material:
    """Hold the scores of one or several runs, and what is known about how they came about."""

    scores: pd.DataFrame
    """Rows of scores.csv, one for each seed; without those over several seeds."""
    out: Path | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """That of the first run; empty when nothing could be run."""
    errors: Sequence[BenchError] = ()
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def same_dataset(self) -> bool:
        """Return whether this was measured where the paper measured: the test split of QMV-Kwai."""
        name = str(self.manifest.get("dataset", {}).get("name", ""))
        split = self.manifest.get("settings", {}).get("split")
        return is_papers(name) and split == "test"


def is_papers(name: str) -> bool:
    """Return whether a dataset's name is that of the paper's dataset."""
    return name.casefold() == PAPERS_DATASET.casefold()


def systems(table: str, kind: str) -> list[str]:
    """Return the generators or retrievers behind a table's rows, in its order, whether they exist or not."""
    names = published.names(table, kind).values()
    return list(dict.fromkeys(name.partition("[")[0] for name in names))


def with_defaults(table: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the run that a table needs: those given, else the systems of its rows.

    Systems that do not exist here are left out. A table of generation needs no retriever; the first
    of the default ones is run.
    """
    options = {name: value for name, value in given.items() if value is not None}
    for kind in ("generator", "retriever"):
        found = [name for name in systems(table, kind) if name in entries(f"{kind}s")]
        fallback = list(RunConfig.retrievers[:1]) if kind == "retriever" else []
        options.setdefault(f"{kind}s", found or fallback)
    return options


def run_for(table: str, given: Mapping[str, Any]) -> Material:
    """Run what a table needs; nothing where none of its systems exists. Raises BenchError as a run does."""
    options = with_defaults(table, given)
    if not options["generators"]:
        return Material(pd.DataFrame(columns=["generator", "retriever", "metric", "value"]))
    config = configure(options)
    if table == PER_FEATURES:
        return _run_each_features(config, options)
    return _run(config)


def read_run(table: str, out: Path) -> Material:
    """Return the material of a finished run. Raises DataError for a folder that is not a run's."""
    return _material(table, Result.read(out), [])


def settings_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that repeat a run, from its manifest."""
    kept = {name: value for name, value in manifest["settings"].items() if value is not None}
    return {**{name: value for name, value in kept.items() if name != "options"}, "set": kept["options"]}


def below(out: Path, name: str) -> Path:
    """Return the folder of a further run that belongs to the report in ``out``."""
    return out / REPRODUCE / "runs" / re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.").lower()


def _run(config: RunConfig) -> Material:
    result, errors = execute(config)
    return _material("", result, errors)


def _run_each_features(config: RunConfig, options: Mapping[str, Any]) -> Material:
    """Run a configuration with each of the dataset's features, or with the one that was asked for."""
    plan = make_plan(config)
    names: list[str | None] = [config.features] if config.features else [*plan.dataset.feature_names]
    found: list[Material] = []
    for name in names or [None]:
        out = plan.out() if not found else below(plan.out(), str(name))
        result, errors = execute(configure({**options, "features": name, "out": out}))
        found.append(_material(PER_FEATURES, result, errors))
    return Material(
        pd.concat([one.scores for one in found], ignore_index=True),
        found[0].out,
        found[0].manifest,
        [error for one in found for error in one.errors],
        {cell: message for one in found for cell, message in one.failed.items()},
    )


def _material(table: str, result: Result, errors: Sequence[BenchError]) -> Material:
    scores = result.scores[~result.scores["seed"].astype(str).isin([MEAN, SD])]
    failed: Mapping[str, str] = result.failed
    if table == PER_FEATURES:
        features = str(result.manifest["settings"]["features"])
        scores = scores.assign(generator=[row_of(str(name), features) for name in scores["generator"]])
        failed = {f"{cell} ({features})": message for cell, message in failed.items()}
    return Material(scores, result.out, result.manifest, errors, failed)


def row_of(generator: str, features: str) -> str:
    """Return the name of a row of Table VII: that of the printed features whose label is in the name."""
    for label, name in published.names(PER_FEATURES, "generator").items():
        if name.partition("[")[0] == generator and label in features.casefold():
            return name
    return f"{generator}[{features}]"
