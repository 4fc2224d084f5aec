"""Captions in the format of COCO, and tables of pairs in CSV or TSV.

Formats: ``{"images": [{"id"}], "annotations": [{"id", "image_id", "caption"}]}`` (cocodataset.org; ``videos``
and ``video_id`` are taken, too), split by the names of the files; Karpathy's ``dataset_*.json``,
``{"images": [{"cocoid" or "imgid", "split", "sentences": [{"raw", "sentid"}]}]}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from bench.choices import SPLITS
from bench.errors import DataError, UsageError
from bench.importers.files import find, not_found, read_object, read_records, take, take_id
from bench.importers.imported import Imported, clean_id
from bench.options import plain_number
from bench.store.csv_files import read_rows

__cache_neutral__ = True

_WORDS = {"training": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test"}
_KARPATHY = {"train": "train", "restval": "train", "val": "val", "test": "test"}


class COCO:
    """Captions of pictures or videos in COCO's format, or in Karpathy's."""

    recipes: ClassVar[Mapping[str, str]] = {
        "captions": "each caption is a query; splits by file name or as Karpathy's file says",
    }
    licence = "as the owner of the captions says"
    source = "Chen et al. 2015, Microsoft COCO Captions; the files that were given"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read one file, or all JSON files of a folder; without a test, val is the test."""
        paths = [source] if source.is_file() else sorted(source.glob("*.json"))
        if not paths:
            raise not_found(source, "*.json")
        stem = source.stem if source.is_file() else source.resolve().name
        data = Imported(clean_id(stem), language or "en", self.recipes[recipe])
        splits = {path: _split_of(path) for path in paths}
        no_test = "test" not in splits.values() and "val" in splits.values()
        for path in paths:
            content = read_object(path)
            if "annotations" in content:
                split = "test" if no_test and splits[path] == "val" else splits[path] or "test"
                _add_coco(data, path, content, split)
            else:
                _add_karpathy(data, path, content)
        return data


def _split_of(path: Path) -> str | None:
    """Read the split of a file from the words of its name, else from their parts, as in ``trainval``."""
    name = path.stem.lower()
    words = {_WORDS.get(word, word) for word in re.findall(r"[a-z]+", name)}
    return next((s for s in SPLITS if s in words), None) or next((s for s in SPLITS if s in name), None)


def _add_coco(data: Imported, path: Path, content: Mapping[str, Any], split: str) -> None:
    kind = "image" if "images" in content else "video"
    for place, record in read_records(path, content.get(f"{kind}s")):
        data.add_video(take_id(record, "id", place), split)
    for place, record in read_records(path, content["annotations"]):
        video = take_id(record, f"{kind}_id", place)
        if clean_id(video) not in data.videos:
            raise DataError(f"{place}: {kind} '{video}' is not among the {kind}s of the file.")
        data.add_query(take_id(record, "id", place), take(record, "caption", str, place), video)


def _add_karpathy(data: Imported, path: Path, content: Mapping[str, Any]) -> None:
    for place, record in read_records(path, content.get("images")):
        split = take(record, "split", str, place)
        if split not in _KARPATHY:
            raise DataError(f"{place}: unknown split '{split}'; known: {', '.join(_KARPATHY)}.")
        video = data.add_video(
            take_id(record, "cocoid" if "cocoid" in record else "imgid", place), _KARPATHY[split]
        )
        for _, sentence in read_records(path, record.get("sentences")):
            data.add_query(take_id(sentence, "sentid", place), take(sentence, "raw", str, place), video)


class CSV:
    """A table of pairs: video_id and query, and if you have them transcript, split and relevance."""

    recipes: ClassVar[Mapping[str, str]] = {
        "pairs": "a row is a query with a video; equal queries are one, splits as the table says",
    }
    licence = "yours"
    source = "the table that was given"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read a CSV or TSV file with a header; without a column ``split`` all videos are the test."""
        path = source if source.is_file() else find(source, "*.csv", "*.tsv", "*.txt")
        if source.is_dir() and len(list(path.parent.glob(f"*{path.suffix}"))) > 1:
            raise UsageError(f"--from {source}: there are several tables in this folder; name one of them.")
        data = Imported(clean_id(path.stem), language or "en", self.recipes[recipe])
        ids: dict[str, str] = {}
        for place, row in read_rows(path, needed=("video_id", "query")):
            split = row.get("split") or "test"
            if split not in SPLITS:
                raise DataError(f"{place}: unknown split '{split}'; known: {', '.join(SPLITS)}.")
            video = data.add_video(row["video_id"], split, row.get("transcript") or "")
            text = " ".join(row["query"].split())
            if text:
                query = ids.setdefault(text, f"q{len(ids):07d}")
                data.add_query(query, text, video, _relevance(row.get("relevance") or "1", place))
        return data


def _relevance(text: str, place: str) -> int:
    try:
        return int(plain_number(text))
    except ValueError:
        raise DataError(f"{place}: the relevance '{text}' is not a whole number.") from None
