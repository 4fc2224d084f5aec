"""Ask the generators of a finished run what they see in a video, where they can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.config.run_config import config_from_settings
from bench.errors import BenchError
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.retrieve import fitted
from bench.protocols import ExplainingGenerator
from bench.systems.component import make_generator
from bench.types import Json, Video, VideoId

_SAID_ELSEWHERE = ("video_id", "summary")


class Looker:
    """Take a run's trained generators from the store and let them explain a video.

    What cannot be had (the data, the model, a package) is left out: the run's own files are told all
    the same. Nothing is trained.
    """

    def __init__(self, manifest: Mapping[str, Any], store: Path) -> None:
        self._manifest, self._store = manifest, store

    def lines(self, generator: str, video: VideoId) -> list[str]:
        """Return what a generator of the run says of a video; nothing when it cannot say."""
        system = self._systems.get(generator)
        seen = self._videos.get(video)
        return [] if system is None or seen is None else list(told(system.explain(seen)))

    @cached_property
    def _plan(self) -> Plan | None:
        try:
            settings = self._manifest["settings"]
            plan = make_plan(config_from_settings(settings, store=self._store, no_train=True))
        except BenchError:
            return None
        return plan if plan.dataset.digest == self._manifest["dataset"]["digest"] else None

    @cached_property
    def _videos(self) -> Mapping[VideoId, Video]:
        pool = self._plan.pool_videos(references=True) if self._plan else []
        return {video.video_id: video for video in pool}

    @cached_property
    def _systems(self) -> Mapping[str, ExplainingGenerator]:
        plan, found = self._plan, {}
        if plan is None:
            return {}
        for name in plan.generators:
            try:
                component = make_generator(name, plan.context())
                if isinstance(component.system, ExplainingGenerator):
                    fitted(plan, component)
                    found[component.name] = component.system
            except BenchError:
                continue
        return found


def told(explanation: Mapping[str, Json]) -> Iterator[str]:
    """Yield a line for each thing an explanation holds, and one for each row of a list of rows."""
    for name, value in explanation.items():
        label = name.replace("_", " ")
        if name in _SAID_ELSEWHERE:
            continue
        if (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and any(isinstance(v, Mapping) for v in value)
        ):
            yield f"{label}:"
            yield from (f"  {_row(row)}" for row in value if isinstance(row, Mapping))
        else:
            yield f"{label}: {_plain(value)}"


def _row(row: Mapping[str, Json]) -> str:
    return ", ".join(_plain(v) if isinstance(v, str) else f"{name} {_plain(v)}" for name, v in row.items())


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(item) for item in value) or "(none)"
    return str(value)
