"""Frames kept as small JPEG pictures, for systems that look at them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.errors import MissingError
from bench.prepare.media.decoding import Pictures
from bench.store.environment import installed_versions
from bench.types import Json

LONG_SIDE = 384
"""Pixels of the longer side of a picture, at most: what captioners read, and one tile of most endpoints."""
_QUALITY = 85


def identify_pictures() -> Mapping[str, Json]:
    """Identify what makes the pictures. Raises MissingError without Pillow."""
    versions = installed_versions(["av", "pillow"])
    if "pillow" not in versions:
        raise MissingError(
            "--keep-frames needs the package pillow, which is not installed. Install it with: "
            "pip install -c constraints.txt -e '.[prepare]'"
        )
    return {"long side": LONG_SIDE, "quality": _QUALITY, **versions}


def name_of_picture(number: int) -> str:
    """Name the file of a video's picture, which are numbered from 0."""
    return f"{number}.jpg"


def write_pictures(folder: Path, pictures: Pictures, count: int) -> int:
    """Write ``count`` of the pictures ``[n, height, width, 3]``, spread evenly, or all; returns how many.

    The same pictures give the same bytes, because a file holds neither times nor settings of a machine.
    """
    from PIL import Image

    count = min(count, len(pictures))
    places = ((np.arange(count) + 0.5) * len(pictures) / count).astype(int)  # [count]
    for number, place in enumerate(places):
        image = Image.fromarray(pictures[place])
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        image.save(folder / name_of_picture(number), "JPEG", quality=_QUALITY)
    return count
