"""Write a prepared dataset: the folder of contract section 2, with the outcome of each file."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.data.features import TRANSCRIPTS
from bench.data.pictures import PICTURES
from bench.data.text_files import METADATA, QRELS, QUERIES, VIDEOS
from bench.output.schema import guard
from bench.prepare.extraction import PREPARED, Extracted
from bench.prepare.judgements import Judgements
from bench.prepare.options import PrepareOptions
from bench.store.json_files import format_json_lines
from bench.text import tokenize
from bench.types import Json

FILES, LEFT_OUT = "files.csv", "left-out.txt"
_COLUMNS = ("file", "id", "status", "seconds", "frames", "transcript", "words", "notes")


def write_dataset(
    folder: Path, results: Sequence[Extracted], judgements: Judgements, metadata: Mapping[str, Json], *,
    features: tuple[str, int, bool],
) -> None:  # fmt: skip
    """Write all files of a dataset into an empty folder.

    ``features`` is their name, their width, and whether transcripts have vectors, too.
    """
    name, dim, has_text_side = features
    prepared = [result for result in results if result.status == PREPARED]
    videos = [
        {"id": r.file.video_id, "transcript": r.transcript, "split": r.file.split, "file": r.file.name}
        | ({"screen_text": r.screen_text} if r.screen_text else {})
        for r in prepared
    ]
    queries = [{"id": query_id, "text": text} for query_id, text in judgements.texts.items()]
    grades = [f"{query}\t{video}\t{grade}\n" for (query, video), grade in judgements.grades.items()]
    texts = {
        METADATA: json.dumps(metadata, ensure_ascii=False, indent=2) + "\n",
        VIDEOS: format_json_lines(videos),
        QUERIES: format_json_lines(queries),
        QRELS: "".join(grades),
        FILES: _outcomes(results),
    }
    if judgements.unknown:
        texts[LEFT_OUT] = "".join(f"{line}\n" for line in judgements.unknown)
    for file, text in texts.items():
        # the names of files may hold bytes that are not UTF-8
        (folder / file).write_text(text, encoding="utf-8", errors="replace", newline="")
    _write_features(folder / "features" / name, prepared, dim)
    _copy_pictures(folder / PICTURES, prepared)
    if has_text_side:
        none = np.zeros(dim, np.float16)
        vectors = [none if result.text_vector is None else result.text_vector for result in prepared]
        np.save(folder / "features" / name / TRANSCRIPTS, np.stack(vectors))  # [n_videos, dim]


def _outcomes(results: Sequence[Extracted]) -> str:
    """Write the outcome of each file as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for r in results:
        row = (r.file.name, r.file.video_id, r.status, f"{r.seconds:.2f}", r.frames)
        writer.writerow(map(guard, (*row, r.source, len(tokenize(r.transcript)), "; ".join(r.notes))))
    return stream.getvalue()


def _write_features(folder: Path, prepared: Sequence[Extracted], dim: int) -> None:
    """Write the features video by video, so that memory does not grow with their number."""
    folder.mkdir(parents=True)
    offsets = np.cumsum([0, *(result.frames for result in prepared)], dtype=np.int64)  # [n_videos + 1]
    with (folder / "frames.npy").open("wb") as stream:
        shape = (int(offsets[-1]), dim)
        header = {"descr": np.dtype(np.float16).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for result in prepared:
            if result.vectors is not None:
                stream.write(np.load(result.vectors, allow_pickle=False).tobytes())
    np.save(folder / "offsets.npy", offsets)
    ids = "".join(f"{result.file.video_id}\n" for result in prepared)
    (folder / "ids.txt").write_text(ids, encoding="utf-8", newline="")


def _copy_pictures(folder: Path, prepared: Sequence[Extracted]) -> None:
    for result in prepared:
        for picture in result.pictures:
            of_video = folder / result.file.video_id
            of_video.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, of_video / picture.name)


def options_record(options: PrepareOptions) -> dict[str, Json]:
    """Convert the options to JSON values for the dataset's record; a folder by its name alone.

    The number of jobs is left out, because it changes nothing of the dataset.
    """
    values = dataclasses.asdict(options)
    del values["jobs"]
    for name in ("keep_frames", "ocr"):
        if not values[name]:
            del values[name]  # datasets without these stay what they were
    return {key: value.name if isinstance(value, Path) else value for key, value in values.items()}
