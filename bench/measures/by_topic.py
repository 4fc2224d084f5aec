"""Measures of a run with graded judgements, per topic: trec_eval's, under every order of tied documents.

``nDCG@k``, ``MAP@k``, ``MRR@k`` (also without a cut) and ``Judged@k`` are computed here, R@k, P@k and Acc@k
by `bench.metrics.ranking`; other names are those of packages (`plugged`) or go to ir_measures.
Sources: Järvelin and Kekäläinen 2002 (nDCG, gains and discounts as in trec_eval); McSherry and Najork 2008
(expectations over the orders of tied documents).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import UsageError, third_party_errors
from bench.measures.given_to_trec_eval import COUNTS, grades_for_trec_eval
from bench.measures.ir_measures_name import ir_measure
from bench.measures.plugged import compute_plugged, is_plugged
from bench.metrics.ranking import RANKING_METRICS, RankingMetric, Relevance, score
from bench.metrics.ties import TieBounds, tie_bounds
from bench.types import NO_HIT, Grades, QueryId, Run, VideoId

Floats: TypeAlias = npt.NDArray[np.float64]

DEFAULT = tuple(map(str, RANKING_METRICS))
_OWN = re.compile(r"(nDCG|MAP|MRR|Judged)(?:@([1-9][0-9]{0,8}))?")


@dataclass(frozen=True, eq=False)
class Scored:
    """A run with what each of its documents is worth: arrays ``[Q, depth]`` in the order of the run."""

    run: Run
    truth: Relevance
    grades: Grades

    @cached_property
    def gains(self) -> Floats:
        """Look up the relevance of each retrieved document ``[Q, depth]``; 0 where it is not relevant."""
        return np.maximum(self._looked_up[0], 0)

    @cached_property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Mark the retrieved documents that were judged ``[Q, depth]``."""
        return self._looked_up[1]

    @cached_property
    def _looked_up(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        grades, judged = np.zeros(self.run.hits.shape), np.zeros(self.run.hits.shape, dtype=np.bool_)
        position = {video: i for i, video in enumerate(self.run.video_ids)}
        of_position = np.zeros(len(self.run.video_ids) + 1)
        known = np.zeros(len(self.run.video_ids) + 1, dtype=np.bool_)
        for row, query in enumerate(self.run.query_ids):
            pairs = [(position[v], grade) for v, grade in self.grades[query].items() if v in position]
            places = np.array([place for place, _ in pairs], dtype=np.int64)
            of_position[places], known[places] = [grade for _, grade in pairs], True
            grades[row], judged[row] = of_position[self.run.hits[row]], known[self.run.hits[row]]
            of_position[places], known[places] = 0, False
        return grades, judged

    def ideal(self, k: int) -> Floats:
        """Rank the largest gains of each topic, best first ``[Q, k]``: what nDCG divides by."""
        best = np.zeros((len(self.run.query_ids), k))
        for row, query in enumerate(self.run.query_ids):
            top = sorted((grade for grade in self.grades[query].values() if grade > 0), reverse=True)[:k]
            best[row, : len(top)] = top
        return best


@dataclass(frozen=True, slots=True)
class Group:
    """The tie group of each retrieved document, all ``[Q, depth]``."""

    start: npt.NDArray[np.int64]
    """Documents before the group."""
    size: npt.NDArray[np.int64]
    relevant: Floats
    """Relevant documents in the group."""
    relevant_before: Floats
    gain: Floats
    """Sum of the gains in the group."""


def parse(names: Sequence[str]) -> tuple[str, ...]:
    """Parse the names of measures, each once. Raises UsageError for one that is unknown."""
    for name in names:
        if not _is_ranking(name) and not _OWN.fullmatch(name) and not is_plugged(name):
            ir_measure(name)
    return tuple(dict.fromkeys(names))


def compute(scored: Scored, names: Sequence[str]) -> dict[str, Floats]:
    """Compute each measure per topic ``[Q]``, by its name."""
    ranking = score(scored.run, scored.truth, [RankingMetric.parse(n) for n in names if _is_ranking(n)])
    others = {n: _own(scored, n) for n in names if _OWN.fullmatch(n)}
    others |= {n: _plugged(scored, n) for n in names if n not in ranking | others and is_plugged(n)}
    rest = _by_ir_measures(scored, [n for n in names if n not in ranking and n not in others])
    known = {**ranking, **others, **rest}
    return {name: known[name] for name in names}


def bounds(scored: Scored, names: Sequence[str]) -> dict[str, TieBounds]:
    """Bound each measure per topic over all orders of tied documents: worst, expected and best value.

    The expectation is NaN for measures of ir_measures and of judged documents, for which none is known here.
    """
    ranking = tie_bounds(scored.run, scored.truth, [RankingMetric.parse(n) for n in names if _is_ranking(n)])
    rest = [name for name in names if name not in ranking]
    worst, best = _extremes(scored, rest, 1), _extremes(scored, rest, -1)
    others = {name: TieBounds(worst[name], _expected(scored, name), best[name]) for name in rest}
    known = {**ranking, **others}
    return {name: known[name] for name in names}


def _plugged(scored: Scored, name: str) -> Floats:
    grades = (scored.grades[query].values() for query in scored.run.query_ids)
    return compute_plugged(
        name, scored.gains, [sorted((g for g in of if g > 0), reverse=True) for of in grades]
    )


def _is_ranking(name: str) -> bool:
    try:
        RankingMetric.parse(name)
    except UsageError:
        return False
    return True


def _cut(name: str, depth: int) -> tuple[str, int]:
    match = _OWN.fullmatch(name)
    assert match is not None
    return match[1], int(match[2]) if match[2] else depth


def _own(scored: Scored, name: str) -> Floats:
    kind, k = _cut(name, scored.run.depth)
    gains = scored.gains[:, :k]
    relevant = gains > 0  # [Q, k]
    ranks = np.arange(1, gains.shape[1] + 1)
    if kind == "nDCG":
        return _share(_dcg(gains), _dcg(scored.ideal(_ideal_depth(scored, name, k))))
    if kind == "MAP":
        precision = np.cumsum(relevant, axis=1) / ranks
        return _share((precision * relevant).sum(axis=1), _relevant(scored))
    if kind == "Judged":
        returned = (scored.run.hits[:, :k] != NO_HIT).sum(axis=1)  # [Q]
        return _share(scored.judged[:, :k].sum(axis=1).astype(np.float64), returned)
    first = (
        np.where(relevant.any(axis=1), relevant.argmax(axis=1) + 1, 0)
        if relevant.size
        else np.zeros(len(gains))
    )
    return np.asarray((first > 0) / np.maximum(first, 1))


def _ideal_depth(scored: Scored, name: str, k: int) -> int:
    longest = max((len(judged) for judged in scored.grades.values()), default=0)
    return min(k, longest) if "@" in name else longest


def _relevant(scored: Scored) -> Floats:
    """Count the relevant documents of each topic ``[Q]``."""
    return np.array(
        [sum(grade > 0 for grade in scored.grades[query].values()) for query in scored.run.query_ids],
        dtype=np.float64,
    )


def _dcg(gains: Floats) -> Floats:
    """Sum gain / log2(rank + 1) over the ranks ``[Q]``."""
    return np.asarray(gains @ (1 / np.log2(np.arange(2, gains.shape[1] + 2))))


def _share(part: Floats, whole: npt.NDArray[Any]) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return shares


def _extremes(scored: Scored, names: Sequence[str], sign: int) -> dict[str, Floats]:
    """Compute measures with tied documents in the worst order (``sign`` 1) or the best one (-1)."""
    judged = [name for name in names if name.startswith("Judged")]  # no gain tells 0 from unjudged
    values: dict[str, Floats] = {}
    if others := [name for name in names if name not in judged]:
        values |= compute(_rearranged(scored, sign * scored.gains), others)
    if judged:
        values |= compute(_rearranged(scored, sign * scored.judged.astype(np.float64)), judged)
    return values


def _rearranged(scored: Scored, keys: Floats) -> Scored:
    """Sort the documents of each tie group by their keys ``[Q, depth]``, ascending."""
    run = scored.run
    order = np.lexsort((keys, -run.scores), axis=-1)  # [Q, depth]
    hits = np.take_along_axis(run.hits, order, axis=1)
    scores = np.take_along_axis(run.scores, order, axis=1)
    return Scored(Run(run.query_ids, run.video_ids, hits, scores), scored.truth, scored.grades)


def _groups(scored: Scored) -> Group:
    scores, gains = scored.run.scores, scored.gains
    n, depth = scores.shape
    new = np.ones((n, depth), dtype=np.bool_)
    new[:, 1:] = scores[:, 1:] != scores[:, :-1]
    number = (np.cumsum(new, axis=1) - 1) + np.arange(n)[:, None] * depth  # [Q, depth], distinct over topics
    flat = number.ravel()
    size = np.bincount(flat, minlength=n * depth)
    relevant = np.bincount(flat, weights=(gains > 0).ravel(), minlength=n * depth)
    gain = np.bincount(flat, weights=gains.ravel(), minlength=n * depth)
    start = np.where(new, np.arange(depth), 0)
    start = np.maximum.accumulate(start, axis=1)
    before: Floats = np.cumsum(gains > 0, axis=1) - (gains > 0).astype(np.float64)
    before = np.take_along_axis(before, start, axis=1) if depth else before
    return Group(start, size[number], relevant[number], before, gain[number])


def _expected(scored: Scored, name: str) -> Floats:
    n, depth = scored.run.hits.shape
    if not _OWN.fullmatch(name) or name.startswith("Judged") or not depth:
        return np.full(n, math.nan)
    kind, k = _cut(name, depth)
    group = _groups(scored)
    place = np.arange(depth) - group.start  # [Q, depth], from 0 within the group
    ranks = np.arange(1, depth + 1)
    within = ranks <= k
    chance = group.relevant / group.size
    if kind == "nDCG":
        gains = np.where(within, group.gain / group.size, 0.0)
        return _share(_dcg(gains), _dcg(scored.ideal(_ideal_depth(scored, name, k))))
    if kind == "MAP":
        others = place * (group.relevant - 1) / np.maximum(group.size - 1, 1)
        precision = (group.relevant_before + others + 1) / ranks
        return _share((within * chance * precision).sum(axis=1), _relevant(scored))
    return _expected_first(group, place, within / ranks)


def _expected_first(group: Group, place: npt.NDArray[np.int64], worth: Floats) -> Floats:
    """Compute the expected worth ``[Q]`` of the first relevant rank, with the worth ``[depth]`` of ranks."""
    n, depth = place.shape
    total, none_before = np.zeros(n), np.ones(n)
    for column in range(depth):
        left = group.size[:, column] - place[:, column]
        # none relevant so far, so that all relevant ones of the group are among those left
        chance = np.minimum(group.relevant[:, column] / left, 1.0)
        total += none_before * chance * worth[column]
        none_before = none_before * (1 - chance)
    return total


def _by_ir_measures(scored: Scored, names: Sequence[str]) -> dict[str, Floats]:
    if not names:
        return {}
    import ir_measures

    measures = {name: ir_measure(name) for name in names}  # several names may be of one measure
    run, ids = scored.run, scored.run.video_ids
    # scores by rank, so that ties are ordered as in the run; pytrec_eval fails on a topic without results
    ranking: dict[QueryId, dict[VideoId, float]] = {
        query: scores
        for query, row in zip(run.query_ids, run.hits.tolist(), strict=True)
        if (scores := {ids[hit]: float(-place) for place, hit in enumerate(row) if hit != NO_HIT})
    }
    judged = {query: grades_for_trec_eval(grades) for query, grades in scored.grades.items()}
    values: dict[Any, dict[QueryId, float]] = {measure: {} for measure in measures.values()}
    supports: Callable[[Any], bool] = ir_measures.DefaultPipeline.supports
    unsupported = [name for name, measure in measures.items() if not supports(measure)]
    with third_party_errors(f"ir_measures cannot compute {', '.join(unsupported or names)}", UsageError):
        for metric in ir_measures.iter_calc(list(values), judged, ranking):
            values[metric.measure][metric.query_id] = float(metric.value)
    for measure, of in values.items():
        if count := COUNTS.get(measure.NAME):
            of.update({query: count(judged.get(query, {})) for query in run.query_ids})
    return {
        name: np.array([values[measure].get(query, 0.0) for query in run.query_ids])
        for name, measure in measures.items()
    }
