"""A generator that measures losses → what it makes of transcripts and of frames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.exchange import MODALITIES, exchange_inputs
from bench.harness.plan import Plan
from bench.harness.stages.fit import Fit, ensure_fitted, learnt_key
from bench.harness.stages.stage import Stage
from bench.metrics.intervals import mean_interval
from bench.protocols import Generator, MeasuringLoss
from bench.store.artefacts import Artefact
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.systems.arithmetic import limit_threads
from bench.systems.component import Component
from bench.systems.file_summaries import recorded_modality
from bench.types import Json, Video

Row: TypeAlias = dict[str, Any]
"""A row of modality.csv, less the generator."""


class MeasureModalities(Stage[Sequence[Row]]):
    """Measure by how much a generator's loss rises when an input is another video's, for each of its inputs.

    The gap is the mean over evaluated videos of (loss with the wrong input - loss with the right one), in
    nats per token, with a 95 % bootstrap interval over videos. 0: the input makes no difference.
    """

    kind = "modality-use"

    def __init__(self, plan: Plan, component: Component[Generator]) -> None:
        super().__init__(plan.store, newer_than=plan.newer_than(component.name))
        self._plan, self._component = plan, component

    @cached_property
    def _videos(self) -> Sequence[Video]:
        videos = self._plan.videos(self._plan.config.split, references=True)
        return [video for video in videos if video.references]

    def key(self) -> dict[str, Json]:
        """Key the measurement by the generator, the videos that it sees, and how they are exchanged."""
        return {
            "generator": learnt_key(self._plan, self._component),
            "videos": self._plan.video_digests.of("with references", lambda: self._videos),
            "seed": self._plan.seed,
            "code": digest([code_digest("bench.exchange"), code_digest("bench.metrics.intervals")]),
        }

    def make(self, folder: Path) -> dict[str, Json]:
        """Measure the losses. Raises BenchError for a plug-in's losses that are not a number a video."""
        ensure_fitted(self._plan, self._component)
        system = cast("MeasuringLoss", self._component.system)
        with limit_threads(self._component.context.threads):
            right = dict(zip([v.video_id for v in self._videos], self._losses(), strict=True))
            rows: list[Json] = []
            for modality in (m for m in MODALITIES if m in system.reads):
                wrong = exchange_inputs(self._videos, modality, seed=self._plan.seed)
                if wrong:
                    gaps = self._losses(list(wrong.values())) - np.array([right[v] for v in wrong])
                    rows.append({"modality": modality, **_summarize(gaps)})
        return {"rows": rows}

    def _losses(self, videos: Sequence[Any] | None = None) -> npt.NDArray[np.float64]:
        videos = self._videos if videos is None else videos
        losses = cast("MeasuringLoss", self._component.system).reference_losses(list(videos))
        values = np.asarray(losses, dtype=np.float64)
        if values.shape != (len(videos),) or not np.isfinite(values).all():
            raise BenchError(
                f"generator '{self._component.name}' returned {values.size} losses for {len(videos)} videos, "
                f"{int((~np.isfinite(values)).sum())} of them not finite; reference_losses() must return a "
                "number for each."
            )
        return values

    def read(self, artefact: Artefact) -> Sequence[Row]:
        """Read the measured losses, a row for each input, from a finished artefact."""
        rows: Sequence[Row] = artefact.meta["rows"]
        return rows


def _summarize(gaps: npt.NDArray[np.float64]) -> Row:
    interval = mean_interval(gaps)
    return {"gap": float(gaps.mean()), "ci_low": interval.low, "ci_high": interval.high, "n": len(gaps)}


def measure_modalities(plan: Plan, component: Component[Generator], *, reused: bool) -> Sequence[Row]:
    """Measure, or read from a record, how much a generator uses each input; [] where neither is possible.

    ``reused`` says that its summaries are from the store: then nothing is trained for this alone.
    """
    if not isinstance(component.system, MeasuringLoss):
        return recorded_modality(component.system)
    stage = MeasureModalities(plan, component)
    if reused and component.trainable and not stage.exists() and not Fit(plan, component).exists():
        return []
    return stage.get()
