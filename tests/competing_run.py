"""A finished run whose rows differ in quality: transcripts of a synthetic dataset, cut at several lengths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.writer import synthesize
from bench.result import Result
from tests.tiny import lines

ROWS = {"long": 60, "short": 10, "twin": 10}
"""Words of the transcript that each row takes; ``twin`` is ``short`` under another name."""


@dataclass(frozen=True)
class CompetingRun:
    """The folder with the dataset, the summaries, the store, and the run in ``out``."""

    folder: Path

    @classmethod
    def create_in(cls, folder: Path) -> CompetingRun:
        made = cls(folder)
        synthesize(made.data, SynthOptions(videos=320, seed=5))
        videos = [json.loads(line) for line in (made.data / "videos.jsonl").read_text().splitlines()]
        pool = [video for video in videos if video["split"] == "test"]
        for name, words in ROWS.items():
            items = [(v["id"], " ".join(v["transcript"].split()[:words])) for v in pool]
            lines(made.summaries(name), [{"video_id": v, "summary": text} for v, text in items])
        made.run(made.out)
        return made

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
