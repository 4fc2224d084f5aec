"""Synthetic datasets: invented videos and queries, written in the folder format of contract section 2.

They show the three difficulties of the QMS paper (many entities of which few matter, a gap between the
modalities, noisy queries), each with an option in `SynthOptions`. The same options give the same bytes on
every machine.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from bench.data.features import TRANSCRIPTS
from bench.data.synthetic.frames import DIMENSION
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.parts import Part, count_frames, draw_parts
from bench.data.synthetic.vocabulary import vocabulary_file
from bench.errors import UsageError
from bench.store.artefacts import Store
from bench.store.code_digest import code_digest
from bench.store.digests import file_digest
from bench.store.files import naming_path
from bench.types import Json

FEATURES = "synthetic-64"
"""The folder name of the invented visual features, 64 numbers a frame."""
VERSION = "1"
_SOURCE = "synthetic: invented by qms-bench from a hand-written vocabulary; no real video, speech or query"

_BYTES_PER_VIDEO = 4_800
"""Size of the demo for each of its videos: 5.8 MB for 1,200."""


def demo(cache: Path) -> Path:
    """Synthetic English demo: 1,200 videos, generated on first use."""
    return _cached_folder(cache, SynthOptions(name="demo"))


def demo_zh(cache: Path) -> Path:
    """Synthetic Chinese demo: 1,200 videos, generated on first use."""
    return _cached_folder(cache, SynthOptions(name="demo-zh", language="zh"))


def synthesize(folder: Path, options: SynthOptions) -> None:
    """Write a synthetic dataset into a folder that is new or empty.

    What a killed call left is removed and made again. Raises UsageError when the folder holds anything
    else, or the dataset would not fit on the disk.
    """
    incomplete = folder / ".incomplete"
    if incomplete.is_file():
        _remove_all(folder, last=incomplete)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder. Name a new one, or empty it first.")
    _check_disk(folder, options)
    try:
        with naming_path(folder):
            folder.mkdir(parents=True, exist_ok=True)
            incomplete.touch()
            _write_dataset(folder, options)
            incomplete.unlink()
    except OSError:  # such as a full disk: an incomplete folder would be in the way of the next attempt
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_all(folder: Path, last: Path) -> None:
    """Remove what a folder holds, the mark last: also this may be killed."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != last:
            path.unlink()
    last.unlink()


def _check_disk(folder: Path, options: SynthOptions) -> None:
    needed = options.videos * _BYTES_PER_VIDEO
    existing = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    free = shutil.disk_usage(existing).free if existing else needed
    if needed > free:
        raise UsageError(
            f"{folder}: {options.videos:,} videos need about {needed / 1e6:,.1f} MB of disk, and "
            f"{free / 1e6:,.1f} MB are free. Ask for fewer videos, or name a folder on another disk."
        )


def _write_dataset(folder: Path, options: SynthOptions) -> None:
    """Write all files side by side, a part of the videos in memory at a time; equal strings are one query."""
    features = folder / "features" / FEATURES
    features.mkdir(parents=True)
    offsets = np.concatenate([[0], np.cumsum(count_frames(options))]).astype("<i8")  # [videos + 1]
    with (
        _open_text(folder / "videos.jsonl") as videos,
        _open_text(folder / "qrels.tsv") as qrels,
        _open_text(folder / "queries.jsonl") as queries,
        _open_text(features / "ids.txt") as ids,
        _open_array(features / "offsets.npy", "<i8", offsets.shape) as offsets_file,
        _open_array(features / "frames.npy", "<f2", (int(offsets[-1]), DIMENSION)) as frames,
        _open_array(features / TRANSCRIPTS, "<f2", (options.videos, DIMENSION)) as transcripts,
    ):
        offsets_file.write(offsets.tobytes())
        numbers: dict[str, int] = {}
        for part in draw_parts(options):
            videos.write(part.lines)
            ids.writelines(f"{video_id}\n" for video_id in part.video_ids)
            frames.write(part.frames.astype("<f2", order="C").tobytes())
            transcripts.write(part.transcripts.astype("<f2", order="C").tobytes())
            _write_queries(part, numbers, queries, qrels)
    _write_metadata(folder, options)


def _write_queries(part: Part, numbers: dict[str, int], queries: TextIO, qrels: TextIO) -> None:
    """Write the pairs of a part, and the queries that are new."""
    for video_id, texts in zip(part.video_ids, part.queries, strict=True):
        for text in texts:
            if text not in numbers:
                numbers[text] = len(numbers)
                record = {"id": _query_id(numbers[text]), "text": text}
                queries.write(json.dumps(record, ensure_ascii=False) + "\n")
            qrels.write(f"{_query_id(numbers[text])}\t{video_id}\t1\n")


def _cached_folder(cache: Path, options: SynthOptions) -> Path:
    """Locate the cached dataset of these options and this code, generated first where it is missing."""
    made_by: dict[str, Json] = {
        "code": code_digest(__name__),
        "words": file_digest(vocabulary_file(options.language)),
        "options": options.recorded(),
    }
    store = Store(cache.parent)  # checked at each use, and made again when it was changed
    return store.fetch(cache.name, made_by, lambda folder: synthesize(folder, options)).path


def _write_metadata(folder: Path, options: SynthOptions) -> None:
    about = {
        "name": options.name,
        "language": options.language,
        "version": VERSION,
        "synthetic": True,
        "source": _SOURCE,
        "licence": "Apache-2.0",
        "options": options.recorded(),
    }
    text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8", newline="\n")


def _open_array(path: Path, dtype: str, shape: tuple[int, ...]) -> BinaryIO:
    """Begin a .npy file: its rows are written one after the other, because a full disk kills memory maps."""
    stream = path.open("wb")
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream


def _query_id(number: int) -> str:
    return f"q{number:07d}"


def _open_text(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")
