"""What a page of several runs says: what they are called, which settings differ, and whether scores do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.comparison.paired import compare
from bench.comparison.runs import difference_in_evaluation
from bench.errors import counted
from bench.metrics.significance import ALPHA, holm
from bench.output.manifest import Manifest, read_manifest
from bench.output.per_item import RunItems
from bench.report.source import Source
from bench.report.views import View, view
from bench.summary.run_summary import METRIC
from bench.systems.registry import cell_name
from bench.tables.table import Cell, Table

LONGEST_NAME = 40
"""Characters of a name that is made of settings; where it would be longer, the folder's name is used."""
_LISTS = ("generators", "retrievers")
"""Settings that are shown where they differ, and are too long for a name."""


def name_runs(folders: Sequence[Path]) -> list[str]:
    """Name each run by the settings that differ between them, else by its folder; a single run by "".

    Raises DataError for a folder that is not a run's.
    """
    if len(folders) == 1:
        return [""]
    settings = [read_settings(read_manifest(folder)) for folder in folders]
    keys = [key for key in differing(settings) if key not in _LISTS]
    names = [", ".join(f"{key}={of_run.get(key, '–')}" for key in keys) for of_run in settings]
    if keys and len(set(names)) == len(names) and max(map(len, names)) <= LONGEST_NAME:
        return names
    names = [folder.resolve().name for folder in folders]
    return [
        name if names.count(name) == 1 else f"{name} ({number})" for number, name in enumerate(names, start=1)
    ]


def read_settings(manifest: Manifest) -> dict[str, str]:
    """Flatten the settings of a run to texts, for comparing runs: data, systems, seeds, options, version."""
    plain = {key: value for key, value in manifest.settings.items() if key != "options"}
    dataset = {"dataset": f"{manifest.dataset.name} {str(manifest.dataset.digest)[:8]}"}
    values = {**dataset, **plain, **manifest.settings["options"], "version": manifest.bench_version}
    return {key: _text(value) for key, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """List the settings that are not the same in all runs."""
    keys = dict.fromkeys(key for of_run in settings for key in of_run)
    return [key for key in keys if len({of_run.get(key) for of_run in settings}) > 1]


def settings_view(sources: Sequence[Source]) -> View | None:
    """Tabulate the settings that differ between runs, a row each; None when all are the same."""
    if len(sources) == 1:
        return None
    settings = [read_settings(s.result.manifest) | _systems(s, sources) for s in sources]
    keys = differing(settings)
    shared = [key for key in keys if all(key in of_run for of_run in settings)]
    rows = [([key], [Cell(of_run[key]) for of_run in settings]) for key in shared]
    new = ", ".join(key for key in keys if key not in shared)
    notes = [f"Not in every run's version: {new}."] if new else []
    columns = [source.name for source in sources]
    table = Table("settings-that-differ", "Settings that differ", ["Setting"], columns, rows, notes)
    return view(table) if keys else None


def _systems(source: Source, sources: Sequence[Source]) -> dict[str, str]:
    """List the generators and retrievers of a run by name; those of all runs are but counted."""
    texts = {}
    for kind in _LISTS:
        names = [[cell_name(word) for word in s.result.manifest.settings[kind]] for s in sources]
        common = set(names[0]).intersection(*names)
        own = [name for name in names[list(sources).index(source)] if name not in common]
        texts[kind] = ", ".join([*([f"{len(common)} shared"] if common else []), *own])
    return texts


def differences_view(sources: Sequence[Source]) -> View | None:
    """Test each run against the first one, paired by query: a row per shared cell; None without any."""
    metric = _common_metric(sources)
    comparable = [source for source in sources[1:] if not _difference_from_first(source, sources)]
    if metric is None or not comparable:
        return None
    compared = [pair for source in comparable for pair in _compare(sources[0], source, metric)]
    if not compared:
        return None
    corrected = holm([comparison.test.p_value for _, _, comparison in compared]).tolist()
    rows = [
        (names, [_points(score), *_difference(comparison, p)])
        for (names, score, comparison), p in zip(compared, corrected, strict=True)
        if _is_changed(comparison)
    ]
    same = [
        " × ".join(reversed(names[1:])) for names, _, comparison in compared if not _is_changed(comparison)
    ]
    caption = f"{metric}: differences from {sources[0].name}, in points"
    notes = [
        f"Each run less {sources[0].name}, paired over the same queries, with 95 % intervals; * p < {ALPHA}, "
        f"Holm-corrected over {counted(len(compared), 'comparison')}.",
        *([f"The same for every query: {', '.join(dict.fromkeys(same))}."] if same else []),
    ]
    columns = ["score", "difference", "95 % from", "95 % to", "p (Holm)"]
    return view(Table("differences", caption, ["Run", "Retriever", "System"], columns, rows, notes))


def incomparable(sources: Sequence[Source]) -> list[str]:
    """Warn, in a sentence each, of runs that were evaluated differently from the first one."""
    wrong = {source.name: _difference_from_first(source, sources) for source in sources[1:]}
    return [
        f"{name} and {sources[0].name} cannot be compared: they differ in {what}."
        for name, what in wrong.items()
        if what
    ]


def _difference_from_first(source: Source, sources: Sequence[Source]) -> str:
    return difference_in_evaluation(source.manifest, sources[0].manifest)


def _common_metric(sources: Sequence[Source]) -> str | None:
    """Choose the metric of rankings that is compared: one that every run has, `METRIC` if it is one."""
    measured = [
        dict.fromkeys(row.metric for row in source.scores if isinstance(row.retriever, str))
        for source in sources
    ]
    common = [metric for metric in measured[0] if all(metric in of_run for of_run in measured)]
    return METRIC if METRIC in common else next(iter(common), None)


def _compare(first: Source, source: Source, metric: str) -> Iterator[tuple[list[str], float, Any]]:
    """Yield names, score and comparison of each cell that both runs have."""
    theirs, ours = (RunItems(s.result.out, s.result.manifest) for s in (first, source))
    for generator, retriever in source.cells:
        if (generator, retriever) not in first.cells:
            continue
        mine, before = ours.cell(generator, retriever), theirs.cell(generator, retriever)
        labels = source.manifest.labels
        names = [source.name, labels.get(retriever, retriever), labels.get(generator, generator)]
        yield names, mine.score(metric), compare(mine, before, metric)


def _is_changed(comparison: Any) -> bool:
    """Check whether any query has another score."""
    return bool(comparison.test.wins or comparison.test.losses)


def _difference(comparison: Any, p: float) -> list[Cell]:
    low, high = comparison.interval.low, comparison.interval.high
    shown = Cell(f"{comparison.test.difference * 100:+.2f}", star=p < ALPHA)
    return [shown, _points(low), _points(high), Cell("< 0.001" if p < 0.001 else f"{p:.3f}")]


def _points(value: float) -> Cell:
    return Cell(f"{value * 100:.2f}" if math.isfinite(value) else "")
