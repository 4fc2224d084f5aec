"""Hybrid: the rankings of other retrievers, fused by their reciprocal ranks or by their scaled scores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from bench.context import Context
from bench.errors import UsageError
from bench.protocols import Caching, Indexed, Trainable, is_approximate, is_fitted_per_generator
from bench.systems.ensemble import (
    LARGEST_WEIGHT,
    Member,
    build_members,
    contributions,
    fit_members,
    parse_weights,
)
from bench.types import NO_HIT, Json, QueryId, Run, Video, VideoId
from retrievers.options import HybridOptions

LABELS = {"rrf": "Hybrid (RRF)", "sum": "Hybrid (sum)"}
DECIMALS = 8
"""Decimals of fused scores, so that the order in which members are added does not matter."""
_CELLS = 2**22
"""Numbers held in memory for a chunk of queries."""


class Hybrid:
    """Rank by a sum over members: of 1 / (k + rank), reciprocal rank fusion, or of scores from 0 to 1.

    Each term may have a weight. Documents that a member scores the same are worth the same, so that equal
    summaries stay tied. A document that no member returns within ``depth`` is not returned. The key includes
    the key of each member. Source: Cormack, Clarke and Buettcher 2009. Raises UsageError for other weights
    than members.
    """

    def __init__(self, context: Context, members: Sequence[Member]) -> None:
        self._options = context.options(HybridOptions)
        self._members = members
        self._weights = _read_weights(self._options.weights, len(members))
        self._context = context
        self._video_ids: tuple[VideoId, ...] = ()

    @property
    def label(self) -> str:
        """Name the block after the method."""
        return LABELS[self._options.method]

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Index the summaries with every member."""
        self._video_ids = tuple(sorted(summaries))
        for member in self._members:
            member.system.index(summaries)

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Search the best ``k`` documents of each query by the fused score, ties by video id."""
        return self._fuse([member.system.search(queries, self._options.depth) for member in self._members], k)

    @property
    def approximation(self) -> str:
        """How the members search that may miss documents; empty where all search exactly."""
        ways = {m.name: m.system.approximation for m in self._members if is_approximate(m.system)}
        return ", ".join(f"{name} {way}" for name, way in ways.items())

    def search_exactly(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Search as `search`, with members that miss nothing."""
        depth = self._options.depth
        runs = [
            m.system.search_exactly(queries, depth)
            if is_approximate(m.system)
            else m.system.search(queries, depth)
            for m in self._members
        ]
        return self._fuse(runs, k)

    def _fuse(self, runs: Sequence[Run], k: int) -> Run:
        ids = runs[0].query_ids
        step = max(1, _CELLS // max(1, len(self._video_ids)))
        parts = [
            Run.from_arrays(ids[i : i + step], self._video_ids, *self._fused(runs, slice(i, i + step)), k)
            for i in range(0, len(ids), step)
        ] or [Run.from_hits({}, self._video_ids, k)]
        return Run(
            ids,
            self._video_ids,
            np.concatenate([part.hits for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def identity(self) -> Mapping[str, Json]:
        """List the complete key of each member, since any of it may move the fused ranks."""
        return {member.name: dict(member.key) for member in self._members}

    def signature(self) -> Mapping[str, str]:
        """Describe how ranks are fused, and each member, for the signature line."""
        members = {
            member.name: "(" + "; ".join(f"{key}={value}" for key, value in member.signature().items()) + ")"
            for member in self._members
        }
        ways = {"rrf": f"RRF k={self._options.k}", "sum": "sum of scores scaled to 0..1"}
        weights = {"weights": self._options.weights} if self._options.weights else {}
        return {"fusion": ways[self._options.method], **weights, "depth": str(self._options.depth), **members}

    def coverage(self) -> Mapping[str, int]:
        """Count what the members could not read completely, under their names."""
        return {f"{what} ({m.name})": n for m in self._members for what, n in m.coverage().items()}

    def parameters(self) -> int:
        """Count the parameters of all members."""
        return sum(member.parameters() or 0 for member in self._members)

    def index_bytes(self) -> int:
        """Count the bytes of the members' indexes, of those that report them."""
        return sum(m.system.index_bytes() for m in self._members if isinstance(m.system, Indexed))

    @contextlib.contextmanager
    def uncached(self) -> Iterator[None]:
        """Switch off the members' caches, for timing."""
        with contextlib.ExitStack() as stack:
            for member in self._members:
                if isinstance(member.system, Caching):
                    stack.enter_context(member.system.uncached())
            yield

    def _fused(
        self, runs: Sequence[Run], rows: slice
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Fuse the members' runs of a chunk of queries: each document once, with its score ``[q, m]``."""
        hits = [self._places(run)[run.hits[rows]] for run in runs]
        total = np.zeros((len(hits[0]), len(self._video_ids) + 1))  # the last column is that of NO_HIT
        line = np.arange(len(total))[:, None]
        for run, places, weight in zip(runs, hits, self._weights, strict=True):
            worth = contributions(run.scores[rows], self._options.method, self._options.k)
            total[line, places] += weight * worth
        seen = np.zeros(total.shape, dtype=np.bool_)
        for places in hits:  # a document that several members return is listed once
            again = seen[line, places]
            seen[line, places] = True
            places[again] = NO_HIT
        places = np.concatenate(hits, axis=1)  # [q, members * depth]
        return places, np.round(total[line, places], DECIMALS)

    def _places(self, run: Run) -> npt.NDArray[np.int64]:
        """Look up the position among our videos of each of a member's; NO_HIT stays NO_HIT."""
        place = {video_id: i for i, video_id in enumerate(self._video_ids)}
        return np.array([*(place[video_id] for video_id in run.video_ids), NO_HIT], dtype=np.int64)


class TrainableHybrid(Hybrid):
    """Fuse members of which some must be trained; their models are those of the members' rows."""

    @property
    def per_generator(self) -> str:
        """Explain why members are fitted anew for each generator; empty when none is."""
        reasons = {m.system.per_generator for m in self._members if is_fitted_per_generator(m.system)}
        return ", ".join(sorted(reasons))

    def use_summaries(self, summaries: Mapping[VideoId, str]) -> None:
        """Pass a generator's summaries to the members that are fitted on them."""
        for member in self._members:
            if is_fitted_per_generator(member.system):
                member.use_summaries(summaries)

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train the members that need it, or take their models from the store."""
        fit_members(self._context, self._members, train, val)

    def save(self, folder: Path) -> None:
        """Write a folder for each trained member."""
        for member in self._trainable():
            (folder / member.name).mkdir()
            cast("Trainable", member.system).save(folder / member.name)

    def load(self, folder: Path) -> None:
        """Load each trained member."""
        for member in self._trainable():
            cast("Trainable", member.system).load(folder / member.name)
            member.loaded = True

    def _trainable(self) -> list[Member]:
        return [member for member in self._members if member.trainable]


def hybrid(context: Context) -> Hybrid:
    """Fuses the rankings of other retrievers (hybrid.retrievers) by reciprocal ranks."""
    names = context.options(HybridOptions).retrievers
    members = build_members(context, names, outer=HybridOptions.section)
    kind = TrainableHybrid if any(member.trainable for member in members) else Hybrid
    return kind(context, members)


def _read_weights(text: str, count: int) -> tuple[float, ...]:
    """Read a weight for each of ``count`` members; 1 for each where there is no text."""
    if not text:
        return (1.0,) * count
    try:
        weights = parse_weights(text)
    except ValueError:
        weights = ()
    if len(weights) != count:
        raise UsageError(
            f"option hybrid.weights={text!r}: {count} numbers from 0 to {LARGEST_WEIGHT:,}, not all 0, are "
            "needed, one for each of hybrid.retrievers, such as 0.7,0.3."
        )
    return weights
