"""Objects as bytes, for another process: what is memory-mapped is mapped there again, and not sent."""

from __future__ import annotations

import io
import pickle
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt


def to_bytes(value: Any) -> bytes:
    """Pickle an object for a process that sees the same files."""
    stream = io.BytesIO()
    _Pickler(stream, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return stream.getvalue()


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        return _reduce_mapped(value) if type(value) is np.ndarray and value.size else NotImplemented


def _reduce_mapped(array: npt.NDArray[Any]) -> Any:
    """Reduce a part of a memory-mapped file to its place there; NotImplemented for another array."""
    base: Any = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    while isinstance(base, np.memmap) and isinstance(base.base, np.memmap):
        base = base.base
    is_mapped = isinstance(base, np.memmap) and base.filename is not None  # what is copied of one has none
    if not is_mapped or not array.flags.c_contiguous:
        return NotImplemented
    start = base.offset + array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return _part_of_file, (str(base.filename), start, array.shape, array.dtype.str)


def _part_of_file(name: str, start: int, shape: tuple[int, ...], kind: str) -> npt.NDArray[Any]:
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return _file(name)[start : start + size].view(kind).reshape(shape)


@cache
def _file(name: str) -> npt.NDArray[np.uint8]:
    return np.memmap(name, dtype=np.uint8, mode="r").view(np.ndarray)
