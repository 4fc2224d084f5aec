"""Synthetic datasets: invented videos and queries, written in the folder format of contract section 2.

They show the three difficulties of the QMS paper (many entities of which few matter, a gap between the
modalities, noisy queries), each with an option in `SynthOptions`. The same options give the same bytes on
every machine.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from bench.data.features import TRANSCRIPTS
from bench.data.synthetic.frames import DIMENSION, draw_frame_count, draw_frames
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.queries import draw_queries
from bench.data.synthetic.story import VideoStories, draw_stories
from bench.data.synthetic.transcript import draw_transcript, transcript_vector
from bench.data.synthetic.vocabulary import read_vocabulary, vocabulary_file
from bench.data.synthetic.world import SyntheticWorld
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

# Each part of a video has its own random stream, so that an option of one part does not change the others.
_STORY, _SPEECH, _QUERIES, _FRAME_COUNT, _FRAMES = range(5)


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
            f"{folder}: {options.videos:,} videos need about {needed / 1e9:,.1f} GB of disk, and "
            f"{free / 1e9:,.1f} GB are free. Ask for fewer videos, or name a folder on another disk."
        )


def _write_dataset(folder: Path, options: SynthOptions) -> None:
    stories = [
        draw_stories(SyntheticWorld.of_stream(options, _STORY, index)) for index in range(options.videos)
    ]
    transcripts = [_transcript(options, index, video) for index, video in enumerate(stories)]
    _write_texts(folder, options, stories, transcripts)
    _write_features(folder / "features" / FEATURES, options, stories)
    _write_transcript_vectors(folder / "features" / FEATURES / TRANSCRIPTS, options, transcripts)
    _write_metadata(folder, options)


def _cached_folder(cache: Path, options: SynthOptions) -> Path:
    """Return the folder that this code makes of these options; other code makes another one."""
    made_by: dict[str, Json] = {
        "code": code_digest(__name__),
        "words": file_digest(vocabulary_file(options.language)),
        "options": dataclasses.asdict(options),
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
        "options": dataclasses.asdict(options),
    }
    text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8", newline="\n")


def _write_texts(
    folder: Path, options: SynthOptions, stories: Sequence[VideoStories], transcripts: Sequence[str]
) -> None:
    """Write videos, queries and relevance; equal strings are one query."""
    numbers: dict[str, int] = {}
    with _open_text(folder / "videos.jsonl") as videos, _open_text(folder / "qrels.tsv") as qrels:
        for index, ((video_id, split), video) in enumerate(zip(_videos(options), stories, strict=True)):
            record = {"id": video_id, "transcript": transcripts[index], "split": split}
            videos.write(json.dumps(record | _true_fields(video), ensure_ascii=False) + "\n")
            for text in draw_queries(SyntheticWorld.of_stream(options, _QUERIES, index), video.video):
                number = numbers.setdefault(text, len(numbers))
                qrels.write(f"{_query_id(number)}\t{video_id}\t1\n")
    with _open_text(folder / "queries.jsonl") as file:
        for text, number in numbers.items():
            file.write(json.dumps({"id": _query_id(number), "text": text}, ensure_ascii=False) + "\n")


def _write_features(folder: Path, options: SynthOptions, stories: Sequence[VideoStories]) -> None:
    """Write the frames of all videos, one video in memory at a time."""
    folder.mkdir(parents=True)
    worlds = (SyntheticWorld.of_stream(options, _FRAME_COUNT, index) for index in range(options.videos))
    lengths = [draw_frame_count(world) for world in worlds]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("<i8")  # [videos + 1]
    _write_array(folder / "offsets.npy", "<i8", offsets.shape, [offsets])
    blocks = (
        draw_frames(SyntheticWorld.of_stream(options, _FRAMES, index), stories[index].picture, n)  # [n, d]
        for index, n in enumerate(lengths)
    )
    _write_array(folder / "frames.npy", "<f2", (int(offsets[-1]), DIMENSION), blocks)
    with _open_text(folder / "ids.txt") as ids:
        ids.writelines(f"{video_id}\n" for video_id, _ in _videos(options))


def _write_transcript_vectors(path: Path, options: SynthOptions, transcripts: Sequence[str]) -> None:
    """Write each transcript's vector in the space of the frames: of what is said, not of what is shown."""
    words = read_vocabulary(options.language)
    vectors = np.stack([transcript_vector(words, text) for text in transcripts])  # [videos, d]
    _write_array(path, "<f2", vectors.shape, [vectors])


def _write_array(path: Path, dtype: str, shape: tuple[int, ...], blocks: Iterable[npt.NDArray[Any]]) -> None:
    """Write a .npy file block by block: through memory mapping, a full disk would kill the process."""
    with path.open("wb") as stream:
        header = {"descr": dtype, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(block.astype(dtype, order="C").tobytes())


def _videos(options: SynthOptions) -> Iterator[tuple[str, str]]:
    """Yield the id and the split of each video; ids sort in the order of the file."""
    splits = [split for split, n in options.splits().items() for _ in range(n)]
    return ((f"v{index:07d}", split) for index, split in enumerate(splits))


def _transcript(options: SynthOptions, index: int, video: VideoStories) -> str:
    world = SyntheticWorld.of_stream(options, _SPEECH, index)
    return "" if world.rng.chance(options.no_transcript) else draw_transcript(world, video.speech)


def _true_fields(video: VideoStories) -> dict[str, Json]:
    """Return what a video is really about: free fields, for diagnosis, seen by no generator."""
    return {
        "topic": video.video.topic.name,
        "action": video.video.action,
        "key_entities": list(video.video.keys),
        "speech_on_topic": video.speech_on_topic,
        "picture_on_topic": video.picture_on_topic,
    }


def _query_id(number: int) -> str:
    return f"q{number:07d}"


def _open_text(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")
