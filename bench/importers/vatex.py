"""VATEX: videos of 10 seconds with 10 English and 10 Chinese captions each.

Format: ``vatex_training_v1.0.json``, ``vatex_validation_v1.0.json`` and ``vatex_public_test_*.json``, each a
list of ``{"videoID", "enCap", "chCap"}``; the public test has captions of one language. Source: the files at
eric-xw.github.io/vatex-website.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from bench.importers.files import find, read_records, take, take_texts
from bench.importers.imported import Imported
from bench.store.json_files import read_json

__cache_neutral__ = True


class VATEX:
    """VATEX (English or Chinese): videos of human activities with 10 captions in each language."""

    recipes: ClassVar[Mapping[str, str]] = {
        "en": "English captions; the test is the owner's public test, 6,000 videos",
        "zh": "Chinese captions; the test is the owner's validation set, 3,000 videos",
        "en-validation": "English captions of the videos of zh; the test is the owner's validation set",
    }
    licence = "see the page of the dataset for the captions; the videos belong to their uploaders on YouTube"
    source = "Wang et al. 2019, VATEX: A Large-Scale, High-Quality Multilingual Dataset"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the JSON files of a folder."""
        code = recipe.partition("-")[0]
        data = Imported(f"vatex-{recipe}", code, self.recipes[recipe], published=_published(recipe))
        _add(data, find(source, "vatex_training_*.json"), "train", code)
        validation = find(source, "vatex_validation_*.json")
        _add(data, validation, "val" if recipe == "en" else "test", code)
        if recipe == "en":
            _add(data, find(source, "vatex_public_test_english_*.json"), "test", code)
        return data


def _published(recipe: str) -> Mapping[str, int]:
    if recipe == "en":
        return {"train videos": 25_991, "val videos": 3_000, "test videos": 6_000, "test queries": 60_000}
    return {"train videos": 25_991, "test videos": 3_000, "test queries": 30_000}


def _add(data: Imported, path: Path, split: str, language: str) -> None:
    key = {"en": "enCap", "zh": "chCap"}[language]
    for place, record in read_records(path, read_json(path)):
        video = data.add_video(take(record, "videoID", str, place), split)
        for number, caption in enumerate(take_texts(record, key, place)):
            data.add_query(f"{video}#{number}", caption, video)
