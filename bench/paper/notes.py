"""What a comparison with the paper can say: which cells are compared, and why others are missing."""

from __future__ import annotations

import shlex

import pandas as pd

from bench.output.manifest import signature_line
from bench.paper import published
from bench.paper.runs import PAPERS_DATASET, PER_FEATURES, Material
from bench.paper.status import IMPOSSIBLE, NOT_COMPARABLE
from bench.paper.tables import MISSING
from bench.systems.registry import entries


def dataset_of(material: Material) -> str:
    """Name what was measured, for captions: ours on which dataset."""
    if material.manifest is None:
        return "nothing of ours"
    dataset = material.manifest.dataset
    return f"ours on {dataset.name}{' (synthetic)' if dataset.synthetic else ''}"


def headline(table: str, frame: pd.DataFrame, material: Material) -> str:
    """Write the first line of a report: how many cells can be compared; if none, why, and what to run."""
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
            f"{start}: {dataset_of(material)} is not the test split of {PAPERS_DATASET}. The {measured} "
            "cells that both have are shown; the order of rows and the claims can be compared."
        )
    return f"{start}."


def notes(table: str, material: Material) -> list[str]:
    """Write the lines below the cells: the dataset, missing rows with reasons, rows besides the paper's."""
    lines = []
    if not material.same_dataset:
        lines.append(
            f"Not measured on the test split of {PAPERS_DATASET}: absolute values are not comparable, "
            "only the order of rows and the claims."
        )
    lines += [f"Missing: {line}." for line in _missing(table, material)]
    lines += [f"Failed: {cell}: {message}" for cell, message in material.failed.items()]
    rows = set(published.names(table, "generator").values())
    more = [name for name in dict.fromkeys(material.scores["generator"]) if name not in rows]
    lines += [f"Also run, not in the paper's table: {', '.join(more)}."] if more else []
    if material.manifest:
        lines += [f"Signature: {signature_line(material.manifest.signature)}"]
        lines += [f"Coverage: {material.manifest.coverage_line}"]
    return lines


def _missing(table: str, material: Material) -> list[str]:
    """Group missing rows and blocks by the reason: a line for each."""
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
        return "no installed system has this name"
    if system in material.failed_systems:
        return "failed"
    if table == PER_FEATURES and any(name.startswith(f"{system}[") for name in material.scores["generator"]):
        return "the dataset has no such features, or the run did not use them"
    return "not in the run"
