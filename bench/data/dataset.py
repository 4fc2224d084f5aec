"""A dataset in memory: videos, queries, relevance, memory-mapped features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.types import Frames, Grades, Picture, QueryId, Video, VideoId


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """One line of videos.jsonl: a video's transcript and its split."""

    video_id: VideoId
    transcript: str
    split: str
    address: str = ""
    """The field ``url``, an http or https address at which people watch it; empty: it has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One kind of visual features; those of video ``i`` are ``frames[offsets[i]:offsets[i+1]]``."""

    name: str
    frames: Frames  # [total_frames, dim]
    offsets: npt.NDArray[np.int64]  # [n_videos + 1]
    position: Mapping[VideoId, int]
    transcripts: Frames | None = None
    """``[n_videos, dim]``: each transcript in the space of the frames, or zeros; for statistics only."""

    def count(self, video_id: VideoId) -> int:
        """Count the frames of a video in the file; 0 for an unknown video."""
        row = self.position.get(video_id)
        return 0 if row is None else int(self.offsets[row + 1] - self.offsets[row])

    def of(self, video_id: VideoId, limit: int) -> Frames:
        """Sample at most ``limit`` frames of a video, uniformly spaced, ``[n, dim]``; none if unknown."""
        row = self.position.get(video_id)
        if row is None:
            return self.frames[:0]
        frames = self.frames[int(self.offsets[row]) : int(self.offsets[row + 1])]
        if len(frames) <= limit:
            return frames
        sample: Frames = frames[spread(len(frames), limit)]
        return sample

    def transcript(self, video_id: VideoId) -> Frames | None:
        """Look up the vector of a video's transcript, ``[dim]``; None if the file has none."""
        row = self.position.get(video_id)
        if self.transcripts is None or row is None:
            return None
        vector: Frames = self.transcripts[row]
        return vector if vector.any() else None


def spread(count: int, limit: int) -> npt.NDArray[np.int64]:
    """Choose ``limit`` of ``count`` places, uniformly spaced, the first and the last among them."""
    return np.round(np.linspace(0, count - 1, limit)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A validated dataset. Queries are information needs: one entry for each normalised text."""

    name: str
    language: str
    version: str
    synthetic: bool
    info: Mapping[str, Any]
    records: Sequence[VideoRecord]
    queries: Mapping[QueryId, str]
    relevant: Mapping[QueryId, Sequence[VideoId]]
    """Videos of every split with relevance > 0, in the order of videos.jsonl."""
    spellings: Mapping[QueryId, Sequence[QueryId]]
    """The ids in queries.jsonl that are one information need, under the id that represents it."""
    features: Features | None
    feature_names: Sequence[str]
    digest: str
    """Digest of the files read: metadata, videos, queries, relevance, the selected features, pictures."""
    max_frames: int = 32
    attributes: Mapping[QueryId, Mapping[str, str]] = field(default_factory=dict)
    """Free fields of queries.jsonl that are texts, numbers, true or false, by the id of the query."""
    gains: Grades = field(default_factory=dict)
    """Relevance above 1, by query and video: other relevant videos count 1 in graded measures."""
    pictures: Mapping[VideoId, tuple[Picture, ...]] = field(default_factory=dict)
    """Frames as JPEG of the videos that have some, ``max_frames`` of each at most."""

    @cached_property
    def references(self) -> Mapping[VideoId, tuple[str, ...]]:
        """Collect the texts of each video's relevant queries, in the order of queries.jsonl."""
        texts: dict[VideoId, list[str]] = {record.video_id: [] for record in self.records}
        for query_id, videos in self.relevant.items():
            for video_id in videos:
                texts[video_id].append(self.queries[query_id])
        return {video_id: tuple(queries) for video_id, queries in texts.items()}

    def split(self, name: str) -> list[VideoRecord]:
        """Select the records of a split, in dataset order."""
        return [record for record in self.records if record.split == name]

    def videos(self, split: str, *, references: bool) -> list[Video]:
        """Build what a generator sees of a split, with training targets or without."""
        return [self._video(record, references=references) for record in self.split(split)]

    def _video(self, record: VideoRecord, *, references: bool) -> Video:
        targets = self.references[record.video_id] if references else ()
        frames = frames_of(record.video_id, self.features, self.max_frames)
        pictures = self.pictures.get(record.video_id, ())
        return Video(record.video_id, record.transcript, frames, targets, pictures)


def frames_of(video_id: VideoId, features: Features | None, limit: int) -> Frames:
    """Sample at most ``limit`` frames of a video, ``[n, dim]``; ``[0, 0]`` where there are no features."""
    none: Frames = np.zeros((0, 0), dtype=np.float32)
    return none if features is None else features.of(video_id, limit)
