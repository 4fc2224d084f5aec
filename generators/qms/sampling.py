"""Query sampling (eq. 11 to 14): targets near the mean of a video's queries, specific ones more often."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from bench.types import VideoId
from generators.neural.targets import unit

Floats = npt.NDArray[np.float64]


def similarities(vectors: npt.ArrayLike) -> Floats:
    """Compute s_j, the cosine of each vector ``[j, d]`` with their mean (eq. 11, 12); 0 for a zero vector."""
    each = np.asarray(vectors, dtype=np.float64)
    mean = each.mean(axis=0)
    lengths = np.linalg.norm(each, axis=1) * np.linalg.norm(mean)
    # s_j = g_j . mean / (|g_j| |mean|)
    cosines: Floats = np.divide(each @ mean, lengths, out=np.zeros(len(each)), where=lengths > 0)
    return cosines


def probabilities(scores: npt.ArrayLike, mu: float) -> Floats:
    """Compute p_j (eq. 13 and 14): 0 where s_j < mu, else in proportion to 1 / s_j.

    Eq. 13 taken literally would give rejected queries an infinite weight (decision 17). When all are
    rejected the most similar one is taken (decision 18).
    """
    s = np.asarray(scores, dtype=np.float64)
    accepted = (s >= mu) & (s > 1e-9)  # 1 / s_j is not defined at 0, and negative below
    weights: Floats = np.zeros(len(s))
    if accepted.any():
        np.divide(1.0, s, out=weights, where=accepted)
    else:
        weights[s.argmax()] = 1.0
    weights /= weights.sum()
    return weights


def entropy(p: npt.ArrayLike) -> float:
    """Compute the entropy of a distribution as a share of the uniform one's: 0 for one query alone."""
    chances = np.asarray(p, dtype=np.float64)
    if len(chances) < 2:
        return 1.0
    positive = chances[chances > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(len(chances)))


def describe_sampling(scores: Sequence[Floats], chances: Sequence[Floats], mu: float) -> dict[str, float]:
    """Summarize query sampling for the training log, from s_j and p_j of each video.

    These are the share of rejected queries, the share of videos of which all are, and the mean `entropy`.
    """
    queries, videos = sum(map(len, scores)) or 1, len(scores) or 1
    return {
        "rejected": sum(int((s < mu).sum()) for s in scores) / queries,
        "all_rejected": sum(bool((s < mu).all()) for s in scores) / videos,
        "sampling_entropy": sum(map(entropy, chances)) / videos,
        "mu": mu,
    }


@dataclass(frozen=True)
class Sampled:
    """Draws the target of a video by p_j (eq. 14), again in each epoch; the probabilities do not change."""

    seed: int
    probabilities: Mapping[VideoId, Sequence[float]]

    def pick(self, epoch: int, video_id: VideoId, count: int) -> int:
        """Draw a number below ``count``, never that of a rejected query."""
        chances = self.probabilities[video_id]
        assert len(chances) == count, f"{video_id} has {count} targets and {len(chances)} probabilities"
        sums = list(accumulate(chances))
        return min(bisect_right(sums, unit(self.seed, epoch, video_id) * sums[-1]), _last(chances))


def _last(chances: Sequence[float]) -> int:
    """Select the last text that can be drawn: rounding may end the sums a little early."""
    return max(i for i, chance in enumerate(chances) if chance > 0)
