"""The nouns: what travels between a dataset, a generator, a retriever and the metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import DataError

VideoId: TypeAlias = str
QueryId: TypeAlias = str
Frames: TypeAlias = npt.NDArray[np.floating[Any]]
Grades: TypeAlias = Mapping[QueryId, Mapping[VideoId, int]]
"""The judged documents of each query with their relevance; above 0 is relevant."""
Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

NO_HIT = -1
"""Fills ``Run.hits`` where a query returned fewer documents than the run is wide."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame of a video as JPEG, read when a system asks for it."""

    path: Path
    digest: str
    """sha256 of the file, taken when the dataset was read."""

    def read(self) -> bytes:
        """Read the file. Raises DataError when it is no longer what it was."""
        data = self.path.read_bytes() if self.path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != self.digest:
            raise DataError(f"{self.path} was changed or removed while it was in use. Run the command again.")
        return data


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """What a generator sees of one video.

    ``frames`` is ``[n, d]`` float16 or float32, memory-mapped, at most 32 rows; ``n`` may be 0.
    ``references`` are the texts of the relevant queries: training targets, empty when summarizing.
    ``pictures`` are frames as JPEG, in their order, where the dataset holds some.
    """

    video_id: VideoId
    transcript: str
    frames: Frames
    references: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a retriever returned: arrays, because a dict of dicts costs more than the search.

    ``hits`` is int32 ``[Q, k]``, positions in ``video_ids``, ``NO_HIT`` where nothing was returned;
    ``scores`` is float32 ``[Q, k]``, ``-inf`` there. Each row is best first: higher score, then
    video id ascending (contract section 5).
    """

    query_ids: tuple[QueryId, ...]
    video_ids: tuple[VideoId, ...]
    hits: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]

    @property
    def depth(self) -> int:
        """The width of the run: the number of documents that a query may return."""
        return int(self.hits.shape[1])

    @classmethod
    def from_hits(
        cls,
        hits: Mapping[QueryId, Sequence[tuple[VideoId, float]]],
        video_ids: Iterable[VideoId],
        k: int,
    ) -> Run:
        """Build a run of depth ``k`` from ``{query: [(video, score), ...]}`` in any order.

        Raises KeyError for a video outside ``video_ids``.
        """
        pool = tuple(video_ids)
        position = {video_id: i for i, video_id in enumerate(pool)}
        width = max((len(ranked) for ranked in hits.values()), default=0)
        places = np.full((len(hits), width), NO_HIT, dtype=np.int32)
        scores = np.full((len(hits), width), -np.inf, dtype=np.float32)
        for row, ranked in enumerate(hits.values()):
            for column, (video_id, score) in enumerate(ranked):
                places[row, column] = position[video_id]
                scores[row, column] = score
        return cls.from_arrays(tuple(hits), pool, places, scores, k)

    @classmethod
    def from_arrays(
        cls,
        query_ids: Sequence[QueryId],
        video_ids: Sequence[VideoId],
        hits: npt.NDArray[np.integer[Any]],
        scores: npt.NDArray[np.floating[Any]],
        k: int,
    ) -> Run:
        """Build a run of depth ``k`` from unordered ``[Q, m]`` arrays by the one ordering rule.

        ``hits`` are positions in ``video_ids`` (``NO_HIT`` where none). The only place where
        documents are put in order: score descending, then video id ascending. Raises ValueError for a
        depth below 0.
        """
        if k < 0:
            raise ValueError(f"the depth of a run is at least 0, not {k}")
        narrow = np.where(hits == NO_HIT, -np.inf, scores).astype(np.float32)
        places = _ranks_of_ids(tuple(video_ids))[hits]
        if not _is_ordered(narrow, places):
            order = np.lexsort((places, -narrow), axis=-1)[:, :k]
            hits = np.take_along_axis(hits, order, axis=1)
            narrow = np.take_along_axis(narrow, order, axis=1)
        ordered, ranked = hits[:, :k].astype(np.int32), narrow[:, :k]
        short = k - ordered.shape[1]
        if short > 0:
            ordered = np.pad(ordered, ((0, 0), (0, short)), constant_values=NO_HIT)
            ranked = np.pad(ranked, ((0, 0), (0, short)), constant_values=-np.inf)
        return cls(tuple(query_ids), tuple(video_ids), ordered, ranked)


@lru_cache(maxsize=2)  # a pool is searched many times
def _ranks_of_ids(video_ids: tuple[VideoId, ...]) -> npt.NDArray[np.int64]:
    """Rank each position of a pool by its id; the place of NO_HIT, the last, ranks behind all."""
    ranks = np.empty(len(video_ids) + 1, dtype=np.int64)
    ranks[sorted(range(len(video_ids)), key=video_ids.__getitem__)] = np.arange(len(video_ids))
    ranks[NO_HIT] = len(video_ids)
    return ranks


def _is_ordered(scores: npt.NDArray[np.float32], places: npt.NDArray[np.int64]) -> bool:
    """Check whether rows ``[Q, m]`` are best first already, ties by place."""
    above, below = scores[:, :-1], scores[:, 1:]
    return bool(((above > below) | ((above == below) & (places[:, :-1] <= places[:, 1:]))).all())


@dataclass(frozen=True, slots=True)
class Check:
    """A result of ``bench doctor``: what was checked, its state, and the command that fixes it."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True
    """Whether the default job needs it; the rest is only reported."""
