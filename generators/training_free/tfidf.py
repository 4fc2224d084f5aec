"""TF-IDF keywords: words that are frequent in a transcript and rare in the training transcripts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from generators.training_free.keywords import KeywordRow


class TFIDF(KeywordRow):
    """Writes the words of the transcript with the highest TF-IDF.

    The document frequencies are those of the training transcripts alone, so that no evaluated video
    decides how another one is summarized. Source: Spärck Jones 1972; idf = ln((1 + N) / (1 + n)).
    """

    label = "TF-IDF"

    def score(self, words: Sequence[str]) -> Mapping[str, float]:
        """Multiply each word's count in the transcript with its idf."""
        counts, n = Counter(words), self.training_videos
        seen = self.document_frequency
        return {word: count * math.log((1 + n) / (1 + seen.get(word, 0))) for word, count in counts.items()}
