"""What an importer returns: videos, queries and relevance in memory, with what is known of their origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.errors import DataError, shorten
from bench.types import QueryId, VideoId

__cache_neutral__ = True

Scores = Mapping[QueryId, Mapping[VideoId, float]]
"""A run: the scores of documents by query."""


@dataclass(slots=True)
class ImportedVideo:
    """A video as it will be written to videos.jsonl."""

    split: str
    transcript: str = ""


@dataclass(slots=True)
class Imported:
    """A dataset in memory, filled by an importer in the order of the owner's files."""

    name: str
    """The name in captions of tables; it says which protocol the data are in, such as ``msr-vtt-1k-A``."""
    language: str
    protocol: str
    """Which videos are searched with which queries, in a sentence."""
    videos: dict[VideoId, ImportedVideo] = field(default_factory=dict)
    queries: dict[QueryId, str] = field(default_factory=dict)
    grades: dict[tuple[QueryId, VideoId], int] = field(default_factory=dict)
    published: Mapping[str, int] = field(default_factory=dict)
    """The numbers that the owners publish, by the names of `counts`."""
    remarks: list[str] = field(default_factory=list)
    """What was left out or united, with numbers."""
    runs: dict[str, Scores] = field(default_factory=dict)
    """Runs that the owners publish, by name."""
    written: dict[VideoId, str] = field(default_factory=dict)
    """The ids of videos as the owners write them."""

    def add_video(self, video_id: str, split: str, transcript: str = "") -> VideoId:
        """Add a video, or find it, and return its id without white space.

        Raises DataError for a video in two splits or with two transcripts, and for two that would have one
        id.
        """
        name = clean_id(video_id)
        if self.written.setdefault(name, video_id.strip()) != video_id.strip():
            raise DataError(
                f"the videos {shorten(self.written[name])} and {shorten(video_id)} would both be '{name}': "
                "ids have no white space."
            )
        video = self.videos.setdefault(name, ImportedVideo(split, transcript))
        if video.split != split:
            raise DataError(f"video '{name}' is in the split '{video.split}' and in '{split}'.")
        if transcript and transcript != video.transcript:
            if video.transcript:
                raise DataError(f"video '{name}' has two different transcripts.")
            video.transcript = transcript
        return name

    def add_query(self, query_id: str, text: str, video_id: str, grade: int = 1) -> None:
        """Add a query with a judged video; of a pair that is judged twice, the higher grade counts.

        Raises DataError for a query with two texts.
        """
        query, pair = clean_id(query_id), (clean_id(query_id), clean_id(video_id))
        text = " ".join(text.split())
        if self.queries.setdefault(query, text) != text:
            raise DataError(
                f"query '{query}' has two texts: {shorten(self.queries[query])} and {shorten(text)}. "
                "If the ids of your files begin anew in each of them, import the files one by one."
            )
        self.grades[pair] = max(grade, self.grades.get(pair, grade))

    def counts(self) -> dict[str, int]:
        """Count videos, and queries by the split of their relevant videos, as ``test videos`` and so on."""
        counts = {"videos": len(self.videos), "queries": len(self.queries)}
        for split in ("train", "val", "test"):
            counts[f"{split} videos"] = sum(1 for video in self.videos.values() if video.split == split)
            counts[f"{split} queries"] = len(
                {q for (q, v), grade in self.grades.items() if grade > 0 and self.videos[v].split == split}
            )
        return counts


class Importer(Protocol):
    """Reads one owner's format; a class with this interface under an entry point of ``bench.importers``."""

    recipes: Mapping[str, str]
    """Protocols by name, the default first, with what each is."""
    licence: str
    """Under which terms the owners distribute the data, as far as they say."""
    source: str
    """Where the owners describe the data."""

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the owner's files. Raises DataError with file:line, MissingError for a missing file."""
        ...


def clean_id(text: str) -> str:
    """Make an id of a dataset from an owner's: white space becomes ``_``."""
    return "_".join(str(text).split())
