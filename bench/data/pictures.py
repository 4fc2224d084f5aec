"""Frames of videos as JPEG, for systems that look at pictures: ``frames/ID/0.jpg``, ``1.jpg``, …."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.data.dataset import VideoRecord, spread
from bench.data.features import file_problem
from bench.types import Picture, VideoId

PICTURES = "frames"
_NAME = re.compile(r"[0-9]{1,9}\.jpg")
_BEGIN = b"\xff\xd8\xff"  # of every JPEG file


def find_pictures(
    folder: Path, records: Iterable[VideoRecord], limit: int, report: Callable[[str], None]
) -> Mapping[VideoId, tuple[Picture, ...]]:
    """Find the pictures of a dataset's videos, at most ``limit`` of each, uniformly spaced.

    They are the files ``frames/ID/NUMBER.jpg`` in the order of their numbers; anything else in the folder is
    left alone. A file that is no JPEG goes to ``report``.
    """
    root = folder / PICTURES
    if not root.is_dir():
        return {}
    names = (record.video_id for record in records if _is_name(record.video_id))
    pictures = {name: tuple(_read(root / name, limit, report)) for name in names if (root / name).is_dir()}
    return {video_id: of for video_id, of in pictures.items() if of}


def _is_name(video_id: VideoId) -> bool:
    """Check whether an id names a folder right below another one, not one elsewhere."""
    return "/" not in video_id and video_id not in (".", "..")


def folders_of_pictures(folder: Path) -> list[Path]:
    """List the folders of a dataset that hold pictures of a video each."""
    root = folder / PICTURES
    if not root.is_dir():
        return []
    return [path for path in sorted(root.iterdir()) if path.is_dir() and any(_numbered(path))]


def _numbered(folder: Path) -> list[Path]:
    names = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(names, key=lambda path: (int(path.stem), path.name))


def _read(folder: Path, limit: int, report: Callable[[str], None]) -> Iterable[Picture]:
    paths = _numbered(folder)
    if len(paths) > limit:
        paths = [paths[i] for i in spread(len(paths), limit)]
    for path in paths:
        problem = file_problem(path)
        data = b"" if problem else path.read_bytes()
        if problem or not data.startswith(_BEGIN):
            report(problem or f"{path}: not a JPEG picture.")
        else:
            yield Picture(path, hashlib.sha256(data).hexdigest())
