"""Summaries written elsewhere: ``file:PATH`` (contract section 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import DataError, MissingError
from bench.store.digests import file_digest
from bench.types import Json, Video, VideoId


class External:
    """Read summaries from a JSON-lines file; the label is the file's stem.

    Missing videos have an empty summary and are counted in the coverage line. Raises DataError
    with file:line for a line that is not ``{"video_id": str, "summary": str}``, an unknown or a
    duplicate id; MissingError when there is no such file.
    """

    holds_one_split = True

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingError(
                f"{path}: there is no such file; file:PATH names JSON lines of video_id and summary."
            )
        self.label = path.stem
        self._path = path
        self._missing = 0

    def identity(self) -> Mapping[str, Json]:
        """Return the digest of the file."""
        return {"file": file_digest(self._path)}

    def coverage(self) -> Mapping[str, int]:
        """Return how many videos the file does not have."""
        return {"videos without a summary in the file": self._missing}

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Return the file's summary of each video."""
        known = {video.video_id for video in videos}
        found: dict[VideoId, str] = {}
        for number, raw in enumerate(self._path.read_bytes().split(b"\n"), start=1):
            if raw.strip():
                video_id, summary = self._line(f"{self._path}:{number}", raw)
                if video_id not in known:
                    raise DataError(f"{self._path}:{number}: video '{video_id}' is not in the pool.")
                if video_id in found:
                    raise DataError(f"{self._path}:{number}: video '{video_id}' has a summary further up.")
                found[video_id] = summary
        self._missing = len(known) - len(found)
        return {video.video_id: found.get(video.video_id, "") for video in videos}

    def _line(self, place: str, raw: bytes) -> tuple[VideoId, str]:
        try:
            item = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors alike
            raise DataError(f"{place}: not a JSON line in UTF-8 ({error}).") from error
        if not isinstance(item, dict):
            raise DataError(f"{place}: a JSON object with video_id and summary is expected.")
        for key in ("video_id", "summary"):
            value = item.get(key)
            if not isinstance(value, str):
                raise DataError(f"{place}: the field '{key}' is missing or not a string.")
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise DataError(
                    f"{place}: the field '{key}' holds half of a surrogate pair: not valid Unicode."
                )
        return item["video_id"], item["summary"]
