"""The scores of a run of any origin: per topic, with intervals and bounds under ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.choices import Ties
from bench.errors import UsageError
from bench.foreign.judgements import Judgements
from bench.foreign.runs import ForeignRun
from bench.measures.by_topic import Scored, bounds, compute
from bench.metrics.needs import number_needs
from bench.metrics.ranking import Relevance
from bench.metrics.rows import metric_rows
from bench.output.trec import TrecRun
from bench.types import NO_HIT, QueryId, Run, VideoId

ORDERS: Mapping[Ties, str] = {
    "trec_eval": "score desc, document id desc (as trec_eval)",
    "ours": "score desc, document id asc",
    "rank": "rank as written in the run",
}
"""How documents of equal score are ordered, by the name of ``--ties``."""


@dataclass(frozen=True, eq=False)
class RunScores:
    """A run in order, its rows of scores.csv without names of systems, and its values per topic."""

    source: ForeignRun
    ties: Ties
    run: Run
    rows: Sequence[Mapping[str, Any]]
    per_topic: Mapping[str, Any]
    n_relevant: Sequence[int]
    empty: int
    """Topics without results."""


def score_run(source: ForeignRun, judgements: Judgements, names: Sequence[str], ties: Ties) -> RunScores:
    """Score a run over the evaluated topics; one without results counts 0."""
    truth = judgements.truth()
    run = ordered(source, truth, ties)
    scored = Scored(run, truth, judgements.grades)
    values, limits = compute(scored, names), bounds(scored, names)
    rows = metric_rows(values, limits, number_needs(judgements.texts.values()))
    empty = int((run.hits[:, 0] == NO_HIT).sum()) if run.depth else len(truth.query_ids)
    return RunScores(source, ties, run, rows, values, truth.counts.tolist(), empty)


def ordered(source: ForeignRun, truth: Relevance, ties: Ties) -> Run:
    """Order a run by a rule for ties, as deep as its longest list.

    Scores are replaced by their place among the query's distinct scores: `Run` holds single precision, in
    which close scores would become ties. Documents without a judgement retain their ranks.
    """
    hits_of = {query: source.run.hits.get(query, {}) for query in truth.query_ids}
    pool = [*truth.video_ids, *TrecRun(hits_of).unknown_videos(truth.video_ids)]
    position = {document: place for place, document in enumerate(pool)}
    depth = max((len(hits) for hits in hits_of.values()), default=0)
    hits = np.full((len(hits_of), depth), NO_HIT, dtype=np.int32)
    scores = np.full((len(hits_of), depth), -np.inf, dtype=np.float32)
    for row, (query, score_of) in enumerate(hits_of.items()):
        documents, places = _in_order(source, query, score_of, ties)
        hits[row, : len(documents)] = [position[document] for document in documents]
        scores[row, : len(documents)] = places
    return Run(truth.query_ids, tuple(pool), hits, scores)


def _in_order(
    source: ForeignRun, query: QueryId, score_of: Mapping[VideoId, float], ties: Ties
) -> tuple[list[VideoId], list[float]]:
    """Order a query's documents, best first, with new scores that preserve only order and ties."""
    if ties == "rank":
        ranks = source.run.ranks.get(query, {}) if source.run.ranks is not None else None
        if ranks is None:
            raise UsageError(f"{source.file}: a {source.form} has no ranks, so --ties rank cannot be used.")
        documents = sorted(score_of, key=lambda document: (ranks[document], document))
        return documents, [-float(ranks[document]) for document in documents]
    if ties == "trec_eval":
        score_of = _as_c_floats(score_of)
    documents = sorted(score_of, reverse=ties == "trec_eval")
    documents.sort(key=score_of.__getitem__, reverse=True)  # stable: ties stay in the order of their ids
    place = {score: -float(i) for i, score in enumerate(sorted(set(score_of.values()), reverse=True))}
    return documents, [place[score_of[document]] for document in documents]


def _as_c_floats(score_of: Mapping[VideoId, float]) -> Mapping[VideoId, float]:
    """Round scores to single precision, in which trec_eval compares them: close ones are equal there."""
    with np.errstate(over="ignore"):  # too large for a C float: infinite, as in trec_eval
        rounded = np.array(list(score_of.values()), dtype=np.float64).astype(np.float32)
    return dict(zip(score_of, rounded.tolist(), strict=True))
