"""Reference rows: what no generator wrote, to read the other rows against."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from bench.context import Context
from bench.types import Video, VideoId


class Transcript:
    """Indexes the full transcript: the no-summary baseline."""

    label = "Transcript"
    reference_row = True

    def __init__(self, context: Context) -> None:
        """Depend on nothing of the context."""

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Take each transcript as it is."""
        return {video.video_id: video.transcript for video in videos}


class Oracle:
    """Uses one random human query as the summary: a reference point, not an upper bound.

    The draw depends on the seed and the video alone, and not on the draw of the evaluated query.
    """

    label = "Oracle"
    reference_row = True
    reads_references = True

    def __init__(self, context: Context) -> None:
        self._seed = context.seed

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Draw a reference of each video, or an empty summary for a video without any."""
        return {video.video_id: self._draw(video) for video in videos}

    def _draw(self, video: Video) -> str:
        salt = f"oracle|{self._seed}|{video.video_id}|"
        keyed = {hashlib.sha256((salt + text).encode()).digest(): text for text in video.references}
        return keyed[min(keyed)] if keyed else ""
