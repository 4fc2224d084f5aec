"""TVR and QVHighlights: videos searched with descriptions of moments in them.

Formats: ``tvr_{train,val}_release.jsonl`` with ``desc_id``, ``desc``, ``vid_name``, and
``tvqa_preprocessed_subtitles.jsonl`` with ``vid_name`` and ``sub`` (``[{"text", "start", "end"}]``)
(github.com/jayleicn/TVRetrieval); ``highlight_{train,val,test}_release.jsonl`` with ``qid``, ``query``,
``vid`` (github.com/jayleicn/moment_detr).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from bench.importers.files import find, find_optional, take, take_id
from bench.importers.imported import Imported, clean_id
from bench.store.json_files import numbered_json_lines

__cache_neutral__ = True


class TVR:
    """TVR (English): clips of television series with subtitles, and descriptions of moments."""

    recipes: ClassVar[Mapping[str, str]] = {
        "video-retrieval": "each description is a query for its clip; the test is the owner's validation, "
        "because the public test names no clips",
    }
    licence = "not stated with the data; the videos belong to their studios"
    source = "Lei et al. 2020, TVR: A Large-Scale Dataset for Video-Subtitle Moment Retrieval"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read descriptions, and the subtitles as transcripts where the folder has them."""
        published = {
            "train videos": 17_435,
            "train queries": 87_175,
            "test videos": 2_179,
            "test queries": 10_895,
        }
        data = Imported("tvr", "en", self.recipes[recipe], published=published)
        for name, split in (("tvr_train_release.jsonl", "train"), ("tvr_val_release.jsonl", "test")):
            path = find(source, name)
            for number, record in numbered_json_lines(path):
                place = f"{path}:{number}"
                video = data.add_video(take(record, "vid_name", str, place), split)
                data.add_query(take_id(record, "desc_id", place), take(record, "desc", str, place), video)
        subtitles = find_optional(source, "tvqa_preprocessed_subtitles.jsonl")
        if subtitles:
            _add_subtitles(data, subtitles)
        else:
            data.remarks.append("without tvqa_preprocessed_subtitles.jsonl the clips have no transcripts.")
        return data


def _add_subtitles(data: Imported, path: Path) -> None:
    for number, record in numbered_json_lines(path):
        place = f"{path}:{number}"
        name = take(record, "vid_name", str, place)
        video = data.videos.get(clean_id(name))
        if video is not None:
            lines = [take(line, "text", str, place).strip() for line in take(record, "sub", list, place)]
            data.add_video(name, video.split, " ".join(line for line in lines if line))


class QVHighlights:
    """QVHighlights (English): vlogs and news of 150 seconds, and descriptions of moments."""

    recipes: ClassVar[Mapping[str, str]] = {
        "video-retrieval": "each query for the video that it was written for; the owner's splits",
    }
    licence = "annotations CC BY-NC-SA 4.0; the videos belong to their uploaders on YouTube"
    source = "Lei et al. 2021, QVHighlights: Detecting Moments and Highlights in Videos"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the three files of queries; a video of two splits stays in the one of the test."""
        published = {"train queries": 7_218, "val queries": 1_550, "test queries": 1_542}
        data = Imported("qvhighlights", "en", self.recipes[recipe], published=published)
        left_out = 0
        for split in ("test", "val", "train"):
            path = find(source, f"highlight_{split}_release.jsonl")
            for number, record in numbered_json_lines(path):
                place = f"{path}:{number}"
                video = clean_id(take(record, "vid", str, place))
                if video in data.videos and data.videos[video].split != split:
                    left_out += 1
                    continue
                data.add_video(video, split)
                data.add_query(take_id(record, "qid", place), take(record, "query", str, place), video)
        if left_out:
            data.remarks.append(f"{left_out} queries were left out: their video is in another split, too.")
        return data
