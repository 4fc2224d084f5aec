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
    """Write a value as the one JSON text it has: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Digest a JSON-able value to sha256 hex."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Digest a file's bytes to sha256 hex. Raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def row_digest(key: bytes, data: bytes) -> bytes:
    """Digest a row of a cache in SQLite, so that neither its value nor its key can change unnoticed."""
    return hashlib.sha256(key + data).digest()[:16]


def videos_digest(videos: Sequence[Video]) -> str:
    """Digest all that a generator can see of videos: ids, transcripts, references, frames, pictures."""
    whole = hashlib.sha256()
    for video in videos:
        head = [video.video_id, video.transcript, list(video.references), str(video.frames.dtype)]
        whole.update(canonical([*head, list(video.frames.shape)]).encode())
        whole.update(np.ascontiguousarray(video.frames).tobytes())
        whole.update("".join(picture.digest for picture in video.pictures).encode())
    return whole.hexdigest()
