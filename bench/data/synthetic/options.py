"""The options of a synthetic dataset, with the defaults of the built-in demo."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Literal, TypeAlias

from annotated_types import Interval

from bench.errors import UsageError, shorten
from bench.options import NonNegative, Seed, Share, check_fields
from bench.types import Json

__cache_neutral__ = True

Language: TypeAlias = Literal["en", "zh"]
Like: TypeAlias = Literal["demo", "qmv-kwai"]
PAPERS_VIDEOS, PAPERS_HELD_OUT = 60_096, 5_000
"""Videos of QMV-Kwai, and those of its val and test splits each (Table II)."""
_TEST_VIDEOS_OF_A_VARIETY = 300
"""Calibrated: with so many test videos for each variety of the words, an evaluated query has 2 relevant."""
SMALLEST, LARGEST = 12, 10_000_000
"""Fewer videos would leave a split of 800/100/300 proportions empty; more would fill any disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthOptions:
    """Size, language and difficulties of a synthetic dataset.

    A share is a probability from 0 to 1, drawn for each video (or key entity, or query). The key
    entities of a video are what it is about and what its queries ask for. Figures named "paper" are
    those of section IV-A of the QMS paper. Raises UsageError naming the field that is wrong.
    """

    name: str = "synthetic"
    """What ``dataset.json`` calls the dataset."""
    videos: Annotated[int, Interval(ge=SMALLEST, le=LARGEST)] = 1200
    """Number of videos, split in the proportions 800 train, 100 val, 300 test.

    With ``like=demo`` the vocabulary does not grow with it, so queries recur more in a bigger set: drawn one
    per test video, a query has about 2 relevant videos of 300, and about 51 of 15,024.
    """
    like: Like = "demo"
    """Proportions of the splits, and what bigger sets have more of: ``qmv-kwai`` has those of the paper's
    dataset (50,096, 5,000 and 5,000 videos) and a vocabulary that grows, so that a query drawn per test video
    has about 2 relevant videos at any size."""
    language: Language = "en"
    """``en`` or ``zh``."""
    seed: Seed = 0
    """Seed of everything drawn; the vectors of entities do not depend on it."""
    transcript_entities: Annotated[float, Interval(ge=1, le=200)] = 19.0
    """Mean number of entities mentioned in a transcript, repetitions counted (paper: 19.2)."""
    distractors: Annotated[int, Interval(ge=1, le=100)] = 14
    """Different entities that a video mentions or shows beside its key entities."""
    query_entities: Annotated[float, Interval(ge=1, le=3)] = 2.8
    """Mean number of entities in a specific or wrong query, 1 to 3 (paper, over all queries: 2.2)."""
    usual_pairs: Share = 0.6
    """Share of videos that pair a thing with one of its usual tools: what makes specific queries recur."""
    brief_keys: Share = 0.35
    """Share of key entities that are visible in one to three frames only (difficulty C1)."""
    silent_keys: Share = 0.15
    """Share of key entities that are visible but never spoken of."""
    off_topic_speech: Share = 0.2
    """Share of videos whose speech is about another topic and names no key entity (difficulty C2)."""
    off_topic_picture: Share = 0.15
    """Share of videos whose frames show another topic and no key entity (C2); never both at once."""
    specific: Share = 0.63
    """Share of queries that ask for several key entities, or for one and the action (C3)."""
    partial: Share = 0.16
    """Share of queries that name one key entity and nothing else of use (C3)."""
    generic: Share = 0.11
    """Share of queries about no entity at all, such as "funny videos" (C3)."""
    wrong: Share = 0.1
    """Share of queries in which an entity is not the video's (C3)."""
    no_transcript: Share = 0.017
    """Share of videos with an empty transcript (paper: 1,022 of 60,096)."""
    no_features: Share = 0.01
    """Share of videos with no frame at all."""
    frame_noise: NonNegative = 0.5
    """Length of the noise added to each frame, whose own length is 1."""

    def __post_init__(self) -> None:
        """Raise UsageError for a value outside its range, and for shares that do not add up."""
        check_fields(self)
        if not self.name.strip():
            raise _not_allowed("name", self.name, "a name that is not blank")
        off_topic = self.off_topic_speech + self.off_topic_picture
        if off_topic > 1:
            raise _not_allowed("off_topic_speech + off_topic_picture", off_topic, "a sum of at most 1")
        kinds = self.specific + self.partial + self.generic + self.wrong
        if not math.isclose(kinds, 1, abs_tol=1e-9):
            raise _not_allowed("specific + partial + generic + wrong", round(kinds, 9), "a sum of 1")

    def splits(self) -> dict[str, int]:
        """Divide the videos among the splits, in the order of the file."""
        val, test = self.videos // 12, self.videos // 4
        if self.like == "qmv-kwai":
            val = test = max(1, round(self.videos * PAPERS_HELD_OUT / PAPERS_VIDEOS))
        return {"train": self.videos - val - test, "val": val, "test": test}

    def split_of(self, index: int) -> str:
        """Name the split of a video by its place in the file."""
        sizes = self.splits()
        if index < sizes["train"]:
            return "train"
        return "val" if index < sizes["train"] + sizes["val"] else "test"

    @property
    def varieties(self) -> int:
        """Count the varieties of the vocabulary that the videos take turns in."""
        grows = self.like == "qmv-kwai"
        return max(1, round(self.splits()["test"] / _TEST_VIDEOS_OF_A_VARIETY)) if grows else 1

    def recorded(self) -> dict[str, Json]:
        """Convert the options to the record in ``dataset.json``; ``like`` only if it is not the default."""
        values = asdict(self)
        if self.like == "demo":
            del values["like"]
        return values


TWIN: dict[str, Json] = {"name": "qmv-kwai-twin", "videos": PAPERS_VIDEOS, "language": "zh"}
"""Options of ``bench data synth --like qmv-kwai`` that are not given."""


def _not_allowed(field: str, value: object, expected: str) -> UsageError:
    return UsageError(f"option {field}={shorten(value)} is not allowed: expected {expected}.")
