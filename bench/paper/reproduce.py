"""``bench reproduce``: a table of the paper beside ours, the order of its rows, and its claims."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import __version__
from bench.config.run_config import configure, options_of_settings
from bench.data.dataset import Dataset
from bench.data.options import DataOptions
from bench.data.reader import read_dataset
from bench.data.registered import dataset_folder
from bench.errors import BenchError, UsageError
from bench.output.folder import OutputFolder, amend, checked
from bench.output.manifest import read_file_list, read_manifest, signature_line
from bench.output.schema import MANIFEST, REPRODUCE, to_csv
from bench.paper import published
from bench.paper.claims import verdicts
from bench.paper.runs import PAPERS_DATASET, PER_FEATURES, Material, read_run, run_for
from bench.paper.scores import SCORED
from bench.paper.status import IMPOSSIBLE, NOT_COMPARABLE, compare, row_order
from bench.paper.sweep import SWEPT, sweep
from bench.paper.table2 import describe
from bench.paper.tables import MISSING, cells_table, claims_table, order_table, with_missing
from bench.store.artefacts import default_root
from bench.systems.registry import entries
from bench.tables.table import Table, to_markdown


@dataclass(frozen=True, eq=False)
class Report:
    """What `bench reproduce` prints and writes, and the errors of the run behind it."""

    headline: str
    """How many cells can be compared; why, and what to run, if none can. Empty for tables of counts."""
    tables: Sequence[Table]
    files: Mapping[str, str]
    out: Path | None
    errors: Sequence[BenchError]


def reproduce(
    target: str, options: Mapping[str, Any], *, source: Path | None = None, vary_choices: bool = False
) -> Report:
    """Return the report on ``table2`` to ``table7`` or ``fig3``, and write it into the run's folder.

    ``options`` are those of a run; ``source`` is the folder of a finished run that is used instead.
    Tables of counts need no run: they are written where ``out`` or ``source`` says, if either does.
    Raises BenchError as a run does, and UsageError for a sweep of a table that it cannot change.
    """
    if vary_choices and target not in SWEPT:
        raise UsageError(f"--sweep varies choices of retrieval; {target} has none. Use {', '.join(SWEPT)}.")
    if target not in SCORED:
        return _write(target, _describe(target, options, source))
    material = read_run(target, source) if source else run_for(target, options)
    frame = with_missing(compare(material.scores, target, same_dataset=material.same_dataset))
    claims = published.claims(target)
    judged = verdicts(
        material.scores, same_dataset=material.same_dataset, claims=claims, items=material.items
    )
    order = row_order(material.scores, target)
    tables = [cells_table(target, frame, _notes(target, material), _dataset_name(material))]
    if frame["ours"].notna().any():  # without a score there is no order, and no claim can be tested
        tables += [order_table(target, order), claims_table(target, judged)]
    files = {f"{target}.csv": to_csv(frame), f"{target}-order.csv": to_csv(order),
             f"{target}-claims.csv": to_csv(judged)}  # fmt: skip
    errors = list(material.errors)
    if vary_choices and material.out and material.manifest:
        base = {**options_of_settings(material.manifest.settings), **options} if source else dict(options)
        swept = sweep(target, base, material)
        tables += swept.tables
        files |= swept.files
        errors += swept.errors
    out = material.out or (Path(options["out"]) if options.get("out") else None)
    return _write(target, Report(_headline(target, frame, material), tables, files, out, errors))


def _describe(target: str, options: Mapping[str, Any], source: Path | None) -> Report:
    settings = options_of_settings(read_manifest(source).settings) if source else {}
    dataset = _dataset({**settings, **options})
    claims = verdicts(
        pd.DataFrame(columns=["generator", "retriever", "metric", "value"]),
        same_dataset=False,
        claims=published.claims(target),
    )
    tables, files = describe(target, dataset)
    out = source or (Path(options["out"]) if options.get("out") else None)
    files = {**files, f"{target}-claims.csv": to_csv(claims)}
    return Report("", [*tables, claims_table(target, claims)], files, out, [])


def _dataset(options: Mapping[str, Any]) -> Dataset:
    # names of systems do not matter here, and those of another machine may not exist on this one
    needed = {name: value for name, value in options.items() if name not in ("generators", "retrievers")}
    config = configure(needed)
    data_options = config.sections[DataOptions.section]
    assert isinstance(data_options, DataOptions)
    folder = dataset_folder(config.data, (config.store or default_root()) / "datasets")
    return read_dataset(folder, options=data_options, features=config.features)


def _dataset_name(material: Material) -> str:
    if material.manifest is None:
        return "nothing of ours"
    dataset = material.manifest.dataset
    return f"ours on {dataset.name}{' (synthetic)' if dataset.synthetic else ''}"


def _headline(table: str, frame: pd.DataFrame, material: Material) -> str:
    """Return the first line: how many cells can be compared; if none, why not and the command to run."""
    total, measured = len(frame), int(frame["ours"].notna().sum())
    comparable = int((~frame["status"].isin([MISSING, IMPOSSIBLE, NOT_COMPARABLE])).sum())
    start = f"{comparable} of {total} cells of {table} can be compared"
    if not measured:
        rows = dict.fromkeys(name.partition("[")[0] for name in frame["generator"])
        blocks = [name for name in dict.fromkeys(frame["retriever"]) if name]
        under = f" under its retrievers ({', '.join(blocks)})" if blocks else ""
        data = f" --data {shlex.quote(str(material.manifest.settings['data']))}" if material.manifest else ""
        return (
            f"{start}: this run has none of the paper's rows ({', '.join(rows)}){under}. "
            f"Run: bench reproduce {table}{data}"
        )
    if not material.same_dataset:
        return (
            f"{start}: {_dataset_name(material)} is not the test split of {PAPERS_DATASET}. The {measured} "
            "cells that both have are shown; the order of rows and the claims can be compared."
        )
    return f"{start}."


def _notes(table: str, material: Material) -> list[str]:
    """Say what the comparison is worth: which dataset, which rows are missing and why, which are more."""
    notes = []
    if not material.same_dataset:
        notes.append(
            f"Not measured on the test split of {PAPERS_DATASET}: absolute values are not comparable. "
            "What can be compared is below: the order of rows and the claims."
        )
    notes += [f"Missing: {line}." for line in _missing(table, material)]
    notes += [f"Failed: {cell}: {message}" for cell, message in material.failed.items()]
    rows = set(published.names(table, "generator").values())
    more = [name for name in dict.fromkeys(material.scores["generator"]) if name not in rows]
    notes += [f"Also run, not in the paper's table: {', '.join(more)}."] if more else []
    if material.manifest:
        notes += [f"Signature: {signature_line(material.manifest.signature)}"]
        notes += [f"Coverage: {material.manifest.coverage_line}"]
    return notes


def _missing(table: str, material: Material) -> list[str]:
    """Return a line for each reason, with the rows that are missing for it."""
    reasons: dict[str, list[str]] = {}
    for kind in ("generator", "retriever"):
        measured = set(material.scores[kind].dropna())
        for name in dict.fromkeys(published.names(table, kind).values()):
            if name not in measured:
                reasons.setdefault(_reason(kind, name, table, material), []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _reason(kind: str, name: str, table: str, material: Material) -> str:
    system = name.partition("[")[0]
    if system not in entries(f"{kind}s"):
        return "no such system exists here"
    if system in material.failed_systems:
        return "failed"
    if table == PER_FEATURES and any(name.startswith(f"{system}[") for name in material.scores["generator"]):
        return "the dataset has no such features, or the run did not use them"
    return "not in the run"


def _write(target: str, report: Report) -> Report:
    """Write the report beside the run it is about; reports on other tables stay."""
    if report.out is None:
        return report
    head = f"{report.headline}\n\n" if report.headline else ""
    page = head + "\n".join(to_markdown(table) for table in report.tables)
    texts = {f"{target}.md": page, **report.files}
    files = {f"{REPRODUCE}/{name}": text.encode() for name, text in texts.items()}
    if not (report.out / MANIFEST).is_file():
        with OutputFolder(report.out) as folder:  # raises UsageError for a folder that is not of a run
            folder.write_file_list({"bench_version": __version__}, finished=True)
    amend(report.out, {**_others(target, report.out), **files})
    return report


def _others(target: str, out: Path) -> dict[str, bytes]:
    manifest = read_file_list(out)
    replaced = (f"{REPRODUCE}/{target}.", f"{REPRODUCE}/{target}-")
    names = [n for n in manifest.files if n.startswith(f"{REPRODUCE}/") and not n.startswith(replaced)]
    return {name: checked(out, manifest, name).read_bytes() for name in names}
