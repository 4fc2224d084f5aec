"""Digests of values, of files, and of what a generator can see of videos."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.types import Video

__cache_neutral__ = True


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the sha256 hex digest of a JSON-able value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Return the sha256 hex digest of a file's bytes. Raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def videos_digest(videos: Sequence[Video]) -> str:
    """Return the digest of all that a generator can see: ids, transcripts, references, frames."""
    whole = hashlib.sha256()
    for video in videos:
        head = [video.video_id, video.transcript, list(video.references), str(video.frames.dtype)]
        whole.update(canonical([*head, list(video.frames.shape)]).encode())
        whole.update(np.ascontiguousarray(video.frames).tobytes())
    return whole.hexdigest()
