"""Draw the videos of a synthetic dataset part by part, in worker processes where there are many."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.data.synthetic.frames import DIMENSION, draw_frame_count, draw_frames
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.queries import draw_queries
from bench.data.synthetic.story import VideoStories, draw_stories
from bench.data.synthetic.transcript import draw_transcript, transcript_vector
from bench.data.synthetic.world import SyntheticWorld
from bench.types import Json

# Each part of a video has its own random stream, so that an option of one part does not change the others.
_STORY, _SPEECH, _QUERIES, _FRAME_COUNT, _FRAMES = range(5)
_VIDEOS = 1000
"""Videos drawn at a time: what bounds the memory."""
_WORTH_WORKERS = 10_000
"""Videos from which worker processes repay the second of their start."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Successive videos: their lines of videos.jsonl, queries, vectors of transcripts and frames."""

    video_ids: Sequence[str]
    lines: str
    queries: Sequence[Sequence[str]]
    transcripts: npt.NDArray[np.float16]
    """``[videos, d]``."""
    frames: npt.NDArray[np.float16]
    """``[frames of all videos, d]``."""


def count_frames(options: SynthOptions) -> list[int]:
    """Draw the number of frames of each video."""
    worlds = (SyntheticWorld.of_stream(options, _FRAME_COUNT, index) for index in range(options.videos))
    return [draw_frame_count(world) for world in worlds]


def draw_parts(options: SynthOptions) -> Iterator[Part]:
    """Yield all videos in order; the same whether processes share the work or not."""
    starts = range(0, options.videos, _VIDEOS)
    workers = os.cpu_count() or 1
    if options.videos < _WORTH_WORKERS or workers == 1:
        yield from (draw_part(options, start) for start in starts)
        return
    from loky import get_reusable_executor

    with get_reusable_executor(max_workers=workers) as executor:
        for some in _batches(starts, 4 * workers):
            yield from executor.map(draw_part, [options] * len(some), some)


def _batches(starts: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    # few parts at a time: those that wait to be written are in memory
    return (starts[i : i + size] for i in range(0, len(starts), size))


def draw_part(options: SynthOptions, start: int) -> Part:
    """Draw the videos from ``start`` on."""
    ids, lines, queries, vectors, frames = [], [], [], [], [np.empty((0, DIMENSION), dtype=np.float16)]
    for index in range(start, min(start + _VIDEOS, options.videos)):
        story = SyntheticWorld.of_stream(options, _STORY, index)
        video = draw_stories(story)
        transcript = _transcript(options, index, video)
        ids.append(f"v{index:07d}")  # ids sort in the order of the file
        record = {"id": ids[-1], "transcript": transcript, "split": options.split_of(index)}
        lines.append(json.dumps(record | _true_fields(video), ensure_ascii=False) + "\n")
        queries.append(draw_queries(SyntheticWorld.of_stream(options, _QUERIES, index), video.video))
        vectors.append(transcript_vector(story.vocabulary, transcript))
        count = draw_frame_count(SyntheticWorld.of_stream(options, _FRAME_COUNT, index))
        frames.append(draw_frames(SyntheticWorld.of_stream(options, _FRAMES, index), video.picture, count))
    return Part(ids, "".join(lines), queries, np.stack(vectors), np.concatenate(frames))


def _transcript(options: SynthOptions, index: int, video: VideoStories) -> str:
    world = SyntheticWorld.of_stream(options, _SPEECH, index)
    return "" if world.rng.chance(options.no_transcript) else draw_transcript(world, video.speech)


def _true_fields(video: VideoStories) -> dict[str, Json]:
    """Collect what a video is really about: free fields, for diagnosis, which no generator reads."""
    return {
        "topic": video.video.topic.name,
        "action": video.video.action,
        "key_entities": list(video.video.keys),
        "speech_on_topic": video.speech_on_topic,
        "picture_on_topic": video.picture_on_topic,
    }
