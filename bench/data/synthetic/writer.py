"""Synthetic datasets: a micro-world written out in the folder format of contract section 2.

Everything here is invented. It shows the three difficulties of the QMS paper (many entities of
which few matter, a gap between the modalities, noisy queries), each with a knob in `SynthOptions`.
The same options give the same bytes on every machine.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from bench.data.features import TRANSCRIPTS
from bench.data.synthetic.frames import DIMENSION, frame_count, frames
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.queries import queries
from bench.data.synthetic.rng import Dice
from bench.data.synthetic.spoken import transcript_vector
from bench.data.synthetic.story import Story, draw_story
from bench.data.synthetic.transcript import transcript
from bench.data.synthetic.vocabulary import vocabulary, vocabulary_file
from bench.errors import UsageError
from bench.store.code_digest import code_digest
from bench.store.digests import digest, file_digest
from bench.types import Json

__all__ = ["FEATURES", "SynthOptions", "demo", "demo_zh", "synthesize"]

FEATURES = "synthetic-64"
"""The folder name of the invented visual features, 64 numbers a frame."""
VERSION = "1"
_SOURCE = "synthetic: invented by qms-bench from a hand-written vocabulary; no real video, speech or query"

# Each side of a video has a stream of its own, so that a knob of one side leaves the others alone.
_STORY, _SPEECH, _ASKING, _LENGTH, _FRAMES = range(5)


def demo(cache: Path) -> Path:
    """Return the folder of the synthetic English demo inside ``cache``, made at first use."""
    return _cached(cache, SynthOptions(name="demo"))


def demo_zh(cache: Path) -> Path:
    """Return the folder of the synthetic Chinese demo inside ``cache``, made at first use."""
    return _cached(cache, SynthOptions(name="demo-zh", language="zh"))


def synthesize(folder: Path, options: SynthOptions) -> None:
    """Write a whole synthetic dataset into a folder that is new or empty.

    ``dataset.json`` is written last: without it the folder is half made. Raises UsageError when
    the folder holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder. Name a new one, or empty it first.")
    folder.mkdir(parents=True, exist_ok=True)
    stories = [_story(options, index) for index in range(options.videos)]
    transcripts = [_transcript(options, index, story) for index, story in enumerate(stories)]
    _write_texts(folder, options, stories, transcripts)
    _write_features(folder / "features" / FEATURES, options, stories)
    _write_transcript_vectors(folder / "features" / FEATURES / TRANSCRIPTS, options, transcripts)
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


def _cached(cache: Path, options: SynthOptions) -> Path:
    """Return the folder that this very code makes of these options; one made otherwise has another name."""
    made_by: dict[str, Json] = {
        "code": code_digest(__name__),
        "words": file_digest(vocabulary_file(options.language)),
        "options": dataclasses.asdict(options),
    }
    folder = cache / f"{options.name}-{digest(made_by)[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{options.name}-") as scratch:
        made = Path(scratch) / "made"
        synthesize(made, options)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # if it is: another process was faster, with the same bytes
                raise
    return folder


def _write_texts(
    folder: Path, options: SynthOptions, stories: Sequence[Story], transcripts: Sequence[str]
) -> None:
    """Write videos, queries and relevance; a string is one query, whoever typed it."""
    numbers: dict[str, int] = {}
    with _writer(folder / "videos.jsonl") as videos, _writer(folder / "qrels.tsv") as qrels:
        for index, ((video_id, split), story) in enumerate(zip(_videos(options), stories, strict=True)):
            record = {"id": video_id, "transcript": transcripts[index], "split": split}
            videos.write(json.dumps(record | _truth(story), ensure_ascii=False) + "\n")
            asked = Dice(options.seed, _ASKING, index)
            for text in queries(asked, vocabulary(options.language), options, story.point):
                number = numbers.setdefault(text, len(numbers))
                qrels.write(f"{_query_id(number)}\t{video_id}\t1\n")
    with _writer(folder / "queries.jsonl") as file:
        for text, number in numbers.items():
            file.write(json.dumps({"id": _query_id(number), "text": text}, ensure_ascii=False) + "\n")


def _write_features(folder: Path, options: SynthOptions, stories: Sequence[Story]) -> None:
    """Write the frames of all videos, one video in memory at a time."""
    folder.mkdir(parents=True)
    lengths = [frame_count(Dice(options.seed, _LENGTH, i), options) for i in range(options.videos)]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("<i8")
    np.save(folder / "offsets.npy", offsets, allow_pickle=False)
    shape = (int(offsets[-1]), DIMENSION)
    block = np.lib.format.open_memmap(folder / "frames.npy", mode="w+", dtype="<f2", shape=shape)
    for index, n in enumerate(lengths):
        dice = Dice(options.seed, _FRAMES, index)
        block[offsets[index] : offsets[index + 1]] = frames(dice, options, stories[index].shown, n)
    block.flush()
    with _writer(folder / "ids.txt") as ids:
        ids.writelines(f"{video_id}\n" for video_id, _ in _videos(options))


def _write_transcript_vectors(path: Path, options: SynthOptions, transcripts: Sequence[str]) -> None:
    """Write a vector for each transcript in the space of the frames: of what is said, never of the truth."""
    words = vocabulary(options.language)
    vectors = np.stack([transcript_vector(words, text) for text in transcripts])
    np.save(path, vectors.astype("<f2"), allow_pickle=False)


def _videos(options: SynthOptions) -> Iterator[tuple[str, str]]:
    """Yield the id and the split of each video; ids sort in the order of the file."""
    names = [split for split, n in options.splits().items() for _ in range(n)]
    return ((f"v{index:07d}", split) for index, split in enumerate(names))


def _story(options: SynthOptions, index: int) -> Story:
    return draw_story(Dice(options.seed, _STORY, index), vocabulary(options.language), options)


def _transcript(options: SynthOptions, index: int, story: Story) -> str:
    dice = Dice(options.seed, _SPEECH, index)
    if dice.chance(options.no_transcript):
        return ""
    return transcript(dice, vocabulary(options.language), options, story.spoken)


def _truth(story: Story) -> dict[str, Json]:
    """Return what the world knows of a video: free fields, for diagnosis, seen by no generator."""
    return {
        "topic": story.point.topic.name,
        "action": story.point.action,
        "key_entities": list(story.point.keys),
        "speech_on_topic": story.speech_on_topic,
        "picture_on_topic": story.picture_on_topic,
    }


def _query_id(number: int) -> str:
    return f"q{number:07d}"


def _writer(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")
