"""An exchanged input is always another video's, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.exchange import MODALITIES, Modality, exchange_inputs
from bench.types import Picture, Video


def numbered(count: int) -> list[Video]:
    return [
        Video(
            f"v{i}",
            f"words {i}",
            np.full((1, 2), i, np.float32),
            (f"q{i}",),
            (Picture(Path(f"{i}.jpg"), ""),),
        )
        for i in range(count)
    ]


def owner(video: Video, modality: Modality) -> str:
    return f"v{int(video.frames[0, 0])}" if modality == "frames" else f"v{video.transcript.split()[1]}"


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("seed", range(5))
def test_every_input_goes_to_one_other_video(modality: Modality, seed: int) -> None:
    videos = numbered(7)
    exchanged = exchange_inputs(videos, modality, seed=seed)
    owners = {video_id: owner(video, modality) for video_id, video in exchanged.items()}
    assert sorted(owners) == sorted(owners.values()) == [video.video_id for video in videos]
    assert all(video_id != other for video_id, other in owners.items())
    (kept,) = (m for m in MODALITIES if m != modality)
    assert all(owner(video, kept) == video_id for video_id, video in exchanged.items())
    assert all(exchanged[video.video_id].references == video.references for video in videos)
    assert all(video.pictures[0].path.stem == owner(video, "frames")[1:] for video in exchanged.values())


def test_the_seed_draws_who_exchanges() -> None:
    videos = numbered(20)
    draws = [{v: x.transcript for v, x in exchange_inputs(videos, "text", seed=s).items()} for s in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_videos_without_the_input_are_left_out() -> None:
    silent = [
        Video("a", " ", np.ones((1, 2), np.float32)),
        Video("b", "words 1", np.zeros((0, 2), np.float32)),
    ]
    assert set(exchange_inputs([*silent, *numbered(3)], "text", seed=0)) == {"b", "v0", "v1", "v2"}
    assert set(exchange_inputs([*silent, *numbered(3)], "frames", seed=0)) == {"a", "v0", "v1", "v2"}
    assert exchange_inputs(silent, "text", seed=0) == {}
