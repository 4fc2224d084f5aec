"""Visual features as they are usually distributed, a file for each video, as the three files of a dataset."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, MissingError, reason_of
from bench.types import Frames, VideoId

__cache_neutral__ = True

_HALF = 65_504.0
"""The largest number of float16."""


def import_features(source: Path, target: Path, videos: Iterable[VideoId]) -> int:
    """Write the features of the videos into a folder, and count the videos that have none.

    ``source`` is a folder with ``<video id>.npy``, or an HDF5 file with a dataset for each video; an array is
    ``[frames, dim]``, or ``[dim]`` for one frame. Raises DataError for other shapes, different widths and
    numbers that are not finite.
    """
    ids: list[VideoId] = []
    arrays: list[Frames] = []
    missing = 0
    with contextlib.ExitStack() as stack:
        read = _open_h5(source, stack) if source.is_file() else _open_folder(source)
        for video in videos:
            array = read(video)
            if array is None:
                missing += 1
                continue
            arrays.append(_check(array, f"{source}: the features of video '{video}'", arrays))
            ids.append(video)
    if not arrays:
        raise DataError(f"{source}: no video of the dataset has features in it; files are <video id>.npy.")
    _write(target, ids, arrays)
    return missing


def _open_folder(source: Path) -> Callable[[VideoId], npt.NDArray[np.floating] | None]:
    if not source.is_dir():
        raise MissingError(f"--features {source}: there is no such folder or file.")

    def read(video: VideoId) -> npt.NDArray[np.floating] | None:
        path = source / f"{video}.npy"
        if not path.is_file():
            return None
        try:
            with path.open("rb") as stream:
                return cast("npt.NDArray[np.floating]", np.lib.format.read_array(stream, allow_pickle=False))
        except Exception as error:  # a header is a Python literal, and a damaged one fails in any way
            raise DataError(f"{path}: not a plain NumPy array ({reason_of(error)}).") from error

    return read


def _open_h5(
    source: Path, stack: contextlib.ExitStack
) -> Callable[[VideoId], npt.NDArray[np.floating] | None]:
    try:
        import h5py
    except ImportError:
        raise MissingError(
            f"{source}: HDF5 needs the package h5py. Install it with: pip install -c constraints.txt h5py"
        ) from None
    try:
        file = stack.enter_context(h5py.File(source, "r"))
    except OSError as error:
        raise DataError(f"{source}: not an HDF5 file ({error}).") from error
    return lambda video: np.asarray(file[video]) if video in file else None


def _check(array: npt.NDArray[np.floating], place: str, before: Sequence[Frames]) -> Frames:
    if array.ndim == 1:
        array = array[None]  # [1, dim]
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise DataError(f"{place} are {array.dtype} {array.shape}; numbers [frames, dim] are expected.")
    if before and array.shape[1] != before[0].shape[1]:
        raise DataError(f"{place} have {array.shape[1]} numbers a frame, those before {before[0].shape[1]}.")
    if not np.isfinite(array).all() or (array.size and np.abs(array).max() > _HALF):
        raise DataError(f"{place} hold numbers that are not finite in 16 bits.")
    return array.astype(np.float16)


def _write(target: Path, ids: Sequence[VideoId], arrays: Sequence[Frames]) -> None:
    target.mkdir(parents=True)
    np.save(target / "frames.npy", np.concatenate(arrays))  # [total_frames, dim]
    np.save(target / "offsets.npy", np.cumsum([0, *map(len, arrays)], dtype=np.int64))
    (target / "ids.txt").write_text("".join(f"{video}\n" for video in ids), encoding="utf-8", newline="\n")
