"""The ranks of each query's relevant videos, small enough to commit beside a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from bench.errors import DataError
from bench.metrics.definitions import RANKING_KINDS
from bench.metrics.ranking import Relevance, relevant_ranks
from bench.output.checked import checked
from bench.output.manifest import Manifest
from bench.output.schema import format_csv, unguard
from bench.output.trec import read_relevant, read_run
from bench.store.csv_files import read_cells
from bench.store.files import read_lines

Hits: TypeAlias = dict[str, dict[str, tuple[int, ...]]]
"""``{generator.retriever: {query: ranks of its relevant videos, ascending}}``."""


def hits_of(folder: Path, manifest: Manifest) -> Hits:
    """Record where each query of a run ranked its relevant videos, from every run file of the folder."""
    truth = read_truth(folder, manifest)
    names = [name for name in manifest.files if name.startswith("runs/")]
    return {Path(name).stem: _hits(checked(folder, manifest, name), truth) for name in names}


def read_truth(folder: Path, manifest: Manifest) -> Relevance:
    """Read the relevance of a run's queries, over the videos that are relevant to any."""
    relevant = read_relevant(checked(folder, manifest, "qrels.trec"))
    pool = tuple(dict.fromkeys(video for videos in relevant.values() for video in videos))
    return Relevance.from_mapping(relevant, tuple(relevant), pool)


def _hits(path: Path, truth: Relevance) -> dict[str, tuple[int, ...]]:
    run = read_run(path)
    ranks = relevant_ranks(run.to_run(truth.query_ids, truth.video_ids, 1000), truth).tolist()
    bounds = truth.indptr.tolist()
    return {
        query: tuple(sorted(rank for rank in ranks[start:end] if rank > 0))
        for query, start, end in zip(truth.query_ids, bounds, bounds[1:], strict=False)
    }


def hits_text(hits: Hits) -> str:
    """Write hits as CSV: a line for each query, a column for each cell, ranks separated by blanks."""
    queries = dict.fromkeys(query for ranked in hits.values() for query in ranked)
    columns = {
        cell: [" ".join(map(str, ranked.get(query, ()))) for query in queries]
        for cell, ranked in hits.items()
    }
    return format_csv({"query_id": list(queries), **columns})


def read_hits(path: Path) -> Hits:
    """Read a file that `hits_text` wrote; empty when the file does not exist.

    Raises DataError with file:line for a line that is not of this form.
    """
    if not path.is_file():
        return {}
    ranks: Hits = {}
    columns: list[str] | None = None
    for number, line in read_lines(path):
        fields = [str(unguard(field)) for field in read_cells(path, number, line)]
        if columns is None:
            columns = fields
            ranks = {cell: {} for cell in columns[1:]}
            continue
        if len(fields) != len(columns):
            raise DataError(f"{path}:{number}: {len(fields)} fields where {len(columns)} are needed.")
        for cell, text in zip(columns[1:], fields[1:], strict=True):
            ranks[cell][fields[0]] = _parse_ranks(path, number, text)
    return ranks


def _parse_ranks(path: Path, number: int, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(rank) for rank in text.split())
    except ValueError as error:
        raise DataError(f"{path}:{number}: '{text}' is not a list of ranks.") from error


def moved_queries(
    before: Mapping[str, Sequence[int]], after: Mapping[str, Sequence[int]], metric: str
) -> list[tuple[str, Sequence[int], Sequence[int]]]:
    """Name the queries that explain a changed ``metric``, with the ranks of their relevant videos."""
    kind, _, cut = metric.rpartition("@")
    k = int(cut) if kind and cut.isdecimal() else math.inf

    def counted(ranks: Sequence[int]) -> object:
        within = [rank for rank in ranks if rank <= k]
        if kind not in RANKING_KINDS:  # MRR, nDCG and others depend on the ranks themselves
            return within
        return bool(within) if kind == "Acc" else len(within)

    both = [(query, before[query], after[query]) for query in before if query in after]
    return [(query, old, new) for query, old, new in both if counted(old) != counted(new)]
