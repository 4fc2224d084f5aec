"""Confidence scores (eq. 15): the overlap of a video's queries with what one modality alone generates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from bench.text import tokenize


def dice(one: Counter[str], other: Counter[str]) -> float:
    """Compare two multisets: twice their overlap over the sum of their sizes; 0 when both are empty.

    Multisets keep it within [0, 1], and 1 for identical texts with repeated words (decision 26).
    """
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 0.0


class Confidence:
    """Scores generated token ids against the queries of a training video, by the tokens of the metrics."""

    def __init__(self, read: Callable[[Sequence[int]], str], references: Sequence[Sequence[str]]) -> None:
        self._read = read
        self._references = [[Counter(tokenize(text)) for text in texts] for texts in references]

    def __call__(self, written: Sequence[Sequence[int]], rows: Sequence[int]) -> list[float]:
        """Compute the confidence U of each text, from its ids; ``rows`` are the numbers of its videos."""
        return [self._best(ids, self._references[row]) for ids, row in zip(written, rows, strict=True)]

    def _best(self, ids: Sequence[int], references: Sequence[Counter[str]]) -> float:
        units = Counter(tokenize(self._read(ids)))
        return max((dice(units, reference) for reference in references), default=0.0)
