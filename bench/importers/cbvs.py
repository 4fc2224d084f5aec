"""CBVS-20K: queries of a Chinese video search with covers of short videos, graded 0 to 2 by people.

Format: ``cbvs20k.txt``, lines ``query<TAB>video id<TAB>address of the cover<TAB>grade``; the owner's run is
``inference_result.txt``, lines ``grade<TAB>query<TAB>video id<TAB>score``. Source:
github.com/QQBrowserVideoSearch/CBVS-UniCLIP. The owner's MAP takes grade 2 as relevant and leaves out queries
without such a video (its ``uniclip/eval/utils.py``).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from bench.errors import DataError, shorten
from bench.importers.files import find, find_optional, read_columns
from bench.importers.imported import Imported, clean_id
from bench.options import plain_number

__cache_neutral__ = True

UNICLIP = "uniclip"
_HIGHEST = 2


class CBVS:
    """CBVS-20K (Chinese): search queries with graded short videos; no speech, no captions."""

    recipes: ClassVar[Mapping[str, str]] = {
        "owner": "grade 2 is relevant, as in the owner's MAP",
        "graded": "grades 1 and 2 are relevant",
    }
    licence = "not stated by the owner; the covers belong to their sites"
    source = "Qiao et al. 2024, CBVS: A Large-Scale Chinese Image-Text Benchmark, arXiv 2401.10475"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the graded pairs, and the owner's run where the folder has it."""
        data = Imported(f"cbvs-20k-{recipe}", "zh", self.recipes[recipe])
        ids: dict[str, str] = {}
        path, lines = find(source, "cbvs20k.txt"), 0
        for place, (text, video, _, label) in read_columns(path, 4):
            grade = _grade(label, place)
            lines += 1
            query = ids.setdefault(text.strip(), f"q{len(ids):05d}")
            data.add_video(video, "test")
            data.add_query(query, text, video, _relevance(grade, recipe))
        if lines != len(data.grades):
            data.remarks.append(f"{lines - len(data.grades)} of {lines} lines repeat a pair.")
        if lines != 20_001:
            data.remarks.append(f"published are 20,001 pairs; {path.name} has {lines:,}.")
        if run := find_optional(source, "inference_result.txt"):
            data.runs[UNICLIP] = _read_run(run, ids, data)
        return data


def _relevance(grade: int, recipe: str) -> int:
    return int(grade == _HIGHEST) if recipe == "owner" else grade


def _grade(text: str, place: str) -> int:
    if text.strip() not in ("0", "1", "2"):
        raise DataError(f"{place}: the grade '{text}' is not 0, 1 or 2.")
    return int(text)


def _read_run(path: Path, ids: Mapping[str, str], data: Imported) -> dict[str, dict[str, float]]:
    run: dict[str, dict[str, float]] = {}
    for place, (_, text, video_id, score) in read_columns(path, 4):
        query, video = ids.get(text.strip()), clean_id(video_id)
        if query is None or video not in data.videos:
            raise DataError(f"{place}: the query {shorten(text)} or the video '{video}' is not in the data.")
        run.setdefault(query, {})[video] = _score(score, place)
    if not run:
        raise DataError(f"{path}: the file is empty.")
    return run


def _score(text: str, place: str) -> float:
    with contextlib.suppress(ValueError):
        if math.isfinite(score := float(plain_number(text))):
            return score
    raise DataError(f"{place}: the score {shorten(text)} is not a finite number.")
