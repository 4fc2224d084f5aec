"""MSR-VTT: 10,000 clips with 20 English captions each, in the splits that papers report.

Format: ``MSRVTT_data.json`` (or the owner's ``train_val_videodatainfo.json`` and
``test_videodatainfo.json``) with ``videos`` (``video_id``, ``split``) and ``sentences`` (``video_id``,
``caption``); ``MSRVTT_JSFUSION_test.csv`` with ``video_id`` and ``sentence``; ``MSRVTT_train.9k.csv`` and
``.7k.csv`` with ``video_id``. Source: the data of github.com/ArrowLuo/CLIP4Clip, which most papers read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from bench.importers.files import find, find_optional, read_object, read_records, take
from bench.importers.imported import Imported
from bench.store.csv_files import read_rows

__cache_neutral__ = True

_ALL_IN_ONE = "MSRVTT_data.json"
_SPLITS = {"train": "train", "validate": "val", "test": "test"}


class MSRVTT:
    """MSR-VTT (English): short web videos with 20 captions each."""

    recipes: ClassVar[Mapping[str, str]] = {
        "1k-A": "JSFusion's test (Yu et al. 2018): 1,000 videos, a caption each; training: the other 9,000",
        "1k-A-7k": "the test of 1k-A, trained on the 7,010 videos of MSRVTT_train.7k.csv",
        "official": "the owner's splits: 6,513, 497 and 2,990 videos with 20 captions each",
    }
    licence = "not stated by the owner; the videos belong to their uploaders on YouTube"
    source = "Xu et al. 2016, MSR-VTT: A Large Video Description Dataset for Bridging Video and Language"
    _published: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "1k-A": {"train videos": 9_000, "test videos": 1_000, "test queries": 1_000},
        "1k-A-7k": {"train videos": 7_010, "test videos": 1_000, "test queries": 1_000},
        "official": {"train videos": 6_513, "val videos": 497, "test videos": 2_990, "test queries": 59_800},
    }

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the JSON and CSV files of a folder."""
        data = Imported(f"msr-vtt-{recipe}", "en", self.recipes[recipe], published=self._published[recipe])
        videos, sentences = _read_captions(source)
        if recipe == "official":
            splits = {video: _SPLITS.get(split, split) for video, split in videos.items()}
        else:
            splits = _split_by_lists(source, recipe, videos)
            self._add_test(source, data)
        for video, split in splits.items():
            data.add_video(video, split)
        for number, (video, caption) in enumerate(sentences):
            if video in splits and (recipe == "official" or splits[video] != "test"):
                data.add_query(f"{video}#{number}", caption, video)
        return data

    def _add_test(self, source: Path, data: Imported) -> None:
        path = find(source, "MSRVTT_JSFUSION_test.csv")
        for _, row in read_rows(path, needed=("video_id", "sentence")):
            video = data.add_video(row["video_id"], "test")
            data.add_query(f"{video}#test", row["sentence"], video)


def _read_captions(source: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Read the published split of each video, and all pairs of a video and a caption."""
    all_in_one = find_optional(source, _ALL_IN_ONE)
    names = ("train_val_videodatainfo.json", "test_videodatainfo.json")
    videos: dict[str, str] = {}
    sentences: list[tuple[str, str]] = []
    paths = [all_in_one] if all_in_one else [find(source, names[0], _ALL_IN_ONE), find(source, names[1])]
    for path in paths:
        content: Mapping[str, Any] = read_object(path)
        for place, record in read_records(path, content.get("videos")):
            videos[take(record, "video_id", str, place)] = take(record, "split", str, place)
        for place, record in read_records(path, content.get("sentences")):
            sentences.append((take(record, "video_id", str, place), take(record, "caption", str, place)))
    return videos, sentences


def _split_by_lists(source: Path, recipe: str, videos: Mapping[str, str]) -> dict[str, str]:
    test = set(_read_list(find(source, "MSRVTT_JSFUSION_test.csv")))
    name = "MSRVTT_train.7k.csv" if recipe == "1k-A-7k" else "MSRVTT_train.9k.csv"
    path = find(source, name) if recipe == "1k-A-7k" else find_optional(source, name)
    train = _read_list(path) if path else [v for v in videos if v not in test]
    return dict.fromkeys(train, "train") | dict.fromkeys((v for v in videos if v in test), "test")


def _read_list(path: Path) -> list[str]:
    return [row["video_id"] for _, row in read_rows(path, needed=("video_id",))]
