"""A run in which rows compete: the same transcripts, cut short and shorter, on a synthetic world."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench
from bench.data.synthetic.writer import SynthOptions, synthesize
from bench.result import Result
from tests.tiny import lines

ROWS = {"long": 60, "short": 10, "twin": 10}
"""Words of the transcript that each row takes; ``twin`` is ``short`` under another name."""


@dataclass(frozen=True)
class Duel:
    """Hold the folder of the data, the summaries, the store, and the run in ``out``."""

    folder: Path

    @classmethod
    def fought_in(cls, folder: Path) -> Duel:
        duel = cls(folder)
        synthesize(duel.data, SynthOptions(videos=320, seed=5))
        videos = [json.loads(line) for line in (duel.data / "videos.jsonl").read_text().splitlines()]
        pool = [video for video in videos if video["split"] == "test"]
        for name, words in ROWS.items():
            items = [(v["id"], " ".join(v["transcript"].split()[:words])) for v in pool]
            lines(duel.summaries(name), [{"video_id": v, "summary": text} for v, text in items])
        duel.run(duel.out)
        return duel

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def summaries(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def run(self, out: Path, **options: Any) -> Result:
        """Run the rows and the references, with some options changed."""
        rows = [f"file:{self.summaries(name)}" for name in ROWS]
        usual = {"generators": ["oracle", *rows, "transcript"], "retrievers": ["bm25"]}
        return bench.run(
            **{
                "data": self.data,
                "out": out,
                "store": self.folder / "store",
                "quiet": True,
                **usual,
                **options,
            }
        )

    def result(self) -> Result:
        return Result.read(self.out)
