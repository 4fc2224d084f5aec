"""Where the first relevant video of a query is ranked: median (MdR) and mean (MnR) as a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.comparison.hit_ranks import read_truth
from bench.metrics.ranking import Relevance, relevant_ranks
from bench.output.checked import checked
from bench.output.manifest import signature_line
from bench.output.per_item import RunItems
from bench.output.trec import read_run
from bench.result import Result
from bench.tables.table import Cell, Rows, Table
from bench.types import NO_HIT, Run

NAME = "ranks"
COLUMNS = ["MdR", "MnR", "not returned %"]


def rank_table(result: Result) -> Table:
    """Lay out the ranks of each cell, from the run files; of several seeds those of the first.

    Videos that a run does not return count as ranked behind it in any order: a query without a relevant
    video in its run has the expected rank of the first one.
    """
    folder, manifest = RunItems(result.out, result.manifest).first
    truth = read_truth(folder, manifest)
    labels = manifest.labels
    rows: Rows = []
    cells = result.retrieval[["retriever", "generator"]].drop_duplicates().astype(str).to_numpy().tolist()
    retrievers = list(dict.fromkeys(retriever for retriever, _ in cells))
    for retriever, generator in sorted(cells, key=lambda cell: retrievers.index(cell[0])):
        path = checked(folder, manifest, f"runs/{generator}.{retriever}.trec")
        run = read_run(path).to_run(truth.query_ids, truth.video_ids, manifest.evaluation.depth)
        ranks, returned = first_ranks(run, truth, max(manifest.evaluation.pool, len(run.video_ids)))
        values = [f"{np.median(ranks):.1f}", f"{ranks.mean():.1f}", f"{100 * np.mean(~returned):.2f}"]
        names = [labels.get(retriever, retriever), labels.get(generator, generator)]
        rows.append((names, [Cell(value) for value in values]))
    note = (
        f"{len(truth.query_ids)} queries, {manifest.evaluation.pool} videos; lower is better; not tested. "
        "Videos that are not in a run count as ranked behind it in any order (the expected rank)."
    )
    below = [note, f"Signature: {signature_line(manifest.signature)}", f"Coverage: {manifest.coverage_line}"]
    caption = f"Rank of the first relevant video on {manifest.dataset.title}"
    return Table(NAME, caption, ["Retriever", "Model"], COLUMNS, rows, below)


def first_ranks(
    run: Run, truth: Relevance, pool: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Compute the rank ``[Q]`` of each query's first relevant video, and mark the queries that return one.

    Where none of ``r`` relevant videos is among the ``n`` returned, it is the expected smallest of ``r``
    ranks drawn from those from ``n + 1`` to ``pool``: n + (pool - n + 1) / (r + 1).
    """
    ranks = relevant_ranks(run, truth).astype(np.float64)
    first = np.full(len(truth.query_ids), np.inf)
    np.minimum.at(first, truth.rows, np.where(ranks > 0, ranks, np.inf))
    n = (run.hits != NO_HIT).sum(axis=1)  # [Q]
    expected = n + (pool - n + 1) / (truth.counts + 1)
    returned = np.isfinite(first)
    return np.where(returned, first, expected), returned
