"""Summaries from a file: the generator named ``file:PATH`` (contract section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import DataError, MissingError, shorten
from bench.store.digests import file_digest
from bench.store.json_files import numbered_json_lines
from bench.types import Json, Video, VideoId


class FileSummaries:
    """A generator that reads its summaries from a JSON-lines file; its label is the file's stem.

    Missing videos have an empty summary and are counted in the coverage line. Raises DataError
    with file:line for a line that is not ``{"video_id": str, "summary": str}``, an unknown or a
    duplicate id; MissingError when there is no such file.
    """

    holds_one_split = True

    def __init__(self, path: Path) -> None:
        check_file(path)
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
        summaries: dict[VideoId, str] = {}
        for number, item in numbered_json_lines(self._path):
            place = f"{self._path}:{number}"
            video_id, summary = (_string(place, item, key) for key in ("video_id", "summary"))
            if video_id not in known:
                raise DataError(f"{place}: video {shorten(video_id)} is not in the pool.")
            if video_id in summaries:
                raise DataError(f"{place}: video '{video_id}' has a summary on an earlier line.")
            summaries[video_id] = summary
        self._missing = len(known) - len(summaries)
        return {video.video_id: summaries.get(video.video_id, "") for video in videos}


def check_file(path: Path) -> None:
    """Raise MissingError where there is no file of summaries."""
    if not path.is_file():
        raise MissingError(
            f"{path}: there is no such file; file:PATH names JSON lines of video_id and summary."
        )


def _string(place: str, item: Mapping[str, Json], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise DataError(f"{place}: the field '{key}' is missing or not a string.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise DataError(f"{place}: the field '{key}' holds half of a surrogate pair: not valid Unicode.")
    return value
