"""Read and check one kind of visual features: three files or four, memory-mapped, never a pickle."""

from __future__ import annotations

import os
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.dataset import Features

TRANSCRIPTS = "transcripts.npy"
"""The optional file: vectors of the transcripts in the space of the frames. Not part of any digest or key."""
_CHUNK = 65_536  # rows looked at together when vectors are checked for finiteness


def feature_names(folder: Path) -> list[str]:
    """Return the names of the features that a dataset folder holds, sorted."""
    root = folder / "features"
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def read_features(folder: Path, name: str, report: Callable[[str], None]) -> Features | None:
    """Return checked features, or None after reporting what is wrong with them."""
    place = folder / "features" / name
    problems: list[str] = []
    frames = _array(place / "frames.npy", problems)
    offsets = _array(place / "offsets.npy", problems)
    ids = _ids(place / "ids.txt", problems)
    transcripts = _optional_array(place / TRANSCRIPTS, problems)
    if frames is not None:
        problems += _vector_problems(place / "frames.npy", frames, "[total_frames, dim]")
    if frames is not None and frames.ndim == 2 and ids is not None:
        if offsets is not None:
            problems += _offset_problems(place / "offsets.npy", offsets, len(ids), len(frames))
        if transcripts is not None:
            problems += _transcript_problems(place / TRANSCRIPTS, transcripts, len(ids), frames.shape[1])
    for problem in problems:
        report(problem)
    if problems or frames is None or offsets is None or ids is None:
        return None
    return Features(name, frames, offsets, {video_id: i for i, video_id in enumerate(ids)}, transcripts)


def _optional_array(path: Path, problems: list[str]) -> npt.NDArray[Any] | None:
    # a link that leads nowhere is there, and is a problem
    return _array(path, problems) if os.path.lexists(path) else None


def _array(path: Path, problems: list[str]) -> npt.NDArray[Any] | None:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        problems.append(f"{path}: the file is missing.")
        return None
    except (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError, OverflowError) as error:
        # objects and pickles are ValueErrors; a damaged header fails in the ways of a Python parser
        problems.append(f"{path}: not a plain NumPy array that can be memory-mapped ({error}).")
        return None
    if not isinstance(found, np.ndarray):
        found.close()
        problems.append(f"{path}: an archive of several arrays; one .npy array is expected.")
        return None
    return found


def _ids(path: Path, problems: list[str]) -> list[str] | None:
    if not path.is_file():
        problems.append(f"{path}: the file is missing.")
        return None
    try:
        ids = [line.rstrip("\r") for line in path.read_bytes().decode("utf-8").split("\n")]
    except UnicodeDecodeError as error:
        problems.append(f"{path}: not UTF-8 (byte {error.start + 1} of the file).")
        return None
    if ids and not ids[-1]:
        ids.pop()
    first: dict[str, int] = {}
    for number, video_id in enumerate(ids, start=1):
        if not video_id:
            problems.append(f"{path}:{number}: an empty line; each line holds a video id.")
        elif first.setdefault(video_id, number) != number:
            problems.append(f"{path}:{number}: the id '{video_id}' is already on line {first[video_id]}.")
    return ids


def _vector_problems(path: Path, vectors: npt.NDArray[Any], expected: str) -> list[str]:
    if vectors.dtype not in (np.float16, np.float32):
        return [f"{path}: the type is {vectors.dtype}; float16 or float32 is expected."]
    if vectors.ndim != 2:
        return [f"{path}: the shape is {vectors.shape}; {expected} is expected."]
    for start in range(0, len(vectors), _CHUNK):
        finite = np.isfinite(vectors[start : start + _CHUNK]).all(axis=1)
        if not finite.all():
            return [f"{path}: row {start + int(np.argmin(finite))} holds a value that is not finite."]
    return []


def _transcript_problems(path: Path, vectors: npt.NDArray[Any], videos: int, dim: int) -> list[str]:
    if vectors.shape != (videos, dim):
        return [
            f"{path}: the shape is {vectors.shape}; ({videos}, {dim}) is expected: "
            "lines in ids.txt, width of frames.npy."
        ]
    return _vector_problems(path, vectors, "[n_videos, dim]")


def _offset_problems(path: Path, offsets: npt.NDArray[Any], videos: int, frames: int) -> list[str]:
    if offsets.dtype != np.int64:
        return [f"{path}: the type is {offsets.dtype}; int64 is expected."]
    if offsets.shape != (videos + 1,):
        return [f"{path}: the shape is {offsets.shape}; ({videos + 1},) is expected: lines in ids.txt + 1."]
    if offsets[0] != 0 or offsets[-1] != frames or (np.diff(offsets) < 0).any():
        return [
            f"{path}: offsets must rise from 0 to the number of frames, {frames}; they do not fit frames.npy."
        ]
    return []
