"""Five little videos of recorded speech, and a dataset that is made of them once, with the real models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.prepare.options import PrepareOptions
from bench.prepare.prepare import Report, prepare
from tests.prepare.films import PHOTOGRAPHS, Film, photograph, recording

WORDS = {
    "best.mp4": "it was the best of times it was the worst of times it was the age of wisdom",
    "belief.mp4": "it was the epoch of belief it was the epoch of incredulity it was the season of light",
    "hope.mp4": "it was the spring of hope it was the winter of despair",
    "other.mp4": "in short the period was so far like the present period",
    "beckett.mp4": "ever tried ever failed no matter try again fail again fail better",
}
"""Some of what is said in each video (Dickens, A Tale of Two Cities; Beckett, Worstward Ho)."""
QUERIES = {
    "the best of times and the worst": "best.mp4",
    "epoch of belief and season of light": "belief.mp4",
    "spring of hope": "hope.mp4",
    "so far like the present period": "other.mp4",
    "try again, fail better": "beckett.mp4",
}
CUTS = {"best.mp4": (0, 8), "belief.mp4": (8, 17), "hope.mp4": (17, 26), "other.mp4": (26, 35)}


def write_films(folder: Path) -> Path:
    """Write the five videos and ``queries.csv``."""
    for i, (name, (start, end)) in enumerate(CUTS.items()):
        pictures = [photograph(PHOTOGRAPHS[i % 2])] * (end - start)
        Film(pictures, sound=recording("two_cities.wav", start, end)).write(folder / name)
    Film([photograph("flower.jpg")] * 9, sound=recording("beckett.wav")).write(folder / "beckett.mp4")
    lines = [f'"{query}",{video}\n' for query, video in QUERIES.items()]
    (folder / "queries.csv").write_text("".join(["query,video\n", *lines]), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Prepared:
    videos: Path
    dataset: Path
    store: Path
    report: Report


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Prepare the five videos in this process, with EfficientNet-lite0 and Whisper tiny.en."""
    folder = tmp_path_factory.mktemp("prepared")
    videos = write_films(folder / "videos")
    report = prepare(
        videos, folder / "dataset", PrepareOptions(jobs=1), store=folder / "store",
        queries=videos / "queries.csv", quiet=True,
    )  # fmt: skip
    return Prepared(videos, folder / "dataset", folder / "store", report)
