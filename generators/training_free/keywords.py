"""The base of rows that score the words of a transcript and write the best ones."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.context import Context
from bench.errors import DataError
from bench.store.json_files import read_json
from bench.types import Video, VideoId
from generators.training_free.words import cut_words, is_content, summary_length, take_phrases

_FILE = "document_frequencies.json"


class KeywordRow(ABC):
    """Writes the words of a transcript with the highest scores, in the order in which they first occur.

    The order puts neighbours side by side again, as TextRank collapses them to phrases. Nothing is trained:
    fitting counts in how many training transcripts each word occurs. A video without a transcript gets an
    empty summary.
    """

    label: str
    ignores_validation = True

    def __init__(self, context: Context) -> None:
        self._language = context.language
        self._limit = summary_length(context)
        self.training_videos = 0
        self.document_frequency: Mapping[str, int] = {}

    @abstractmethod
    def score(self, words: Sequence[str]) -> Mapping[str, float]:
        """Score words of a transcript; they are case-folded and in order, and only some need a score."""

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Count in how many training transcripts each word occurs; ``val`` is not read."""
        counts: Counter[str] = Counter()
        self.training_videos = 0
        for video in train:  # words of one transcript at a time are in memory
            if video.transcript.strip():
                counts.update(set(self._fold(video.transcript)))
                self.training_videos += 1
        self.document_frequency = counts

    def save(self, folder: Path) -> None:
        """Write the document counts of the training transcripts, which weigh the words."""
        counts = dict(sorted(self.document_frequency.items()))
        content = {"videos": self.training_videos, "words": counts}
        (folder / _FILE).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read the counts. Raises DataError for a damaged file."""
        content = read_json(folder / _FILE)
        if not isinstance(content, dict) or not isinstance(content.get("words"), dict):
            raise DataError(f"{folder / _FILE} is damaged: it lacks the counts of words.")
        self.training_videos, self.document_frequency = content["videos"], content["words"]

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write the keywords of each transcript."""
        return {video.video_id: self._write(video.transcript) for video in videos}

    def divide(self, videos: Sequence[Video], count: int) -> list[Sequence[Video]]:
        """Divide videos at will: a summary depends on its own transcript alone."""
        return [videos[number::count] for number in range(min(count, len(videos)))]

    def _write(self, transcript: str) -> str:
        words = cut_words(transcript, self._language)
        scores = self.score([word.casefold() for word in words])
        first: dict[str, str] = {}  # each word as it is written at its first place
        for word in words:
            if word.casefold() in scores and is_content(word, self._language):
                first.setdefault(word.casefold(), word)
        places = list(first)
        # sorting is stable: a tie goes to the word that occurs first; rounding makes ties of rounding errors
        ranked = sorted(places, key=lambda word: -round(scores[word], 9))
        best = {word for [word] in take_phrases([[word] for word in ranked], self._limit, self._language)}
        return " ".join(first[word] for word in places if word in best)

    def _fold(self, transcript: str) -> list[str]:
        return [word.casefold() for word in cut_words(transcript, self._language)]
