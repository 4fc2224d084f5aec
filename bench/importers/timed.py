"""YouCook2 and ActivityNet Captions: videos whose moments have a sentence each.

Formats: ``youcookii_annotations_trainval.json``, ``{"database": {id: {"subset", "annotations": [{"id",
"segment", "sentence"}]}}}`` (youcook2.eecs.umich.edu); ``train.json`` and ``val_1.json``,
``{"v_...": {"duration", "timestamps", "sentences"}}`` (cs.stanford.edu/people/ranjaykrishna/densevid).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from bench.errors import DataError
from bench.importers.files import find, read_object, read_records, take, take_id, take_texts
from bench.importers.imported import Imported

__cache_neutral__ = True

_SUBSETS = {"training": "train", "validation": "test"}


class YouCook2:
    """YouCook2 (English): cooking videos, a sentence for each step."""

    recipes: ClassVar[Mapping[str, str]] = {
        "clips": "each step is a clip that is searched with its sentence; the test is the owner's validation",
        "videos": "whole videos, searched with each step's sentence; the test is the owner's validation",
    }
    licence = "annotations as on youcook2.eecs.umich.edu; the videos belong to their uploaders on YouTube"
    source = "Zhou et al. 2018, Towards Automatic Learning of Procedures from Web Instructional Videos"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the annotations of training and validation."""
        path = find(source, "youcookii_annotations_trainval.json")
        published = {"train videos": 1_333, "test videos": 457} if recipe == "videos" else {}
        data = Imported(f"youcook2-{recipe}", "en", self.recipes[recipe], published=published)
        for video, record in take(read_object(path), "database", dict, path).items():
            place = f"{path}: video '{video}'"
            subset = take(record, "subset", str, place)
            if subset not in _SUBSETS:
                raise DataError(f"{place}: unknown subset '{subset}'; known: {', '.join(_SUBSETS)}.")
            for _, step in read_records(path, record.get("annotations")):
                clip = f"{video}_{take_id(step, 'id', place)}"
                searched = data.add_video(clip if recipe == "clips" else video, _SUBSETS[subset])
                data.add_query(clip, take(step, "sentence", str, place), searched)
        return data


class ActivityNet:
    """ActivityNet Captions (English): videos of activities, a sentence for each moment."""

    recipes: ClassVar[Mapping[str, str]] = {
        "paragraph": "a query is the paragraph of all sentences of a video; the test is val_1",
        "sentences": "each sentence is a query for its whole video; the test is val_1",
    }
    licence = "annotations as on the owner's page; the videos belong to their uploaders on YouTube"
    source = "Krishna et al. 2017, Dense-Captioning Events in Videos"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read train.json and val_1.json."""
        published = {"train videos": 10_009, "test videos": 4_917}
        data = Imported(f"activitynet-{recipe}", "en", self.recipes[recipe], published=published)
        for name, split in (("train.json", "train"), ("val_1.json", "test")):
            path = find(source, name)
            for video, record in read_object(path).items():
                place = f"{path}: video '{video}'"
                sentences = [text.strip() for text in take_texts(record, "sentences", place)]
                data.add_video(video, split)
                for number, text in enumerate([" ".join(sentences)] if recipe == "paragraph" else sentences):
                    data.add_query(f"{video}#{number}", text, video)
        return data
