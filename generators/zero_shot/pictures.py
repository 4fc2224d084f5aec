"""Pictures of videos, for the rows that look at them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import MissingError
from bench.types import Picture, Video


def spread(pictures: Sequence[Picture], count: int) -> tuple[Picture, ...]:
    """Take ``count`` pictures, spread evenly over them, or all; one is the middle one."""
    if len(pictures) <= count:
        return tuple(pictures)
    return tuple(pictures[(2 * i + 1) * len(pictures) // (2 * count)] for i in range(count))


def require_pictures(row: str, videos: Sequence[Video]) -> None:
    """Check that a row has something to look at. Raises MissingError when no video has a picture."""
    if videos and not any(video.pictures for video in videos):
        raise MissingError(
            f"{row} looks at pictures, and none of {len(videos)} videos has one in the dataset. Keep some "
            "with bench data prepare --keep-frames 4, or put JPEG frames of each video into frames/ID/0.jpg, "
            "1.jpg, … of the dataset's folder."
        )
