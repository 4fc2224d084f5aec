"""Intervals and paired tests of text metrics over videos, corpus BLEU included.

Corpus BLEU is not a mean over videos, but a function of sums over them: resampling videos, or swapping
two systems' videos at random, gives new sums, and from these the corpus value is computed anew.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.metrics.definitions import BLEU, ORDERS
from bench.metrics.intervals import Interval, bootstrap_sums, percentiles_of
from bench.metrics.significance import DRAWS
from bench.metrics.text import TextScores, bleu_of_counts

_CHUNK = 2**22
"""Signs in memory at once; the draws do not depend on it."""


def text_intervals(scores: TextScores, *, seed: int = 0) -> dict[str, Interval]:
    """Estimate the 95 % bootstrap interval of each text metric's corpus value, over the scored videos.

    ROUGE-L and CIDEr are means; CIDEr's document frequencies stay those of all videos, so its
    interval does not cover their chance. BLEU: Koehn 2004.
    """
    means = {name: values for name, values in scores.per_video.items() if name not in BLEU}
    sums = bootstrap_sums(np.column_stack([scores.bleu_counts, *means.values()]), seed=seed)
    n, width = len(scores.video_ids), scores.bleu_counts.shape[1]
    # [draws, 4 + means]
    drawn = np.column_stack([bleu_of_counts(sums[:, :width]), sums[:, width:] / max(1, n)])
    return percentiles_of((*BLEU, *means), drawn, n)


def bleu_p_values(
    ours: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.int64],
    *,
    draws: int = DRAWS,
) -> list[float]:
    """Test the difference in BLEU-1..4 from the counts ``[V, 10]`` of two systems on the same videos.

    A randomisation test: each video's two sides are swapped at random, and corpus BLEU is computed anew.
    p is 1 where neither system has an n-gram in common with a reference: both scores are then those of the
    constant that prevents a division by zero (`bleu_of_counts`).
    """
    changed = (ours != theirs).any(axis=1)  # swapping equal counts changes nothing
    total = (ours + theirs).sum(axis=0)  # [10]
    gap = (ours - theirs)[changed].astype(np.float64)  # [changed videos, 10]
    observed = _gap(total, gap.sum(axis=0))
    rng = np.random.default_rng(0)
    extreme = np.zeros(len(BLEU), dtype=np.int64)
    step = max(1, _CHUNK // max(1, len(gap)))
    for start in range(0, draws, step):
        shape = (min(step, draws - start), len(gap))
        signs = 2.0 * rng.integers(0, 2, size=shape, dtype=np.int8) - 1.0  # [step, changed videos]
        drawn = _gap(total, signs @ gap)  # [step, 4]
        extreme += (np.abs(drawn) >= np.abs(observed) - 1e-12).sum(axis=0)
    unmatched = np.cumsum(total[2 + ORDERS :] == 0) > 0
    return [float(p) for p in np.where(unmatched, 1.0, (1 + extreme) / (1 + draws))]


def _gap(total: npt.NDArray[np.int64], gap: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return bleu_of_counts((total + gap) / 2) - bleu_of_counts((total - gap) / 2)
