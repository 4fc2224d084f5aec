"""Explanations by the trained generators of a finished run, where they implement `ExplainingGenerator`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from bench.config.run_config import config_from_settings
from bench.errors import BenchError, third_party_errors
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.fit import ensure_fitted
from bench.output.manifest import Manifest
from bench.protocols import ExplainingGenerator
from bench.systems.component import make_generator
from bench.types import Json, Video, VideoId

_SHOWN_ABOVE = ("video_id", "summary")


class GeneratorExplanations:
    """The generators of a run, loaded from the store to explain single videos.

    A generator is left out when its data, model or package is missing on this machine. Nothing is trained.
    """

    def __init__(self, manifest: Manifest, store: Path) -> None:
        self._manifest, self._store = manifest, store

    def lines(self, generator: str, video: VideoId) -> list[str]:
        """Print a generator's explanation of a video as lines; none when it gives no explanation."""
        system = self._systems.get(generator)
        item = self._videos.get(video)
        if system is None or item is None:
            return []
        return explained(generator, lambda: list(format_lines(system.explain(item))))

    @cached_property
    def _plan(self) -> Plan | None:
        try:
            settings = self._manifest.settings
            plan = make_plan(config_from_settings(settings, store=self._store, no_train=True))
        except BenchError:
            return None
        return plan if plan.dataset.digest == self._manifest.dataset.digest else None

    @cached_property
    def _videos(self) -> Mapping[VideoId, Video]:
        pool = self._plan.pool_videos(references=True) if self._plan else []
        return {video.video_id: video for video in pool}

    @cached_property
    def _systems(self) -> Mapping[str, ExplainingGenerator]:
        plan = self._plan
        systems: dict[str, ExplainingGenerator] = {}
        if plan is None:
            return {}
        for name in plan.generators:
            try:
                component = make_generator(name, plan.context())
                if isinstance(component.system, ExplainingGenerator):
                    ensure_fitted(plan, component)
                    systems[component.name] = component.system
            except BenchError:
                continue
        return systems


def explained(name: str, explain: Callable[[], list[str]]) -> list[str]:
    """Call a system's ``explain``; where it fails, name it on standard error and show the others."""
    try:
        with third_party_errors(f"'{name}': explain() failed"):
            return explain()
    except BenchError as error:
        _report(str(error))
        return []


@cache
def _report(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr)


def format_lines(explanation: Mapping[str, Json]) -> Iterator[str]:
    """Yield a line for each entry of an explanation, and one for each row of a list of rows."""
    for name, value in explanation.items():
        label = name.replace("_", " ")
        if name in _SHOWN_ABOVE:
            continue
        if (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and any(isinstance(v, Mapping) for v in value)
        ):
            yield f"{label}:"
            yield from (f"  {_format_row(row)}" for row in value if isinstance(row, Mapping))
        else:
            yield f"{label}: {_format_value(value)}"


def _format_row(row: Mapping[str, Json]) -> str:
    return ", ".join(
        _format_value(v) if isinstance(v, str) else f"{name} {_format_value(v)}" for name, v in row.items()
    )


def _format_value(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_format_value(item) for item in value) or "(none)"
    return str(value)
