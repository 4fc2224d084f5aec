"""Rows of scores.csv from summaries and runs, kept in the store like every other stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.harness.plan import Plan
from bench.harness.stages.retrieve import Retrieved, Summaries
from bench.metrics.intervals import mean_intervals
from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.metrics.ties import TieBounds, tie_bounds
from bench.output.per_item import by_need, number_needs
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.types import Json

Row = dict[str, Any]
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """Hold a cell's rows of scores.csv and its metrics per query (or video)."""

    rows: Sequence[Row]
    ids: Sequence[str]
    per_item: Columns


def relevance(plan: Plan) -> Relevance:
    """Return the evaluated relevance as arrays, over the pool in dataset order."""
    chosen = plan.evaluation
    return Relevance.from_mapping(chosen.relevant, tuple(chosen.queries), tuple(chosen.pool))


def score_retrieval(plan: Plan, generator: str, retriever: str, retrieved: Retrieved) -> CellScores:
    """Return R@k, P@k and Acc@k of a run, with intervals and tie bounds; no results count 0."""
    truth = relevance(plan)
    needs = number_needs(plan.evaluation.queries.values())
    key: dict[str, Json] = {
        "run": retrieved.digest,
        "queries": list(truth.query_ids),
        "relevant": digest([truth.indptr.tolist(), truth.positions.tolist()]),
        "needs": digest(needs.tolist()),
    }
    made = (generator, retriever)
    return _kept(plan, "ranking-scores", key, made, lambda: _ranking(retrieved, truth, needs))


def score_summaries(plan: Plan, generator: str, summaries: Summaries) -> CellScores:
    """Return BLEU, ROUGE-L and CIDEr of the split's summaries against its references, with intervals.

    Videos of other splits in the pool are searched, but what was learnt from is not scored.
    """
    references = {v.video_id: v.references for v in plan.videos(plan.config.split, references=True)}
    texts = {video_id: summaries.texts[video_id] for video_id in references}
    key: dict[str, Json] = {
        "summaries": summaries.digest,
        "references": digest([[video, list(texts)] for video, texts in references.items()]),
    }
    return _kept(plan, "text-scores", key, (generator, None), lambda: _texts(texts, references))


def _ranking(retrieved: Retrieved, truth: Relevance, needs: npt.NDArray[np.int64]) -> CellScores:
    names = [str(metric) for metric in RANKING_METRICS]
    per_query = score(retrieved.run, truth)
    # a query drawn for several videos is one piece of evidence
    own = {name: by_need(values, needs) for name, values in per_query.items()}
    limits = mean_intervals(own, weights=by_need(np.ones(len(needs)), needs))
    bounds = _tie_bounds(retrieved, truth)
    rows = [
        {
            "metric": name,
            "value": float(per_query[name].mean()),
            "ci_low": limits[name].low,
            "ci_high": limits[name].high,
            "tie_worst": float(bounds[name].worst.mean()),
            "tie_expected": float(bounds[name].expected.mean()),
            "tie_best": float(bounds[name].best.mean()),
            "n": len(truth.query_ids),
        }
        for name in names
    ]
    return CellScores(rows, truth.query_ids, {"n_relevant": truth.counts, **per_query})


def _tie_bounds(retrieved: Retrieved, truth: Relevance) -> dict[str, TieBounds]:
    """Bound every query by its run, and those whose tie group went on behind it by the deeper one."""
    whole = tie_bounds(retrieved.run, truth)
    if not retrieved.deep.query_ids:
        return whole
    place = {query: row for row, query in enumerate(truth.query_ids)}
    rows = np.array([place[query] for query in retrieved.deep.query_ids])
    some = {
        query: [truth.video_ids[i] for i in truth.positions[truth.indptr[row] : truth.indptr[row + 1]]]
        for query, row in zip(retrieved.deep.query_ids, rows.tolist(), strict=True)
    }
    deep = tie_bounds(retrieved.deep, Relevance.from_mapping(some, tuple(some), truth.video_ids))
    for name, bounds in whole.items():
        for side in ("worst", "expected", "best"):
            getattr(bounds, side)[rows] = getattr(deep[name], side)
    return whole


def _texts(texts: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> CellScores:
    from bench.metrics.text import COUNTS, score_texts
    from bench.metrics.text_tests import text_intervals

    scores = score_texts(texts, references)
    limits = text_intervals(scores)
    n = len(scores.video_ids)
    rows = [
        {"metric": name, "value": value, "ci_low": limits[name].low, "ci_high": limits[name].high, "n": n}
        for name, value in scores.corpus.items()
    ]
    counts = dict(zip(COUNTS, scores.bleu_counts.T, strict=True))  # corpus BLEU is a function of their sums
    return CellScores(rows, scores.video_ids, {**scores.per_video, **counts})


def _kept(
    plan: Plan, kind: str, key: Mapping[str, Json], cell: tuple[str, str | None], make: Any
) -> CellScores:
    """Return the scores of a cell from the store, made when they are not there."""

    def build(folder: Path) -> dict[str, Json]:
        made: CellScores = make()
        np.save(folder / "ids.npy", np.array(made.ids, dtype=np.str_))
        for i, values in enumerate(made.per_item.values()):
            np.save(folder / f"column-{i}.npy", values)
        rows = [{name: None if value != value else value for name, value in row.items()} for row in made.rows]
        return {"rows": rows, "columns": list(made.per_item)}

    artefact = plan.store.fetch(kind, {**key, "code": code_digest(__name__)}, build)
    generator, retriever = cell
    named = {"generator": generator, "retriever": retriever, "seed": plan.seed}
    return CellScores(
        [{**row, **named} for row in artefact.meta["rows"]],
        np.load(artefact.path / "ids.npy").tolist(),
        {name: np.load(artefact.path / f"column-{i}.npy") for i, name in enumerate(artefact.meta["columns"])},
    )
