"""A dataset small enough to know by heart: twelve videos, every oddity that contract section 2 allows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FEATURES = "tiny-4"
DIM = 4

VIDEOS = [  # ids whose order as text is not that as numbers; the file is in neither
    ("v1", "how to bake an apple pie with cinnamon and a butter crust", "train"),
    ("v20", "a red car races through the desert at night", "train"),
    ("v12", "the cat sleeps on a warm keyboard all day", "train"),
    ("v4", "learn to juggle three oranges in ten minutes", "train"),
    ("v5", "tuning a guitar by ear for complete beginners", "val"),
    ("v6", "slow bread rises while the baker sings", "val"),
    ("v10", "apple pie from scratch: flour, butter, apples and patience", "test"),
    ("v2", "grandmother shares her apple pie secret with the whole street", "test"),
    ("v9", "", "test"),  # says nothing
    ("v100", "a red car parked beside the old station", "test"),  # has no features
    ("v11", "clouds pass over the mountain lake in silence", "test"),  # nobody asked for it
    ("v3", "red car, blue car, and a very patient painter", "test"),
]
QUERIES = [  # q1, q7 and q10 are one information need, written three ways
    ("q10", "Ａｐｐｌｅ  PIE"),
    ("q1", "apple pie"),
    ("q7", " Apple Pie "),
    ("q2", "red car"),
    ("q3", "grandmother recipe"),
    ("q4", "silent video nobody describes"),
    ("q5", "painter"),
    ("q6", "guitar tuning"),
    ("q8", "bread"),
    ("q9", "sleepy cat"),
    ("q11", "juggling"),
    ("q12", "nothing is relevant to this"),
]
QRELS = [
    ("q1", "v10", 1), ("q7", "v2", 2), ("q10", "v1", 1), ("q2", "v100", 1), ("q2", "v3", 1), ("q2", "v20", 1),
    ("q3", "v2", 1), ("q4", "v9", 1), ("q5", "v3", 3), ("q6", "v5", 1), ("q8", "v6", 1), ("q9", "v12", 1),
    ("q11", "v4", 1), ("q5", "v11", 0), ("q3", "v11", -1),
]  # fmt: skip
LENGTHS = {
    "v1": 3,
    "v20": 2,
    "v12": 1,
    "v4": 2,
    "v5": 2,
    "v6": 1,
    "v10": 40,
    "v2": 3,
    "v9": 0,
    "v11": 1,
    "v3": 5,
}

TEST_POOL = [video for video, _, split in VIDEOS if split == "test"]


@dataclass(frozen=True)
class Tiny:
    """Hold a written dataset folder, to be damaged in one place."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    def line(self, name: str, number: int, text: str | bytes) -> None:
        """Put another line (from 1) in the place of one."""
        lines = self.path(name).read_bytes().split(b"\n")
        lines[number - 1] = text.encode() if isinstance(text, str) else text
        self.path(name).write_bytes(b"\n".join(lines))

    def edit(self, name: str, number: int, /, **fields: Any) -> None:
        """Change fields of a JSON line (from 1); a field that becomes ``...`` is removed."""
        item = json.loads(self.path(name).read_bytes().split(b"\n")[number - 1])
        item.update(fields)
        self.line(name, number, json.dumps({k: v for k, v in item.items() if v is not ...}))

    def feature(self, name: str) -> Path:
        return self.folder / "features" / FEATURES / name


def write_tiny(folder: Path, *, metadata: Mapping[str, Any] | None = None) -> Tiny:
    """Write the dataset into a new folder."""
    folder.mkdir(parents=True)
    about = {"name": "tiny", "language": "en", "version": "1", "licence": "none", **(metadata or {})}
    (folder / "dataset.json").write_text(json.dumps(about))
    lines(folder / "videos.jsonl", [{"id": v, "transcript": t, "split": s} for v, t, s in VIDEOS])
    lines(folder / "queries.jsonl", [{"id": q, "text": t} for q, t in QUERIES])
    (folder / "qrels.tsv").write_text("".join(f"{q}\t{v}\t{n}\n" for q, v, n in QRELS))
    write_features(folder / "features" / FEATURES, LENGTHS)
    return Tiny(folder)


def lines(path: Path, items: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")


def write_features(
    folder: Path, lengths: Mapping[str, int], dtype: npt.DTypeLike = np.float16, dim: int = DIM
) -> None:
    """Write features in which each frame's first number is its place in the whole file."""
    folder.mkdir(parents=True)
    total = sum(lengths.values())
    frames = np.zeros((total, dim), dtype=dtype)
    frames[:, 0] = np.arange(total)
    np.save(folder / "frames.npy", frames)
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(list(lengths.values()))]).astype(np.int64))
    (folder / "ids.txt").write_text("".join(f"{video_id}\n" for video_id in lengths))


def write_pictures(folder: Path, counts: Mapping[str, int]) -> None:
    """Write pictures of one colour each, another one for each video and number."""
    from PIL import Image

    for i, (video_id, count) in enumerate(counts.items()):
        (folder / "frames" / video_id).mkdir(parents=True)
        for number in range(count):
            colour = (40 * i % 256, 10 * number % 256, 90)
            Image.new("RGB", (16, 12), colour).save(folder / "frames" / video_id / f"{number}.jpg", "JPEG")


def write_transcript_vectors(
    folder: Path, texts: Mapping[str, Sequence[float]], dtype: npt.DTypeLike = np.float16
) -> None:
    """Write the vectors of transcripts beside features, zeros for videos that are not named."""
    ids = (folder / "ids.txt").read_text().split()
    vectors = np.zeros((len(ids), np.load(folder / "frames.npy").shape[1]), dtype=dtype)
    for video_id, vector in texts.items():
        vectors[ids.index(video_id)] = vector
    np.save(folder / "transcripts.npy", vectors)
