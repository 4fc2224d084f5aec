"""Look up single queries in a run file without reading the rest of it."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bench.output.checked import reading
from bench.types import QueryId, VideoId


class Hit(NamedTuple):
    """A line of a run file: the rank counts from 1."""

    video_id: VideoId
    rank: int
    score: float


class TrecFile:
    """Find queries by bisection: the harness writes them in the order of queries.tsv.

    A run of 100,000 queries has ten million lines; the page and ``bench explain`` want a few of them.
    """

    def __init__(self, path: Path, queries: Sequence[QueryId] | Mapping[QueryId, str]) -> None:
        self._order = {query.encode(): place for place, query in enumerate(queries)}
        self._path = path
        self._size = path.stat().st_size
        self._stream = path.open("rb")
        # an empty file cannot be mapped: no query has results
        self._bytes = mmap.mmap(self._stream.fileno(), 0, access=mmap.ACCESS_READ) if self._size else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()
        self._stream.close()

    def hits(self, query: QueryId) -> list[Hit]:
        """Look up a query's lines, best first; none for a query without results."""
        with reading(self._path):
            lines = (line.split(b" ") for line in self._block(query).splitlines())
            return [Hit(video.decode(), int(rank), float(score)) for _, _, video, rank, score, _ in lines]

    def ranks(self, query: QueryId, videos: Sequence[VideoId]) -> list[int | None]:
        """Look up the rank of each of some videos, None for one that was not returned."""
        block = b"\n" + self._block(query)
        ranks: list[int | None] = []
        with reading(self._path):
            for video in videos:
                mark = b"\n" + query.encode() + b" Q0 " + video.encode() + b" "
                at = block.find(mark)
                ranks.append(int(block[at + len(mark) :].split(b" ", 1)[0]) if at >= 0 else None)
        return ranks

    def _block(self, query: QueryId) -> bytes:
        with reading(self._path):
            place = self._order[query.encode()]
            return self._bytes[self._first_line(place) : self._first_line(place + 1)]

    def _first_line(self, place: int) -> int:
        """Compute the offset of the first line whose query is at ``place`` in the order, or after it."""
        low, high = 0, self._size
        while low < high:
            middle = (low + high) // 2
            start = self._bytes.rfind(b"\n", 0, middle) + 1  # of the line around the middle
            name = self._bytes[start : self._bytes.find(b" ", start)]
            if self._order[name] < place:
                end = self._bytes.find(b"\n", middle)
                low = end + 1 if end >= 0 else self._size
            else:
                high = start
        return low
