"""Videos as token ids and frames: what a trained row reads of a video, before it is a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bench.types import Frames, Video, VideoId
from generators.neural.options import TextOptions
from generators.neural.targets import unit
from generators.neural.tokens import Encoded, Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One video as token ids and frames ``[f, d]``; ``targets`` are all its references as ids."""

    video_id: VideoId
    tokens: list[int]
    frames: Frames
    targets: list[list[int]]

    def __len__(self) -> int:
        return len(self.tokens) + len(self.frames)

    def without_text(self, empty: list[int]) -> Example:
        """Drop the transcript of an example, for modality dropout: it has the ids of an empty one."""
        return replace(self, tokens=empty)


@dataclass(frozen=True, slots=True)
class ModalityDropout:
    """Removes the transcript of a sample, or all its frames, so that the module must read the other one.

    A sample keeps at least one of them. The draw depends on seed, epoch and video alone.
    """

    seed: int
    text: float
    frames: float
    """Probabilities that the transcript, and that the frames, are removed."""
    empty: list[int]
    """The ids of an empty transcript."""

    def __call__(self, example: Example, epoch: int) -> Example:
        """Drop the text or the frames of some examples, drawn in each epoch, so that both inputs are used."""
        if not len(example.frames) or len(example.tokens) <= len(self.empty):
            return example
        draw = unit("modality", self.seed, epoch, example.video_id)
        # one draw for both: they never happen together, and each has its probability up to a sum of 1
        if draw < self.text:
            return example.without_text(self.empty)
        return replace(example, frames=example.frames[:0]) if draw >= 1 - self.frames else example


@dataclass(frozen=True, slots=True)
class Cut:
    """How many texts were longer than the model reads."""

    transcripts: int
    queries: int


def prepare(videos: Sequence[Video], tokens: Tokens, limits: TextOptions) -> tuple[list[Example], Cut]:
    """Tokenise videos, references too where there are any, and count what was cut."""
    sources = tokens.encode_sources([video.transcript for video in videos], limits.transcript_tokens - 2)
    queries = tokens.encode([text for video in videos for text in video.references], limits.query_tokens)
    examples, rest = [], iter(queries)
    for video, source in zip(videos, sources, strict=True):
        targets = [tokens.target(one.ids, cut=one.cut) for one in islice(rest, len(video.references))]
        examples.append(Example(video.video_id, tokens.frame(source.ids), video.frames, targets))
    return examples, Cut(_count_cut(sources), _count_cut(queries))


def _count_cut(encoded: Sequence[Encoded]) -> int:
    return sum(one.cut for one in encoded)


def without_references(videos: Sequence[Video]) -> list[Video]:
    """Copy the videos without their references, so that no row can read them when it is tested."""
    return [replace(video, references=()) for video in videos]
