"""What a generator makes of its inputs is measured from outside, for plug-ins as for built-in rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence

import pandas as pd
import pytest

from bench.config.run_config import configure
from bench.errors import BenchError
from bench.harness.manifest import modality_remarks
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.modality import MeasureModalities, measure_modalities
from bench.protocols import Generator
from bench.systems.component import Component
from bench.types import Video, VideoId
from tests.tiny import Tiny


class TextReader:
    """A generator whose loss is 1 lower with the transcript that it knows; it does nothing with frames."""

    label = "Text reader"
    reads = ("text", "frames")

    def __init__(self, plan: Plan) -> None:
        self.known = {v.video_id: v.transcript for v in plan.videos("test", references=True)}

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        return {video.video_id: "" for video in videos}

    def reference_losses(self, videos: Sequence[Video]) -> Sequence[float]:
        return [2.0 + (self.known[video.video_id] != video.transcript) for video in videos]


class Silent(TextReader):
    """A generator that has no number for a video."""

    def reference_losses(self, videos: Sequence[Video]) -> Sequence[float]:
        return [float("nan") for _ in videos]


@pytest.fixture
def plan(tiny: Tiny) -> Plan:
    systems = {"generators": ["lead"], "retrievers": ["bm25"]}
    return make_plan(configure({"data": tiny.folder, "store": tiny.folder.parent, **systems}))


def component(plan: Plan, system: Generator) -> Component[Generator]:
    return Component("reader", system, plan.context(), {}, "reader")


def test_the_gap_is_the_rise_of_the_loss_with_anothers_input(plan: Plan) -> None:
    text, frames = MeasureModalities(plan, component(plan, TextReader(plan))).get()
    # of five videos with queries one has no transcript and one no frames
    assert text == {"modality": "text", "gap": 1.0, "ci_low": 1.0, "ci_high": 1.0, "n": 4}
    assert frames == {"modality": "frames", "gap": 0.0, "ci_low": 0.0, "ci_high": 0.0, "n": 3}


def test_losses_are_measured_afresh_where_that_is_asked_for(plan: Plan) -> None:
    class Deaf(TextReader):
        def reference_losses(self, videos: Sequence[Video]) -> Sequence[float]:
            return [2.0] * len(videos)

    MeasureModalities(plan, component(plan, TextReader(plan))).get()
    config = dataclasses.replace(plan.config, fresh=("all",))
    afresh = dataclasses.replace(plan, config=config, began=time.time_ns())
    text, _ = MeasureModalities(afresh, component(afresh, Deaf(afresh))).get()
    assert text["gap"] == 0


def test_losses_that_are_not_numbers_are_an_error_that_names_the_generator(plan: Plan) -> None:
    with pytest.raises(BenchError, match="'reader' returned 5 losses for 5 videos, 5 of them not finite"):
        MeasureModalities(plan, component(plan, Silent(plan))).get()


def test_a_generator_without_losses_is_not_measured(plan: Plan) -> None:
    class Plain:
        label = "Plain"

        def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
            return {}

    assert measure_modalities(plan, component(plan, Plain()), reused=False) == []


def test_an_input_that_is_hardly_read_is_named() -> None:
    uses = pd.DataFrame(
        [("text", 0.02, 0.01, 0.03), ("frames", 0.4, -0.1, 0.9), ("text", 0.3, 0.2, 0.4)],
        columns=["modality", "gap", "ci_low", "ci_high"],
    )
    assert modality_remarks(uses.to_dict("records")) == [  # type: ignore[arg-type]
        "hardly reads the transcript: another video's cost 0.020 nats a token [0.010, 0.030]",
        "hardly reads the frames: another video's cost 0.400 nats a token [-0.100, 0.900]",
    ]
