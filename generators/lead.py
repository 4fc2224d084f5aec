"""Lead: the beginning of the transcript."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.context import Context
from bench.errors import DataError
from bench.text import UNSPACED_LANGUAGES
from bench.types import Video, VideoId
from generators.options import LeadOptions

_FILE = "lead.json"


class Lead:
    """Takes the first 8 words (English) or 8 characters (Chinese) of the transcript.

    Other languages are treated as one of the two, by whether they have spaces between words. White space does
    not count as a character. A video without a transcript gets an empty summary.
    Source: paper IV-B2, with P = 8; for English a word is what a character is for Chinese.
    """

    label = "Lead"

    def __init__(self, context: Context) -> None:
        self._count = context.options(LeadOptions).units
        self._unspaced = context.language in UNSPACED_LANGUAGES

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Take the first units of each transcript as its summary."""
        separator = "" if self._unspaced else " "
        return {v.video_id: separator.join(self.units(v.transcript)[: self._count]) for v in videos}

    def units(self, text: str) -> Sequence[str]:
        """Split a text into words, or into characters in a language without spaces."""
        words = text.split()
        return "".join(words) if self._unspaced else words


class LeadOfMeanLength(Lead):
    """Take as many units as the training queries have on average, rounded up (``lead.units=0``)."""

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Measure the training queries. Raises DataError when there are none."""
        lengths = [len(self.units(query)) for video in train for query in video.references]
        if not lengths:
            raise DataError("Lead has no length: lead.units=0 and no training video has a query.")
        self._count = math.ceil(sum(lengths) / len(lengths))

    def save(self, folder: Path) -> None:
        """Write the fitted length, in words or characters."""
        (folder / _FILE).write_text(json.dumps({"units": self._count}) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Restore the length that `save` wrote."""
        self._count = json.loads((folder / _FILE).read_text(encoding="utf-8"))["units"]


def make_lead(context: Context) -> Lead:
    """Lead: the first 8 words (English) or 8 characters (Chinese) of the transcript."""
    return LeadOfMeanLength(context) if context.options(LeadOptions).units == 0 else Lead(context)
