"""Videos of which nothing is known but what a generator reads: taken from disk in blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.data.dataset import Features, VideoRecord, frames_of
from bench.data.features import FILES, feature_names, read_features
from bench.data.pictures import PICTURES, find_pictures
from bench.data.text_files import VIDEOS, FolderReader
from bench.errors import DataError, MissingError
from bench.store.digests import digest
from bench.store.files import raise_data_error
from bench.types import Json, Video


class VideoStream:
    """The videos of a folder (``videos.jsonl``, ``features/``, ``frames/``) or of a file of JSON lines.

    A line needs ``id`` and ``transcript``; other fields, ``split`` too, are not looked at. What is held in
    memory is a block of videos, and the ids and the places of the features of all. ``features`` names those
    that the generator was fitted with, whose frames have ``width`` numbers. Raises MissingError without the
    file, DataError for features of another width.
    """

    def __init__(self, source: Path, features: str | None, width: int, max_frames: int) -> None:
        self.path = source / VIDEOS if source.is_dir() else source
        if not self.path.exists():
            raise MissingError(
                f"{self.path}: there is no such file; --videos names JSON lines of id and transcript, or a "
                f"folder with {VIDEOS}."
            )
        self.folder = source if source.is_dir() else None
        self._max_frames = max_frames
        self.features = self._read_features(features, width)

    def _read_features(self, name: str | None, width: int) -> Features | None:
        if name is None or self.folder is None or name not in feature_names(self.folder):
            return None
        features = read_features(self.folder, name, raise_data_error)
        if features is not None and features.frames.shape[1] != width:
            raise DataError(
                f"{self.folder / 'features' / name}: frames have {features.frames.shape[1]} numbers; the "
                f"generator was fitted with {width}."
            )
        return features

    def identity(self) -> dict[str, Json]:
        """Describe the files without reading them, for `check_unchanged`: names, sizes, times of change."""
        paths = [self.path]
        if self.folder and self.features:
            root = self.folder / "features" / self.features.name
            paths += [root / name for name in FILES if (root / name).exists()]
        states = [(path, path.stat()) for path in paths]
        return {str(path.resolve()): [state.st_size, state.st_mtime_ns] for path, state in states}

    def check_unchanged(self, before: Mapping[str, Json]) -> None:
        """Raise DataError, with its name, for a file that is not as `identity` found it before."""
        now = self.identity()
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                raise DataError(f"{name} was changed while it was in use. Run the command again.")

    def blocks(self, size: int, *, skip: int = 0) -> Iterator[list[Video]]:
        """Read videos in the order of their lines, ``size`` at a time, without the first ``skip``.

        Raises DataError with file:line, for an id that appears twice, too.
        """
        reader = FolderReader(self.path.parent, raise_data_error)
        records = reader.records(self.path.name, needs_split=False)
        for _ in itertools.islice(records, skip):  # still checked: a later id may be one of theirs
            pass
        while block := list(itertools.islice(records, size)):
            yield self._videos(block)

    def pictures_of(self, count: int) -> str:
        """Digest the pictures of the first ``count`` videos, by their bytes as `bench run` does."""
        seen = ""
        if self.folder is None or not (self.folder / PICTURES).is_dir():
            return seen
        records = FolderReader(self.folder, raise_data_error).records(VIDEOS, needs_split=False)
        for record in itertools.islice(records, count):
            seen = add_pictures(seen, self._videos([record]))
        return seen

    def _videos(self, records: Sequence[VideoRecord]) -> list[Video]:
        folder, limit = self.folder, self._max_frames
        pictures = find_pictures(folder, records, limit, raise_data_error) if folder else {}
        return [
            Video(
                record.video_id,
                record.transcript,
                frames_of(record.video_id, self.features, limit),
                (),
                pictures.get(record.video_id, ()),
            )
            for record in records
        ]


def add_pictures(seen: str, videos: Iterable[Video]) -> str:
    """Add the pictures of further videos to the digest of those before them; empty where nobody has any."""
    for video in videos:
        if video.pictures:
            seen = digest([seen, video.video_id, [picture.digest for picture in video.pictures]])
    return seen
