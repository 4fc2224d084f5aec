"""Read and check visual features: three or four files a kind, memory-mapped, never unpickled."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.dataset import Features
from bench.errors import DataError, reason_of, shorten
from bench.store.files import raise_data_error, read_lines

TRANSCRIPTS = "transcripts.npy"
"""The optional file: vectors of the transcripts in the space of the frames. Not part of any digest or key."""
FILES = ("frames.npy", "offsets.npy", "ids.txt")
_CHUNK = 65_536  # rows checked for finiteness at once


def feature_names(folder: Path, report: Callable[[str], None] = raise_data_error) -> list[str]:
    """List the visual features that a dataset folder has, sorted.

    Folders that systems leave behind (hidden ones, ``__MACOSX``) and folders without any of the three files
    are no features. A name that is not UTF-8 goes to ``report``.
    """
    names = []
    for path in _folders(folder, report):
        if not path.name.isprintable():  # bytes that are not UTF-8 are surrogates here
            report(f"{path.parent}: the name of the folder {path.name!a} is not UTF-8 or not printable.")
        elif any(os.path.lexists(path / name) for name in FILES):
            names.append(path.name)
    return names


def folders_without_features(folder: Path) -> list[str]:
    """List the folders beside the features that have none of the three files, to warn about them."""
    return [
        path.name
        for path in _folders(folder, lambda problem: None)
        if not any(os.path.lexists(path / name) for name in FILES)
    ]


def _folders(folder: Path, report: Callable[[str], None]) -> list[Path]:
    root = folder / "features"
    try:
        paths = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    except OSError as error:
        report(f"{root}: cannot be read ({error.strerror or error}).")
        return []
    return [path for path in paths if not path.name.startswith(".") and path.name != "__MACOSX"]


def file_problem(path: Path) -> str | None:
    """Explain why a path cannot be read as a file, as ``path: what is wrong``; None if it can.

    Opening a FIFO would wait for a writer, and reading a device may never end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return f"{path}: the file is missing."
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror or error})."
    if not stat.S_ISREG(mode):
        return f"{path}: not a regular file ({'a folder' if stat.S_ISDIR(mode) else 'a pipe or a device'})."
    return None if os.access(path, os.R_OK) else f"{path}: cannot be read (permission denied)."


def read_features(folder: Path, name: str, report: Callable[[str], None]) -> Features | None:
    """Map and check the features of a name; None after reporting what is wrong with them."""
    root = folder / "features" / name
    problems: list[str] = []
    frames = _array(root / "frames.npy", problems)
    offsets = _array(root / "offsets.npy", problems)
    ids = _ids(root / "ids.txt", problems)
    transcripts = _optional_array(root / TRANSCRIPTS, problems)
    if frames is not None:
        problems += _vector_problems(root / "frames.npy", frames, "[total_frames, dim]")
    if frames is not None and frames.ndim == 2 and ids is not None:
        if offsets is not None:
            problems += _offset_problems(root / "offsets.npy", offsets, len(ids), len(frames))
        if transcripts is not None:
            problems += _transcript_problems(root / TRANSCRIPTS, transcripts, len(ids), frames.shape[1])
    for problem in problems:
        report(problem)
    if problems or frames is None or offsets is None or ids is None:
        return None
    return Features(name, frames, offsets, {video_id: i for i, video_id in enumerate(ids)}, transcripts)


def _optional_array(path: Path, problems: list[str]) -> npt.NDArray[Any] | None:
    # a link that leads nowhere exists, and is a problem
    return _array(path, problems) if os.path.lexists(path) else None


def _array(path: Path, problems: list[str]) -> npt.NDArray[Any] | None:
    problem = file_problem(path)
    if problem:
        problems.append(problem)
        return None
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a header is a Python literal, and a damaged one fails in any way
        # NumPy reads what is damaged as pickles, and advises to allow them
        reason = "its header is damaged, or it holds objects" if "pickle" in str(error) else reason_of(error)
        problems.append(f"{path}: not a plain NumPy array that can be memory-mapped ({reason}).")
        return None
    if not isinstance(array, np.ndarray):
        array.close()
        problems.append(f"{path}: an archive of several arrays; one .npy array is expected.")
        return None
    return array.view(np.ndarray)  # still memory-mapped; a row of a np.memmap takes ten times as long


def _ids(path: Path, problems: list[str]) -> list[str] | None:
    problem = file_problem(path)
    if problem:
        problems.append(problem)
        return None
    ids: list[str] = []
    first: dict[str, int] = {}
    try:
        for number, video_id in read_lines(path, report=problems.append):
            if not video_id:
                problems.append(f"{path}:{number}: an empty line; each line holds a video id.")
            elif first.setdefault(video_id, number) != number:
                line = first[video_id]
                problems.append(f"{path}:{number}: the id {shorten(video_id)} is already on line {line}.")
            ids.append(video_id)
    except DataError as error:
        problems.append(str(error))
    return ids


def _vector_problems(path: Path, vectors: npt.NDArray[Any], expected: str) -> list[str]:
    if vectors.dtype not in (np.float16, np.float32):
        return [f"{path}: the type is {vectors.dtype}; float16 or float32 is expected."]
    if vectors.ndim != 2 or not vectors.shape[1]:
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
