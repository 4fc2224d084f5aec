"""A synthetic dataset read with nothing but json and numpy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.vocabulary import read_vocabulary
from bench.data.synthetic.writer import FEATURES, synthesize


@dataclass
class Made:
    """A folder read with nothing but json and numpy."""

    folder: Path

    def __post_init__(self) -> None:
        self.about = json.loads((self.folder / "dataset.json").read_text("utf-8"))
        self.videos = self.lines("videos.jsonl")
        self.queries = {query["id"]: query["text"] for query in self.lines("queries.jsonl")}
        rows = (self.folder / "qrels.tsv").read_text("utf-8").splitlines()
        self.qrels = [tuple(row.split("\t")) for row in rows]
        features = self.folder / "features" / FEATURES
        self.frames = np.load(features / "frames.npy", allow_pickle=False)
        self.offsets = np.load(features / "offsets.npy", allow_pickle=False)
        self.texts = np.load(features / "transcripts.npy", allow_pickle=False)
        self.ids = (features / "ids.txt").read_text("utf-8").splitlines()

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text("utf-8").splitlines()]

    def frames_of(self, row: int) -> np.ndarray:
        return self.frames[self.offsets[row] : self.offsets[row + 1]].astype(np.float64)

    def bytes(self) -> dict[str, bytes]:
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def make(folder: Path, **knobs: Any) -> Made:
    synthesize(folder, SynthOptions(**{"videos": 180, **knobs}))
    return Made(folder)


@cache
def any_entity(language: str) -> re.Pattern[str]:
    edge = r"\b" if language == "en" else ""
    return re.compile(f"{edge}(?:{'|'.join(map(re.escape, read_vocabulary(language).entities))}){edge}")


def mentions(language: str, text: str) -> list[str]:
    return any_entity(language).findall(text)
