"""The generator: a text for each video, by which it should be found."""

from collections.abc import Mapping, Sequence

from bench.types import Video


class MyGenerator:
    """Take the last sentence of the transcript."""

    label = "My generator"

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        """Return a text for each video; `Video` has video_id, transcript and frames."""
        return {video.video_id: self._last_sentence(video.transcript) for video in videos}

    def identity(self) -> Mapping[str, str]:
        """Name what else than this code decides the texts, such as a model's digest: nothing."""
        return {}

    def _last_sentence(self, transcript: str) -> str:
        sentences = [sentence.strip() for sentence in transcript.split(".") if sentence.strip()]
        return sentences[-1] if sentences else ""
