"""`bench summarize`: a generator, fitted as for a run, writes a summary of each new video."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.config.run_config import configure
from bench.data.registered import dataset_folder
from bench.errors import DataError, UsageError, third_party_errors
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.fit import ensure_fitted, learnt_key
from bench.harness.stages.summarize import summaries_text, texts_of
from bench.inference.growing_file import GrowingFile
from bench.inference.output import check_out
from bench.inference.stream import VideoStream, add_pictures
from bench.options import expand_home
from bench.protocols import Generator, MeasuringLoss, holds_one_split, reads_references
from bench.store.digests import digest
from bench.store.files import remove_unfinished, replacing
from bench.systems.arithmetic import configure_torch, limit_threads
from bench.systems.component import Component, make_generator
from bench.systems.cost import Cost, measure_cost
from bench.systems.file_summaries import record_path
from bench.systems.registry import cell_name
from bench.types import Video

BLOCK = 1024
"""Videos that are read, summarized and written together: all that a kill can lose."""
_SECONDS = 10  # between two lines of progress
_FORMAT = 2  # of what is noted beside unfinished summaries


@dataclass(frozen=True)
class Progress:
    """How far the summaries of a file are, all calls together; fitting is not counted."""

    videos: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    coverage: Mapping[str, int] = field(default_factory=dict)
    """Counts of input that could not be used in full."""

    def plus(self, videos: int, cost: Cost, coverage: Mapping[str, int]) -> Progress:
        """Add a block of videos."""
        return Progress(
            self.videos + videos,
            round(self.seconds + cost.seconds, 4),
            max(self.peak_mb, cost.peak_mb),
            dict(Counter(self.coverage) + Counter(coverage)),
        )

    def to_text(self) -> str:
        """Say how many summaries were written, and how fast."""
        rate = f", {self.videos / self.seconds:,.0f} a second" if self.seconds else ""
        return f"{self.videos:,} summaries{rate}"


@dataclass(frozen=True)
class Written:
    """What `summarize` wrote, and what it took."""

    path: Path
    label: str
    continued: int
    """Videos that an earlier, unfinished call had written."""
    progress: Progress

    def to_text(self) -> str:
        """Describe the file in a few lines."""
        lines = [f"{self.label}: {self.progress.to_text()}"]
        if self.continued:
            lines.append(f"  {self.continued:,} of them from an earlier call")
        lines += [f"  {count:,} {what}" for what, count in self.progress.coverage.items() if count]
        return "\n".join([*lines, f"summaries: {self.path}"]) + "\n"


def summarize(generator: Any, videos: str | Path, out: str | Path, **options: Any) -> Written:
    """Fit a generator, or load it from the store, and write its summary of each video into a file.

    See `bench.summarize`.
    """
    configure_torch()
    for name, place in (("videos", videos), ("out", out)):
        if not isinstance(place, (str, os.PathLike)):
            raise UsageError(f"{name}: a path is expected, not {type(place).__name__}.")
    plan = make_plan(configure({**options, "generators": generator}))
    component = _build(plan)
    stream = _open_videos(plan, component, expand_home(videos))
    path = expand_home(out)
    trained_on = dataset_folder(plan.config.data, plan.store.root / "datasets")
    check_out(path, stream.path, [folder for folder in (stream.folder, trained_on) if folder])
    with _errors_of(component.name):
        fit = ensure_fitted(plan, component)
    found = stream.identity()
    with GrowingFile(path, digest([_FORMAT, learnt_key(plan, component), found, BLOCK])) as file:
        continued = _continue(stream, file)
        remove_unfinished(record_path(path))
        progress = _write_blocks(component, stream, file, quiet=plan.config.quiet)
        if not progress.videos:
            raise DataError(f"{stream.path}: there is no video in it: a JSON object with id and transcript.")
        stream.check_unchanged(found)
        _finish(file, _record(component, fit, progress))
    return Written(file.path, component.label, continued.videos, progress)


def _build(plan: Plan) -> Component[Generator]:
    """Build the generator that is named. Raises UsageError for several, and for one that cannot be used."""
    if len(plan.generators) > 1:
        names = ", ".join(plan.generators)
        raise UsageError(f"one generator writes one file; {len(plan.generators)} were named: {names}.")
    if len(plan.config.seed) > 1:
        raise UsageError("one seed is needed: each is another model. Name one with --seed.")
    with _errors_of(cell_name(plan.generators[0])):
        component = make_generator(plan.generators[0], plan.context())
    if reads_references(component.system):
        raise UsageError(f"'{component.name}' copies queries of the videos, and new videos have none.")
    if holds_one_split(component.system):
        raise UsageError(f"'{component.name}' has summaries of its own videos only; name a generator.")
    return component


def _open_videos(plan: Plan, component: Component[Generator], source: Path) -> VideoStream:
    """Open the videos. Raises DataError where a generator that reads frames would find none at all."""
    fitted_with, system = plan.dataset.features, component.system
    name, width = (fitted_with.name, fitted_with.frames.shape[1]) if fitted_with else (None, 0)
    stream = VideoStream(source, name, width, plan.dataset.max_frames)
    reads_frames = isinstance(system, MeasuringLoss) and "frames" in system.reads
    if reads_frames and name is not None and stream.features is None:
        raise DataError(
            f"{source}: the features '{name}' are missing (features/{name}/), which {component.label} reads. "
            "Make them as those of the training videos were made, or name a generator that reads transcripts."
        )
    return stream


def _continue(stream: VideoStream, file: GrowingFile) -> Progress:
    """Find how far an earlier call came: not at all, where pictures of its videos are others now.

    A picture may change under any name and time of change, so that its bytes are compared.
    """
    progress = _progress(file)
    if progress.videos and stream.pictures_of(progress.videos) != file.state["pictures"]:
        file.begin_again("of other pictures")
    return _progress(file)


def _progress(file: GrowingFile) -> Progress:
    return Progress(**file.state.get("progress", {}))


def _write_blocks(
    component: Component[Generator], stream: VideoStream, file: GrowingFile, *, quiet: bool
) -> Progress:
    progress, shown = _progress(file), time.monotonic()
    pictures = file.state.get("pictures", "")
    for videos in stream.blocks(BLOCK, skip=progress.videos):
        threads = limit_threads(component.context.threads)
        with threads, measure_cost() as cost, _errors_of(component.name):
            written = component.system.summarize(list(videos))
            coverage = component.coverage()
        texts = texts_of(component, written, videos)
        progress = progress.plus(len(videos), cost, {**coverage, **_count_missing(videos, stream)})
        pictures = add_pictures(pictures, videos)
        file.append(summaries_text(texts), {"progress": asdict(progress), "pictures": pictures})
        if not quiet and time.monotonic() - shown > _SECONDS:
            print(f"bench: {progress.to_text()}", file=sys.stderr, flush=True)
            shown = time.monotonic()
    return progress


def _errors_of(name: str) -> AbstractContextManager[None]:
    """Report whatever the code of a generator raises as its failure, not as one of this program."""
    return third_party_errors(f"generator '{name}' failed", advice="See the traceback with --verbose.")


def _count_missing(videos: Sequence[Video], stream: VideoStream) -> dict[str, int]:
    """Count the videos of which an input is missing: all of them, where ids do not fit."""
    counts = {"without transcript": sum(1 for video in videos if not video.transcript.strip())}
    if stream.features is not None:
        counts["without frames"] = sum(1 for video in videos if not len(video.frames))
    return counts


def _finish(file: GrowingFile, record: Mapping[str, Any]) -> None:
    """Give the file its name, and put its record beside it: never that of an older file, whenever killed."""
    place = record_path(file.path)
    with replacing(place) as unfinished:
        unfinished.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        place.unlink(missing_ok=True)
        file.finish()


def _record(component: Component[Generator], fit: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Collect what `file:PATH` shows beside the scores of these summaries (contract section 3)."""
    given = {
        "label": component.label,
        "seconds": progress.seconds,
        "peak_mb": progress.peak_mb,
        "fit_s": fit.get("seconds"),
        "params": component.parameters(),
        "training": [_finite(line) for line in fit.get("training", [])],
        "signature": component.signature(),
        "coverage": {**progress.coverage, **fit.get("coverage", {})},
        "remarks": component.remarks(),
    }
    return {name: value for name, value in given.items() if value is not None}


def _finite(line: Mapping[str, float]) -> dict[str, float]:
    """Leave out what JSON cannot hold, such as the loss of an epoch without videos."""
    return {name: value for name, value in line.items() if math.isfinite(value)}
