"""Videos → summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.choices import Split
from bench.errors import BenchError
from bench.harness.plan import Plan
from bench.harness.stages.fit import ensure_fitted, learnt_key
from bench.harness.stages.stage import Stage
from bench.protocols import Divisible, Generator, reads_references
from bench.store.artefacts import Artefact
from bench.store.digests import digest, videos_digest
from bench.store.json_files import format_json_lines, read_json_lines
from bench.systems.arithmetic import limit_threads
from bench.systems.component import Component
from bench.systems.cost import measure_cost
from bench.systems.file_summaries import recorded_costs
from bench.types import Json, Video, VideoId


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """What a generator wrote for each video, in dataset order."""

    texts: Mapping[VideoId, str]
    digest: str
    meta: Mapping[str, Any]
    reused: bool


class Summarize(Stage[Summaries]):
    """Let a generator summarize the pool, or the videos of one split, fitting it first where it must be."""

    kind = "summaries"

    def __init__(
        self,
        plan: Plan,
        component: Component[Generator],
        split: Split | None = None,
        *,
        part: Sequence[Video] | None = None,
    ) -> None:
        super().__init__(plan.store, newer_than=plan.newer_than(component.name))
        self._plan, self._component, self._split, self._part = plan, component, split, part

    @cached_property
    def _videos(self) -> Sequence[Video]:
        references = reads_references(self._component.system)
        if self._part is not None:
            return self._part
        if self._split:
            return self._plan.videos(self._split, references=references)
        return self._plan.pool_videos(references=references)

    def parts(self) -> list[Summarize]:
        """Divide the videos of a fitted generator into parts, each a separate artefact (``run.shards``).

        Returns [] for a generator that is not divided.
        """
        count, system = self._plan.machine.shards, self._component.system
        if self._part is not None or count == 1 or not isinstance(system, Divisible):
            return []
        return [
            Summarize(self._plan, self._component, part=videos)
            for videos in system.divide(self._videos, count)
        ]

    def key(self) -> dict[str, Json]:
        """Key summaries by the generator and what it sees."""
        if self._part is not None:
            pool = videos_digest(self._part)
        else:
            name = (self._split or "pool", reads_references(self._component.system))
            pool = self._plan.video_digests.of(name, lambda: self._videos)
        return {"generator": learnt_key(self._plan, self._component), "pool": pool}

    def make(self, folder: Path) -> dict[str, Json]:
        """Write summaries.jsonl. Raises BenchError for a generator that leaves a video out."""
        component = self._component
        fit = ensure_fitted(self._plan, component)
        threads = limit_threads(component.context.threads) if component.trainable else nullcontext()
        with threads, measure_cost() as cost:
            parts = [stage.get() for stage in self.parts()]
            written = _join(parts) if parts else component.system.summarize(list(self._videos))
        recorded = recorded_costs(component.system)
        coverage = _sum_coverage(parts) if parts else component.coverage()
        texts = texts_of(component, written, self._videos)
        (folder / "summaries.jsonl").write_text(summaries_text(texts), encoding="utf-8", newline="")
        return {
            "component": component.name,
            "fit_s": fit.get("seconds"),
            "fit_peak_mb": fit.get("peak_mb"),
            "fit_added_mb": fit.get("added_mb"),
            "training": fit.get("training", []),
            "seconds": round(sum(part.meta["seconds"] for part in parts), 4) if parts else cost.seconds,
            "peak_mb": max((part.meta["peak_mb"] for part in parts), default=cost.peak_mb),
            "added_mb": None if parts or recorded else cost.added_mb,
            "videos": len(self._videos),
            "params": component.parameters(),
            "coverage": coverage | fit.get("coverage", {}),
            "signature": component.signature(),
            "remarks": component.remarks(),
            **recorded,
        }

    def read(self, artefact: Artefact) -> Summaries:
        """Read the summaries back from a finished artefact."""
        lines = read_json_lines(artefact.path / "summaries.jsonl")
        texts = {line["video_id"]: line["summary"] for line in lines}
        return Summaries(texts, digest(list(texts.items())), artefact.meta, artefact.reused)


def summaries_text(texts: Mapping[VideoId, str]) -> str:
    """Write summaries as JSON lines, one per video."""
    return format_json_lines({"video_id": video_id, "summary": text} for video_id, text in texts.items())


def texts_of(component: Component[Generator], written: object, videos: Sequence[Video]) -> dict[VideoId, str]:
    """Take the text of each video from what a generator returned. Raises BenchError where one is missing."""
    if not isinstance(written, Mapping):
        raise BenchError(
            f"generator '{component.name}' returned {type(written).__name__}; summarize() must return a "
            "dictionary of texts by video id."
        )
    return {video.video_id: _text_of(component, written, video) for video in videos}


def _join(parts: Sequence[Summaries]) -> dict[VideoId, str]:
    return {video_id: text for part in parts for video_id, text in part.texts.items()}


def _sum_coverage(parts: Sequence[Summaries]) -> dict[str, int]:
    names = dict.fromkeys(name for part in parts for name in part.meta["coverage"])
    return {name: sum(part.meta["coverage"].get(name, 0) for part in parts) for name in names}


def _text_of(component: Component[Generator], written: Mapping[VideoId, str], video: Video) -> str:
    text = written.get(video.video_id)
    if not isinstance(text, str):
        raise BenchError(
            f"generator '{component.name}' returned {'nothing' if text is None else type(text).__name__} "
            f"for video '{video.video_id}'; summarize() must return a string, empty perhaps, for each."
        )
    # half of a surrogate pair cannot be written as UTF-8
    return text.encode("utf-8", "replace").decode("utf-8")
