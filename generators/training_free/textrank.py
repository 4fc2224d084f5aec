"""TextRank keywords: words that occur near many words which do so themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bench.context import Context
from generators.options import TrainingFreeOptions
from generators.training_free.keywords import KeywordRow
from generators.training_free.words import is_content

DAMPING = 0.85
"""Mihalcea & Tarau 2004, section 2 (after Brin & Page 1998)."""
TOLERANCE = 1e-6
MAX_ITERATIONS = 200


class TextRank(KeywordRow):
    """Writes the words of the transcript with the highest PageRank in the graph of co-occurring words.

    Words are joined when they occur within ``training-free.window`` words. The paper admits nouns and
    adjectives, which takes a tagger; here words are left out that occur in more than
    ``training-free.max_document_share`` of the training transcripts, in any language. Source: Mihalcea &
    Tarau 2004, section 3.
    """

    label = "TextRank"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._options = context.options(TrainingFreeOptions)

    def score(self, words: Sequence[str]) -> Mapping[str, float]:
        """Compute the PageRank of each word; all content words are admitted where none is rare enough."""
        content = [is_content(word, self._language) for word in words]
        admitted = [ok and self._is_rare(word) for word, ok in zip(words, content, strict=True)]
        if not any(admitted):
            admitted = content
        names = list(dict.fromkeys(word for word, ok in zip(words, admitted, strict=True) if ok))
        number = {name: i for i, name in enumerate(names)}
        places = [number[word] if ok else -1 for word, ok in zip(words, admitted, strict=True)]
        ranks = page_rank(neighbours(np.array(places, dtype=np.int64), self._options.window), len(names))
        return dict(zip(names, ranks.tolist(), strict=True))

    def _is_rare(self, word: str) -> bool:
        limit = max(1.0, self._options.max_document_share * self.training_videos)
        return self.document_frequency.get(word, 0) <= limit


def neighbours(places: npt.NDArray[np.int64], window: int) -> npt.NDArray[np.int64]:
    """List the edges between words that occur within ``window`` words of each other.

    ``places`` are the numbers of the words in order, -1 for one that is left out. Returns ``[2, edges]``,
    each edge once in either direction, without loops.
    """
    pairs = [
        np.stack([places[:-gap], places[gap:]])  # [2, n - gap]
        for gap in range(1, min(window, len(places)))
    ]
    edges = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), dtype=np.int64)
    edges = edges[:, (edges >= 0).all(axis=0) & (edges[0] != edges[1])]
    return np.unique(np.concatenate([edges, edges[::-1]], axis=1), axis=1)


def page_rank(edges: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.float64]:
    """Compute the PageRank of ``count`` nodes from ``[2, edges]``: (1 - d) + d * sum of rank / degree."""
    source, target = edges
    degree = np.maximum(np.bincount(source, minlength=count), 1)
    ranks: npt.NDArray[np.float64] = np.ones(count)
    for _ in range(MAX_ITERATIONS):
        inflow = np.bincount(target, weights=(ranks / degree)[source], minlength=count)
        renewed = np.asarray((1 - DAMPING) + DAMPING * inflow, dtype=np.float64)
        change = np.abs(renewed - ranks).max(initial=0.0)
        ranks = renewed
        if change < TOLERANCE:
            break
    return ranks
