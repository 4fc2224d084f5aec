"""The files of a folder of videos: which are candidates, and which id each has in the dataset."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from bench.choices import SPLITS
from bench.errors import DataError, UsageError, shorten, unknown
from bench.output.schema import unguard
from bench.store.csv_files import read_rows

__cache_neutral__ = True

SUBTITLES = (".srt", ".vtt", ".json")
"""Suffixes of subtitle files, which may lie beside the videos."""
_NO_VIDEOS = (*SUBTITLES, ".csv", ".tsv", ".jsonl", ".txt")
"""Suffixes of texts that often lie beside videos: listed and not opened as videos."""
_NOT_IN_IDS = re.compile(r"[\s/\\]+")


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file that may be a video."""

    path: Path
    name: str
    """Its path within the folder, with ``/``."""
    video_id: str
    split: str


def find_files(folder: Path) -> tuple[list[str], list[str]]:
    """List the files of a folder and its subfolders: (candidates, texts beside them), in name order.

    Names are paths within the folder. Hidden files are left out, links to folders are not followed. Raises
    UsageError when there is no such folder, DataError when it holds no candidate.
    """
    if not folder.is_dir():
        raise UsageError(f"--videos {folder}: there is no such folder.")
    names = sorted(_walk(folder))
    texts = [name for name in names if PurePosixPath(name).suffix.lower() in _NO_VIDEOS]
    candidates = sorted(set(names).difference(texts))
    if not candidates:
        raise DataError(f"{folder}: there is no video in this folder.")
    return candidates, texts


def _walk(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        for name in names:
            if not name.startswith("."):
                yield (Path(root) / name).relative_to(folder).as_posix()


def _raise(error: OSError) -> NoReturn:
    raise error  # os.walk would pass over a folder that cannot be listed


def identify(folder: Path, names: Sequence[str], given: Path | None, split: str) -> list[VideoFile]:
    """Assign each file an id and a split: those of the names file, else an id made of the file's name.

    Raises DataError when the names file names no file of the folder, or two files by one id.
    """
    rows = {} if given is None else _read_names(given, set(names), split)
    ids = {name: row[0] for name, row in rows.items()}
    ids |= _make_ids([name for name in names if name not in ids], set(ids.values()))
    return [VideoFile(folder / name, name, ids[name], rows.get(name, ("", split))[1]) for name in names]


def _make_ids(names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Make ids: the stem of a name where it is the only one; without white space; never one twice."""
    names = list(names)
    stems = [_plain(PurePosixPath(name).stem) for name in names]
    counts = Counter(stems)
    ids = {}
    for name, stem in zip(names, stems, strict=True):
        wanted = stem if counts[stem] == 1 else _plain(name)
        video_id, number = wanted, 2
        while video_id in taken:
            video_id, number = f"{wanted}-{number}", number + 1
        taken.add(video_id)
        ids[name] = video_id
    return ids


def _plain(name: str) -> str:
    """Replace what an id cannot hold: white space, slashes, control characters, bytes that are no UTF-8."""
    kept = "".join("_" if unicodedata.category(c) in ("Cc", "Cs") else c for c in name)
    plain = _NOT_IN_IDS.sub("_", kept)
    return "_" if plain in ("", ".", "..") else plain  # an id is the name of a folder of pictures


def names_of(files: Iterable[VideoFile]) -> Mapping[str, str]:
    """Map each name that may refer to a video to its id: id, path, file name, with or without suffix.

    A name that means two videos is left out.
    """
    files = list(files)
    ids: dict[str, set[str]] = {}
    for file in files:
        path = PurePosixPath(file.name)
        for name in {file.name, path.with_suffix("").as_posix(), path.name, path.stem}:
            ids.setdefault(name, set()).add(file.video_id)
    names = {name: next(iter(same)) for name, same in ids.items() if len(same) == 1}
    return names | {file.video_id: file.video_id for file in files}  # an id means its video alone


def _read_names(path: Path, known: set[str], default: str) -> Mapping[str, tuple[str, str]]:
    """Read ``file,id[,split]``: (id, split) of each file."""
    rows: dict[str, tuple[str, str]] = {}
    ids: set[str] = set()
    for place, row in read_rows(path, needed=("file", "id")):
        # files.csv of an earlier dataset may serve as the names
        name, video_id = str(unguard(row["file"])), str(unguard(row["id"]))
        split = row.get("split") or default
        if name not in known:
            raise DataError(f"{place}: {shorten(name)} is no file of the folder of videos.")
        if video_id != _plain(video_id):
            raise DataError(f"{place}: the id {shorten(video_id)} is empty or holds white space or a slash.")
        if split not in SPLITS:
            raise DataError(f"{place}: {unknown('split', split, SPLITS)}")
        if name in rows or video_id in ids:
            raise DataError(f"{place}: the file {shorten(name)} or the id {shorten(video_id)} appears twice.")
        rows[name] = video_id, split
        ids.add(video_id)
    return rows
