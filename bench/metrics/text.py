"""BLEU-1..4, ROUGE-L and CIDEr as the coco-caption scorers compute them, on the tokens of `bench.text`.

The tests compare them with pycocoevalcap, to 1e-9. What they do, and what they print:

* BLEU is corpus-level: clipped counts and closest reference lengths are summed over videos first.
* ROUGE-L (beta 1.2) and CIDEr (in effect CIDEr-D) are means over videos. CIDEr counts in how many
  of the scored videos' reference sets an n-gram occurs, so its values hold for this set of videos only,
  and a set of one video scores 0.
* An empty summary scores 0 on all and stays in every mean; for BLEU it adds to the reference length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.metrics.cider import NGram, cider, count_ngrams, refuse_one_text
from bench.metrics.definitions import BLEU, ORDERS, TEXT_METRICS
from bench.text import tokenize
from bench.types import VideoId

Floats: TypeAlias = npt.NDArray[np.float64]

_BETA = 1.2
"""Weight of recall in ROUGE-L."""
COUNTS = (
    "length", "closest", *(f"{what}-{n}" for what in ("guessed", "matched") for n in range(1, ORDERS + 1))
)  # fmt: skip
"""The columns of `TextScores.bleu_counts`."""


@dataclass(frozen=True, slots=True, eq=False)
class TextScores:
    """The scores of one generator's summaries; fractions, CIDEr raw (2.26, not 226).

    ``corpus`` maps each of `TEXT_METRICS` to its headline value, nan when no video has references.
    ``per_video`` maps each to ``[V]``, in the order of ``video_ids``; per-video BLEU is that of
    the scorer and does not average to corpus BLEU. ``bleu_counts`` is int64 ``[V, 10]``; corpus BLEU is a
    function of their sums (`bleu_of_counts`). ``without_references`` counts the videos that were left out.
    """

    video_ids: tuple[VideoId, ...]
    corpus: Mapping[str, float]
    per_video: Mapping[str, Floats]
    bleu_counts: npt.NDArray[np.int64]
    without_references: int


def score_texts(hypotheses: Mapping[VideoId, str], references: Mapping[VideoId, Sequence[str]]) -> TextScores:
    """Score each video's summary (the hypothesis) against its references.

    Videos are those of ``hypotheses``, in that order, less those without references, which are
    counted. References that are the same tokens are one reference (paper-audit 49); one without any
    token (only punctuation or emoji) is scored as an empty text, as in coco-caption. Raises KeyError
    for a video with references but no hypothesis: the caller must fill and report missing summaries.
    """
    missing = [video_id for video_id in references if video_id not in hypotheses]
    if missing:
        raise KeyError(f"no hypothesis for {len(missing)} videos with references, such as '{missing[0]}'")
    tokens = {video_id: _distinct(references.get(video_id, ())) for video_id in hypotheses}
    judged = {video_id: texts for video_id, texts in tokens.items() if texts}
    per_video, counts = _score_each(judged, {video_id: _joined(hypotheses[video_id]) for video_id in judged})
    corpus = dict(zip(BLEU, bleu_of_counts(counts.sum(axis=0)).tolist(), strict=True))
    corpus |= {name: float(per_video[name].mean()) if judged else np.nan for name in ("ROUGE-L", "CIDEr")}
    if not judged:
        corpus = dict.fromkeys(TEXT_METRICS, np.nan)
    return TextScores(tuple(judged), corpus, per_video, counts, len(hypotheses) - len(judged))


def bleu_of_counts(totals: npt.NDArray[Any]) -> Floats:
    """Compute BLEU-1..4 ``[..., 4]`` of summed counts ``[..., 10]``, exactly as coco-caption does.

    The columns are hypothesis length, closest reference length, then the n-grams guessed and the
    n-grams matched, n = 1..4. The two small constants prevent divisions by zero, where others smooth.
    Corpus BLEU of any resampled set of videos follows from sums, which is what a bootstrap needs.
    Source: Papineni et al. 2002; coco-caption's ``bleu_scorer.py`` for the constants.
    """
    tiny, small = 1e-15, 1e-9
    length, closest = totals[..., 0], totals[..., 1]
    guessed, matched = totals[..., 2 : 2 + ORDERS], totals[..., 2 + ORDERS :]
    precision = np.cumprod((matched + tiny) / (guessed + small), axis=-1)
    mean = precision ** (1.0 / np.arange(1, ORDERS + 1))
    ratio = (length + tiny) / (closest + small)
    penalty = np.exp(np.minimum(0.0, 1.0 - 1.0 / ratio))
    return np.asarray(mean * penalty[..., None], dtype=np.float64)


def bleu_pseudo_values(counts: npt.NDArray[np.int64]) -> Floats:
    """Compute each video's jackknife pseudo-value of corpus BLEU-1..4 ``[V, 4]``, from ``[V, 10]``.

    To first order, corpus BLEU is the mean of these: their mean is close to it, and their variance
    gives its variance. Source: Efron and Tibshirani 1993, chapter 11.
    """
    total, n = counts.sum(axis=0), len(counts)
    return n * bleu_of_counts(total) - (n - 1) * bleu_of_counts(total - counts)


def _score_each(
    references: Mapping[VideoId, Sequence[str]], hypotheses: Mapping[VideoId, str]
) -> tuple[dict[str, Floats], npt.NDArray[np.int64]]:
    """Compute every metric of each video, and BLEU's counts ``[V, 10]``."""
    if not references:
        return {name: np.zeros(0) for name in TEXT_METRICS}, np.zeros((0, 2 + 2 * ORDERS), np.int64)
    pairs = [(hypotheses[video_id], texts) for video_id, texts in references.items()]
    counts = np.array([_bleu_counts(text, truth) for text, truth in pairs], dtype=np.int64)  # [V, 10]
    values = dict(zip(BLEU, bleu_of_counts(counts).T, strict=True))
    values["ROUGE-L"] = np.array([_rouge_l(text, truth) for text, truth in pairs])
    values["CIDEr"] = cider([text for text, _ in pairs], [truth for _, truth in pairs])
    return values, counts


def _bleu_counts(hypothesis: str, references: Sequence[str]) -> list[int]:
    """Count the columns of `COUNTS`; an n-gram matches up to its highest count in any one reference."""
    length = len(hypothesis.split())
    sizes, most = _reference_counts(tuple(references))
    closest = min((abs(size - length), size) for size in sizes)[1]
    matched = [0] * ORDERS
    for ngram, count in count_ngrams(hypothesis).items():
        matched[len(ngram) - 1] += min(count, most[ngram])
    return [length, closest, *(max(0, length - n) for n in range(ORDERS)), *matched]


@lru_cache(maxsize=2**14)  # every system of a run is scored against the same references
def _reference_counts(references: tuple[str, ...]) -> tuple[Sequence[int], Counter[NGram]]:
    """Count the tokens of each reference, and the most of each n-gram in any of them."""
    most: Counter[NGram] = Counter()
    for text in references:
        most |= count_ngrams(text)
    return [len(text.split()) for text in references], most


def _rouge_l(hypothesis: str, references: Sequence[str]) -> float:
    """Compute ROUGE-L as coco-caption's ``rouge.py`` does, in linear memory; 0 for an empty hypothesis.

    Precision and recall are each the best over the references. Source: Lin 2004; coco-caption for beta.
    """
    tokens = hypothesis.split()
    if not tokens:  # the reference code lets an empty text match an empty reference
        return 0.0
    common = [(_common_length(tokens, text.split()), max(1, len(text.split()))) for text in references]
    precision = max(length / len(tokens) for length, _ in common)
    recall = max(length / size for length, size in common)
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Compute the length of the longest common subsequence.

    A row of the usual table is a whole number: bit i is 0 where the row rises at ``one[i]``.
    Source: Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
    """
    places: dict[str, int] = {}
    for i, token in enumerate(one):
        places[token] = places.get(token, 0) | (1 << i)
    full = (1 << len(one)) - 1
    row = full
    for token in other:
        matched = row & places.get(token, 0)
        row = ((row + matched) | (row - matched)) & full
    return len(one) - row.bit_count()


def _distinct(texts: Sequence[str]) -> list[str]:
    refuse_one_text(texts)
    return list(dict.fromkeys(map(_joined, texts)))


def _joined(text: str) -> str:
    return " ".join(tokenize(text))
