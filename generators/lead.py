"""Lead: the beginning of the transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.context import Context
from bench.types import Video, VideoId
from generators.options import LeadOptions


class Lead:
    """Take the first 8 words (English) or 8 characters (Chinese) of the transcript.

    White space does not count as a character. A video without a transcript gets an empty summary.
    Source: paper IV-B2, with P = 8; for English a word is what a character is for Chinese.
    """

    label = "Lead"

    def __init__(self, context: Context) -> None:
        self._units = context.options(LeadOptions).units
        self._chinese = context.language == "zh"

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Return the first units of each transcript."""
        return {video.video_id: self._beginning(video.transcript) for video in videos}

    def _beginning(self, transcript: str) -> str:
        words = transcript.split()
        return "".join(words)[: self._units] if self._chinese else " ".join(words[: self._units])
