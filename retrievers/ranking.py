"""Runs from hits of single query texts: each different text is searched once, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.types import NO_HIT, QueryId, Run, VideoId

CHUNK = 2000
"""Query texts searched at a time: bounds the memory for hits that do not make the run."""

Hits = list[tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.floating[Any]]]]
"""For each query text: positions of documents and their scores, in any order."""
PaddedHits = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]
"""The same as arrays ``[q, m]``: NO_HIT and a score of ``-inf`` where a text has fewer hits than another."""


def search_texts(
    queries: Mapping[QueryId, str],
    video_ids: Sequence[VideoId],
    search: Callable[[list[str]], PaddedHits],
    k: int,
) -> Run:
    """Search a run of depth ``k``, calling ``search`` on each different query text once.

    ``search`` returns, for each text, positions in ``video_ids`` and scores: at least those of the
    best ``k`` by the rule of `Run.from_arrays`.
    """
    texts = list(dict.fromkeys(queries.values()))
    row = {text: i for i, text in enumerate(texts)}
    hits = np.full((len(texts), k), NO_HIT, dtype=np.int32)
    scores = np.full((len(texts), k), -np.inf, dtype=np.float32)
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        places, values = search(chunk)
        run = Run.from_arrays(chunk, video_ids, places, values, k)
        hits[start : start + CHUNK], scores[start : start + CHUNK] = run.hits, run.scores
    rows = np.array([row[text] for text in queries.values()], dtype=np.int64)
    return Run(tuple(queries), tuple(video_ids), hits[rows], scores[rows])


def pad_hits(results: Hits) -> PaddedHits:
    """Fill up hits of texts to the longest, as one array of positions and one of scores."""
    width = max((len(docs) for docs, _ in results), default=0)
    places = np.full((len(results), width), NO_HIT, dtype=np.int32)  # [q, width]
    values = np.full((len(results), width), -np.inf, dtype=np.float32)
    for i, (docs, scores) in enumerate(results):
        places[i, : len(docs)] = docs
        values[i, : len(docs)] = scores
    return places, values
