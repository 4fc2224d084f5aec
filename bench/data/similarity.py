"""Similarity of transcript and picture, for datasets with vectors of both in the same space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.data.dataset import Dataset
from bench.data.features import TRANSCRIPTS
from bench.types import Frames, VideoId

SIMILARITY = "text-visual similarity"
"""The measure's name, in the statistics and in ``paper-figures.yaml``."""


@dataclass(frozen=True, slots=True)
class Similarities:
    """The cosine of each video that has both vectors, and how many videos lack one.

    A video that lacks both is counted as one without frames.
    """

    values: Mapping[VideoId, float]
    without_frames: int
    without_text: int


def text_visual_similarities(dataset: Dataset) -> Similarities | None:
    """Compute the cosine of picture and transcript of each video; None without vectors of transcripts.

    The picture is the mean of the frame vectors, each scaled to length 1 first, over the frames that a
    generator sees. Source: paper IV-A2; what it leaves open is decided in paper-audit 51.
    """
    features = dataset.features
    if features is None or features.transcripts is None:
        return None
    values: dict[VideoId, float] = {}
    without_frames = without_text = 0
    for video_id in (record.video_id for record in dataset.records):
        picture = _mean_direction(features.of(video_id, dataset.max_frames))
        text = features.transcript(video_id)
        if picture is None:
            without_frames += 1
        elif text is None:
            without_text += 1
        else:
            values[video_id] = _cosine(picture, text.astype(np.float64))
    return Similarities(values, without_frames, without_text)


def describe_missing_vectors(dataset: Dataset) -> str:
    """Explain which file the similarity needs, and its format."""
    name = dataset.features.name if dataset.features else "<name>"
    return (
        f"Similarity of text and picture is not given: it needs features/{name}/{TRANSCRIPTS}, float16 or "
        "float32 [n_videos, dim], with the transcript's vector in the space of the frames (such as that of a "
        "CLIP's text side) for each line of ids.txt, or zeros where there is none."
    )


def _mean_direction(frames: Frames) -> npt.NDArray[np.float64] | None:
    """Average the unit vectors of a video's frames, ``[dim]``; None where all are zeros."""
    vectors = frames.astype(np.float64)  # float16 would overflow when squared
    lengths = np.linalg.norm(vectors, axis=1)  # [n]
    nonzero = lengths > 0  # a black frame may be all zeros, which has no direction
    if not nonzero.any():
        return None
    mean: npt.NDArray[np.float64] = (vectors[nonzero] / lengths[nonzero, None]).mean(axis=0)
    return mean if mean.any() else None


def _cosine(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
