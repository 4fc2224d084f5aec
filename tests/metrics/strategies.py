"""Hypothesis strategies for small runs with their relevance: ties, empty results, many relevant videos."""

from __future__ import annotations

from hypothesis import strategies as st

from bench.metrics.ranking import Relevance
from bench.types import Run

# numeric order is not lexical order, and not every id is ASCII
VIDEO_IDS = ("v1", "v2", "v10", "v9", "视频1", "视频10", "Ünï", "v100", "zz", "A")


@st.composite
def runs(draw: st.DrawFn, depth: int | None = None) -> tuple[Run, Relevance]:
    """Draw a run with ties and its relevance; scores sit on a coarse grid around some magnitude."""
    offset = draw(st.sampled_from([0.0, 1.0, 1e3, 123456.0]))
    score = st.sampled_from([0.0, 0.5, 1.0, 1.25]).map(lambda s: s + offset)
    queries = [f"q{i}" for i in range(draw(st.integers(1, 6)))]
    hits = {
        q: [(v, draw(score)) for v in draw(st.lists(st.sampled_from(VIDEO_IDS), unique=True))]
        for q in queries
    }
    relevant = {q: draw(st.sets(st.sampled_from(VIDEO_IDS), min_size=1)) for q in queries}
    run = Run.from_hits(hits, VIDEO_IDS, depth or len(VIDEO_IDS))
    return run, Relevance.from_mapping(relevant, queries, VIDEO_IDS)


def as_dicts(run: Run) -> dict[str, list[str]]:
    """Return ``{query: videos, best first}``: the slow, obvious form of a run."""
    return {
        q: [run.video_ids[i] for i in hits if i >= 0]
        for q, hits in zip(run.query_ids, run.hits.tolist(), strict=True)
    }


def relevant_sets(relevant: Relevance) -> dict[str, set[str]]:
    """Return ``{query: relevant videos}``."""
    bounds = relevant.indptr
    return {
        q: {relevant.video_ids[i] for i in relevant.positions[bounds[n] : bounds[n + 1]]}
        for n, q in enumerate(relevant.query_ids)
    }
