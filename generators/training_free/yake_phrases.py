"""YAKE key phrases: phrases that the statistics of one text set apart (the package yake)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from bench.context import Context
from bench.errors import MissingError
from bench.types import Json, Video, VideoId
from generators.training_free.words import cut_words, require_english, summary_length, take_phrases

_WORDS = 3
"""Longest phrase, in words (Campos et al. 2020, section 4)."""
_CANDIDATES = 10
"""Phrases considered for each unit of the summary: many of them overlap."""


class Yake:
    """Writes the key phrases of the transcript with the best YAKE scores.

    Case, position, frequency and context of each word in this transcript decide; no other text is read. A
    video without a transcript gets an empty summary. English only. Source: Campos et al. 2020, as the
    package yake has it.
    """

    label = "YAKE"
    languages = ("en",)

    def __init__(self, context: Context) -> None:
        require_english(context, "yake", "YAKE takes words of two characters for stop words")
        self._limit = summary_length(context)
        if find_spec("yake") is None:
            raise MissingError(
                "generator 'yake' needs the package yake, which is not installed. Install it with: "
                "pip install -c constraints.txt yake"
            )

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write the key phrases of each transcript."""
        return {video.video_id: self._write(video.transcript) for video in videos}

    def identity(self) -> Mapping[str, Json]:
        """Digest nothing: the version of the package is in the key of every generator."""
        return {}

    @cached_property
    def _extractor(self) -> Any:
        import yake  # takes a fifth of a second, and a summary that is in the store needs none

        return yake.KeywordExtractor(lan="en", n=_WORDS, top=_CANDIDATES * self._limit)

    def _write(self, transcript: str) -> str:
        phrases = take_phrases(self._phrases(transcript), self._limit, "en")
        return " ".join(word for phrase in phrases for word in phrase)

    def _phrases(self, transcript: str) -> Iterator[Sequence[str]]:
        ranked: Sequence[tuple[str, float]] = self._extractor.extract_keywords(transcript)
        for phrase, _ in ranked:
            yield cut_words(phrase, "en")
