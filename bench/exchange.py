"""Videos with the transcript or the frames of another video: what a system that reads them must notice."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from bench.types import Video, VideoId

Modality: TypeAlias = Literal["text", "frames"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)


def exchange_inputs(videos: Sequence[Video], modality: Modality, *, seed: int) -> Mapping[VideoId, Video]:
    """Give each video the transcript or the frames of another one, to measure how much a generator uses them.

    The other is drawn by ``seed`` so that every video's input goes to one other video and none keeps its
    input. Videos without that input are left out; {} where fewer than two have it. Id, references and the
    other input stay.
    """
    having = [v for v in videos if (v.transcript.strip() if modality == "text" else len(v.frames))]
    if len(having) < 2:
        return {}
    order = list(having)
    random.Random(f"{modality}:{seed}").shuffle(order)
    # in a cycle through all of them no video is followed by itself
    return {
        video.video_id: Video(
            video.video_id,
            other.transcript if modality == "text" else video.transcript,
            other.frames if modality == "frames" else video.frames,
            video.references,
            other.pictures if modality == "frames" else video.pictures,
        )
        for video, other in zip(order, [*order[1:], order[0]], strict=True)
    }
