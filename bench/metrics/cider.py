"""CIDEr of texts that are cut into tokens: for scores, and for systems that choose an epoch by it.

What coco-caption's scorer computes, which is CIDEr-D: clipped weights and a penalty on the length. Its
length is the number of bigrams. Source: Vedantam et al. 2015; ``cider_scorer.py`` of coco-caption.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

ORDERS = 4
"""N-grams of 1 to 4 tokens."""
_SIGMA = 6.0
NGram: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Vector:
    """The tf-idf weights of a text's n-grams by length, their norms, and its number of bigrams."""

    weights: Sequence[Mapping[NGram, float]]
    norms: Sequence[float]
    length: int


def count_ngrams(text: str) -> Counter[NGram]:
    """Count the n-grams of 1 to 4 tokens of a text whose tokens are separated by spaces."""
    tokens = text.split()
    return Counter(tuple(tokens[i : i + n]) for n in range(1, ORDERS + 1) for i in range(len(tokens) - n + 1))


def cider(summaries: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Score each summary against its references; both are tokens separated by spaces.

    An n-gram counts by in how many of these reference sets it occurs, so that scores hold for this set of
    videos only. Raises ValueError for a video without references, and for one text in their place.
    """
    for texts in references:
        refuse_one_text(texts)
    if not all(references):
        raise ValueError("a video without references has no CIDEr")
    frequencies, vectors = _reference_vectors(tuple(map(tuple, references)))
    size = math.log(len(references)) if references else 0.0
    scores = []
    for summary, of_video in zip(summaries, vectors, strict=True):
        vector = _weigh(count_ngrams(summary), frequencies, size)
        total = np.zeros(ORDERS)
        for reference in of_video:
            total += _similarities(vector, reference)
        scores.append(float(np.mean(total)) / len(of_video) * 10.0)
    return np.array(scores)


def refuse_one_text(references: Sequence[str]) -> None:
    """Raise ValueError for a text where a list of them is expected: each letter would be a reference."""
    if isinstance(references, str):
        raise ValueError(f"the references of a video are a list of texts, not one: {references[:80]!r}")


@lru_cache(maxsize=1)  # every system of a run is scored against the same references
def _reference_vectors(
    references: tuple[tuple[str, ...], ...],
) -> tuple[Counter[NGram], Sequence[Sequence[_Vector]]]:
    """Count the reference sets in which each n-gram occurs, and weigh the references as vectors."""
    counts = [[count_ngrams(text) for text in texts] for texts in references]
    frequencies = Counter(ngram for of_video in counts for ngram in set().union(*of_video))
    size = math.log(len(references)) if references else 0.0
    return frequencies, [[_weigh(one, frequencies, size) for one in of_video] for of_video in counts]


def _weigh(counts: Counter[NGram], frequencies: Counter[NGram], size: float) -> _Vector:
    weights: list[dict[NGram, float]] = [{} for _ in range(ORDERS)]
    for ngram, count in counts.items():
        weights[len(ngram) - 1][ngram] = count * (size - math.log(max(1, frequencies[ngram])))
    norms = [math.sqrt(sum(w**2 for w in of_length.values())) for of_length in weights]
    return _Vector(weights, norms, sum(counts[ngram] for ngram in weights[1]))


def _similarities(summary: _Vector, reference: _Vector) -> list[float]:
    """Compute the clipped cosine of each n-gram length, less for texts of another length."""
    penalty = math.e ** (-((summary.length - reference.length) ** 2) / (2 * _SIGMA**2))
    values = []
    for n in range(ORDERS):
        theirs = reference.weights[n]
        value = sum(min(w, theirs[g]) * theirs[g] for g, w in summary.weights[n].items() if g in theirs)
        norm = summary.norms[n] * reference.norms[n]
        values.append((value / norm if norm else value) * penalty)
    return values
