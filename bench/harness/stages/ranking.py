"""What a retriever returned → a run: ordered by one rule, merged of parts, searched deeper across ties.

Apart from the stages, as its code decides the bytes of a run and is part of their keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from bench.errors import BenchError
from bench.metrics.definitions import DEPTH
from bench.metrics.ties import unresolved
from bench.types import NO_HIT, QueryId, Run, VideoId

Queries: TypeAlias = Mapping[QueryId, str]


def merge(parts: Sequence[Run], pool: tuple[VideoId, ...]) -> Run:
    """Merge the runs of parts into one over the pool.

    The best documents of the corpus are among the best of its parts, and one rule orders both.
    """
    position = {video_id: i for i, video_id in enumerate(pool)}
    hits = np.concatenate([_positions(run, position) for run in parts], axis=1)  # [Q, parts * k]
    scores = np.concatenate([run.scores for run in parts], axis=1)
    return Run.from_arrays(parts[0].query_ids, pool, hits, scores, DEPTH)


def order_run(
    name: str, run: Run, requested: tuple[tuple[QueryId, ...], int], pool: tuple[VideoId, ...]
) -> Run:
    """Order what a retriever returned for ``requested`` queries and depth by the one rule over the pool.

    Raises BenchError for other queries, and for videos that were not indexed.
    """
    queries, k = requested
    if not isinstance(run, Run):
        raise BenchError(
            f"retriever '{name}' returned {type(run).__name__}; search() must return a bench.Run, "
            "such as bench.Run.from_hits(hits, video_ids, k)."
        )
    if run.query_ids != queries or not set(run.video_ids) <= set(pool):
        raise BenchError(
            f"retriever '{name}' returned a run over other queries or videos than it was given; "
            "search() must answer every query, in order, with ids that were indexed."
        )
    if ((run.hits < NO_HIT) | (run.hits >= len(run.video_ids))).any():
        raise BenchError(
            f"retriever '{name}' returned hits outside its video_ids; a hit is a position in them, or "
            f"{NO_HIT} for none."
        )
    position = {video_id: i for i, video_id in enumerate(pool)}
    return Run.from_arrays(run.query_ids, pool, _positions(run, position), run.scores, k)


def check_run(name: str, run: Run) -> None:
    """Raise BenchError for scores that rank nothing, and for a document twice, which would count twice."""
    found = run.hits != NO_HIT
    if not np.isfinite(run.scores[found]).all():
        raise BenchError(f"retriever '{name}' returned a score that is no finite number (32 bits).")
    ordered = np.sort(run.hits, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NO_HIT)).any():
        raise BenchError(f"retriever '{name}' returned a video twice for one query.")


def search_deeper(search: Callable[[Queries, int], Run], queries: Queries, run: Run, cut: int) -> Run:
    """Search deeper where a tie group across the deepest cut-off may go on behind the run's end."""
    open_rows = np.flatnonzero(unresolved(run, cut))
    waiting = [run.query_ids[row] for row in open_rows]
    deep = Run.from_arrays((), run.video_ids, run.hits[:0], run.scores[:0], DEPTH)
    depth = DEPTH
    while waiting and depth < len(run.video_ids):
        depth = min(depth * 4, len(run.video_ids))
        deep = search({query: queries[query] for query in waiting}, depth)
        if not unresolved(deep, cut).any():
            break
    return deep


def _positions(run: Run, position: Mapping[VideoId, int]) -> Any:
    """Translate the hits of a run into positions in another pool, ``[Q, k]``."""
    positions = np.array([position[video_id] for video_id in run.video_ids] + [NO_HIT], dtype=np.int32)
    return positions[run.hits]
