"""``bench reproduce``: a table of the paper beside ours, the order of its rows, and its claims."""

from __future__ import annotations

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
from bench.options import expand_home
from bench.output.checked import checked
from bench.output.folder import OutputFolder, amend
from bench.output.manifest import read_file_list, read_manifest
from bench.output.schema import MANIFEST, REPRODUCE, to_csv
from bench.paper import published
from bench.paper.claims import judge_claims
from bench.paper.figure3 import figure3
from bench.paper.notes import dataset_of, headline, notes
from bench.paper.runs import read_run, run_for
from bench.paper.scores import SCORED
from bench.paper.status import compare_cells, compare_order
from bench.paper.sweep import SWEPT, sweep
from bench.paper.table2 import table2
from bench.paper.tables import cells_table, claims_table, order_table, with_missing
from bench.store.artefacts import default_root
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
    """Compare ``table2`` to ``table7`` or ``fig3`` with a run, and write the report into the run's folder.

    ``options`` are those of a run; ``source`` is the folder of a finished run that is used instead.
    Tables of counts need no run: they are written where ``out`` or ``source`` says, if either does.
    Raises BenchError as a run does, and UsageError for a sweep of a table that it cannot change.
    """
    if vary_choices and target not in SWEPT:
        raise UsageError(f"--sweep varies choices of retrieval; {target} has none. Use {', '.join(SWEPT)}.")
    if target not in SCORED:
        return _write(target, _describe(target, options, source))
    material = read_run(target, source) if source else run_for(target, options)
    frame = with_missing(compare_cells(material.scores, target, same_dataset=material.same_dataset))
    claims = published.claims(target)
    judged = judge_claims(
        material.scores, same_dataset=material.same_dataset, claims=claims, items=material.items
    )
    order = compare_order(material.scores, target)
    tables = [cells_table(target, frame, notes(target, material), dataset_of(material))]
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
    out = material.out or _given_out(options)
    return _write(target, Report(headline(target, frame, material), tables, files, out, errors))


def _describe(target: str, options: Mapping[str, Any], source: Path | None) -> Report:
    settings = options_of_settings(read_manifest(source).settings) if source else {}
    dataset = _dataset({**settings, **options})
    claims = judge_claims(
        pd.DataFrame(columns=["generator", "retriever", "metric", "value"]),
        same_dataset=False,
        claims=published.claims(target),
    )
    tables, files = table2(dataset) if target == "table2" else figure3(dataset)
    out = source or _given_out(options)
    files = {**files, f"{target}-claims.csv": to_csv(claims)}
    return Report("", [*tables, claims_table(target, claims)], files, out, [])


def _given_out(options: Mapping[str, Any]) -> Path | None:
    return expand_home(options["out"]) if options.get("out") else None


def _dataset(options: Mapping[str, Any]) -> Dataset:
    # names of systems do not matter here, and those of another machine may not exist on this one
    needed = {name: value for name, value in options.items() if name not in ("generators", "retrievers")}
    config = configure(needed)
    data_options = config.sections[DataOptions.section]
    assert isinstance(data_options, DataOptions)
    folder = dataset_folder(config.data, (config.store or default_root()) / "datasets")
    return read_dataset(folder, options=data_options, features=config.features)


def _write(target: str, report: Report) -> Report:
    """Write the report into the folder of its run; reports on other tables stay."""
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
