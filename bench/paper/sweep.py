"""What the paper leaves unstated, varied: the range of each score, and the claims that depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.config.run_config import configure
from bench.errors import BenchError
from bench.options import assignments
from bench.output.schema import to_csv
from bench.paper import published
from bench.paper.claims import judge_claims
from bench.paper.published import Variant
from bench.paper.runs import Material, further_run_folder, run_for, with_defaults
from bench.paper.scores import KEY, by_key, paper_scores
from bench.tables.table import Cell, Rows, Table

SWEPT = ("table5",)
"""Tables of retrieval; summaries do not depend on how they are searched."""
AS_RUN = "as run"


@dataclass(frozen=True, eq=False)
class Swept:
    """Tables, files and errors that a sweep adds to a report."""

    tables: Sequence[Table]
    files: Mapping[str, str]
    errors: Sequence[BenchError]


def sweep(table: str, options: Mapping[str, Any], base: Material) -> Swept:
    """Show what the paper's silence is worth: ranges of scores and changed verdicts over its open choices.

    A table's cells are run under each choice, one choice at a time. ``base`` is the run of ``options``; the
    others are written below its folder, and take summaries and fitted systems from the store. Raises
    BenchError as a run does.
    """
    materials = {AS_RUN: base}
    for variant in published.variants():
        materials[variant.choice] = _run(table, variant, options, base)
    scores = pd.concat([_scores(table, one, choice) for choice, one in materials.items()], ignore_index=True)
    judged = {choice: _verdicts(table, one) for choice, one in materials.items()}
    errors = [error for one in materials.values() if one is not base for error in one.errors]
    tables = [_ranges(table, scores, materials), _changes(table, judged)]
    all_verdicts = pd.DataFrame(judged).rename_axis("id").reset_index()
    files = {f"{table}-sweep.csv": to_csv(scores), f"{table}-sweep-claims.csv": to_csv(all_verdicts)}
    return Swept(tables, files, errors)


def _run(table: str, variant: Variant, options: Mapping[str, Any], base: Material) -> Material:
    assert base.out is not None
    given = {**options, "out": further_run_folder(base.out, variant.choice)}
    given["set"] = {**assignments(options.get("set") or ()), **assignments(variant.set.split())}
    if variant.protocol:
        given |= {"protocol": variant.protocol, "query_seed": int(variant.query_seed)}
    varied, unvaried = (configure(with_defaults(table, one)) for one in (given, options))
    if varied.settings() == unvaried.settings():
        return base
    return run_for(table, given)


def _scores(table: str, material: Material, choice: str) -> pd.DataFrame:
    ours, printed = by_key(material.scores), by_key(paper_scores(table))
    lines = [(choice, *key, ours[key].value) for key in printed if key in ours]
    return pd.DataFrame(lines, columns=["choice", *KEY, "value"])


def _verdicts(table: str, material: Material) -> pd.Series[str]:
    claims = published.claims(table)
    frame = judge_claims(
        material.scores, same_dataset=material.same_dataset, claims=claims, items=material.items
    )
    return frame.set_index("id")["verdict"]


def _ranges(table: str, scores: pd.DataFrame, materials: Mapping[str, Material]) -> Table:
    metrics = list(dict.fromkeys(scores["metric"]))
    rows: Rows = []
    for (retriever, generator), part in scores.groupby(["retriever", "generator"], sort=False):
        values = [part[part["metric"] == metric]["value"] * 100 for metric in metrics]
        spans = [f"{column.min():.2f}–{column.max():.2f}" if len(column) else "" for column in values]
        names = [
            published.label(table, kind, str(name))
            for kind, name in (("retriever", retriever), ("generator", generator))
        ]
        rows.append((names, [Cell(span) for span in spans]))
    notes = ["Choices are varied one at a time; everything else is as run, so joint effects are not seen."]
    notes += [f"{choice}: {_evaluated(one)}" for choice, one in materials.items()]
    caption = "Lowest and highest score over the choices that the paper leaves unstated, ×100"
    return Table(f"{table}-sweep", caption, ["Retriever", "Model"], metrics, rows, notes)


def _evaluated(material: Material) -> str:
    assert material.manifest is not None  # a sweep follows a run
    evaluation = material.manifest.evaluation
    return f"{evaluation.queries:,} queries, {evaluation.mean_relevant:.2f} relevant videos each"


def _changes(table: str, judged: Mapping[str, pd.Series[str]]) -> Table:
    frame = pd.DataFrame(judged)  # [claims, choices]
    changed = frame[frame.nunique(axis=1) > 1]
    statements = {claim.id: claim.statement for claim in published.claims(table)}
    rows: Rows = [
        ([str(name), statements[str(name)]], [Cell(str(verdict)) for verdict in changed.loc[name]])
        for name in changed.index
    ]
    notes = [f"{len(frame) - len(changed)} of {len(frame)} claims have the same verdict under every choice."]
    caption = "Claims whose verdict depends on a choice"
    return Table(f"{table}-sweep-claims", caption, ["Claim", "Statement"], list(judged), rows, notes)
