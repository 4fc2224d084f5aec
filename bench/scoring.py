"""Rows of scores.csv from summaries and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.hashing import code_digest, digest
from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.plan import Plan
from bench.stages import Retrieved, Summaries

COLUMNS = (
    "generator", "retriever", "metric", "value", "ci_low", "ci_high",
    "tie_worst", "tie_expected", "tie_best", "n", "seed",
)  # fmt: skip
"""The columns of scores.csv (contract section 4)."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """Hold a cell's rows of scores.csv and its metrics per query (or video)."""

    rows: Sequence[Row]
    ids: Sequence[str]
    per_item: Mapping[str, npt.NDArray[Any]]


def relevance(plan: Plan) -> Relevance:
    """Return the evaluated relevance as arrays, over the pool in dataset order."""
    chosen = plan.evaluation
    return Relevance.from_mapping(chosen.relevant, tuple(chosen.queries), tuple(chosen.pool))


def score_retrieval(plan: Plan, generator: str, retriever: str, retrieved: Retrieved) -> CellScores:
    """Return R@k, P@k and Acc@k of a run; a query without results counts 0."""
    truth = relevance(plan)
    per_query = score(retrieved.run, truth)
    rows = [
        _row(plan, generator, retriever, str(metric), float(per_query[str(metric)].mean()), len(truth.query_ids))
        for metric in RANKING_METRICS
    ]
    return CellScores(rows, truth.query_ids, {"n_relevant": truth.counts, **per_query})


def score_summaries(plan: Plan, generator: str, summaries: Summaries) -> CellScores:
    """Return BLEU, ROUGE-L and CIDEr of summaries against the pool's references, kept in the store."""
    references = {video.video_id: video.references for video in plan.pool_videos(references=True)}
    key = {
        "summaries": summaries.digest,
        "references": digest([[video, list(texts)] for video, texts in references.items()]),
        "code": code_digest("bench.metrics.text"),
    }
    artefact = plan.store.fetch(
        "text-scores", key, lambda folder: _score_texts(summaries.texts, references, folder)
    )
    ids = (artefact.path / "ids.txt").read_text(encoding="utf-8").split()
    per_video = {name: np.load(artefact.path / f"{name}.npy") for name in artefact.meta["corpus"]}
    rows = [_row(plan, generator, None, name, value, len(ids)) for name, value in artefact.meta["corpus"].items()]
    return CellScores(rows, ids, per_video)


def _score_texts(
    texts: Mapping[str, str], references: Mapping[str, Sequence[str]], folder: Path
) -> dict[str, Any]:
    from bench.metrics.text import score_texts

    scores = score_texts(texts, references)
    (folder / "ids.txt").write_text("".join(f"{video}\n" for video in scores.video_ids), encoding="utf-8")
    for name, values in scores.per_video.items():
        np.save(folder / f"{name}.npy", values)
    corpus = {name: None if value != value else value for name, value in scores.corpus.items()}
    return {"corpus": corpus}


def _row(plan: Plan, generator: str, retriever: str | None, metric: str, value: float | None, n: int) -> Row:
    return {
        "generator": generator,
        "retriever": retriever,
        "metric": metric,
        "value": value,
        "n": n,
        "seed": plan.seed,
    }
