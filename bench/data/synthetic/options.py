"""The knobs of a synthetic dataset, with the defaults of the embedded demo."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from bench.errors import UsageError

LANGUAGES = ("en", "zh")
SMALLEST = 12
"""Fewer videos than this would leave a split of 800/100/300 proportions empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthOptions:
    """Choose the size, language and difficulties of a synthetic dataset.

    A share is a probability from 0 to 1, drawn for each video (or key entity, or query). The key
    entities of a video are what it is about and what its queries ask for. Figures named "paper" are
    those of section IV-A of the QMS paper. Raises UsageError naming the field that is wrong.
    """

    name: str = "synthetic"
    """What ``dataset.json`` calls the dataset."""
    videos: int = 1200
    """Videos in all, split in the proportions 800 train, 100 val, 300 test.

    The vocabulary does not grow with it, so queries recur more in a bigger set: drawn one per test
    video, a query has about 2 relevant videos of 300, and about 51 of 15,024.
    """
    language: str = "en"
    """``en`` or ``zh``."""
    seed: int = 0
    """Seed of everything drawn; the vectors of entities do not depend on it."""
    transcript_entities: float = 19.0
    """Mean number of entities mentioned in a transcript, repetitions counted (paper: 19.2)."""
    distractors: int = 14
    """Different entities that a video mentions or shows beside its key entities."""
    query_entities: float = 2.8
    """Mean number of entities in a specific or wrong query, 1 to 3 (paper, over all queries: 2.2)."""
    usual_pairs: float = 0.6
    """Share of videos that pair a thing with one of its usual tools: what makes specific queries recur."""
    brief_keys: float = 0.35
    """Share of key entities that are visible in one to three frames only (difficulty C1)."""
    silent_keys: float = 0.15
    """Share of key entities that are visible but never spoken of."""
    off_topic_speech: float = 0.2
    """Share of videos whose speech is about another topic and names no key entity (difficulty C2)."""
    off_topic_picture: float = 0.15
    """Share of videos whose frames show another topic and no key entity (C2); never both at once."""
    specific: float = 0.63
    """Share of queries that ask for several key entities, or for one and the action (C3)."""
    partial: float = 0.16
    """Share of queries that name one key entity and nothing else that tells (C3)."""
    generic: float = 0.11
    """Share of queries about no entity at all, such as "funny videos" (C3)."""
    wrong: float = 0.1
    """Share of queries in which an entity is not the video's (C3)."""
    no_transcript: float = 0.017
    """Share of videos with an empty transcript (paper: 1,022 of 60,096)."""
    no_features: float = 0.01
    """Share of videos with no frame at all."""
    frame_noise: float = 0.5
    """Length of the noise added to each frame, whose own length is 1."""

    def __post_init__(self) -> None:
        """Raise UsageError for a value outside its range."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, float) and not (math.isfinite(value) and value >= 0):
                raise _wrong(field.name, value, "a finite number, 0 or more")
            if isinstance(field.default, float) and field.name in _SHARES and value > 1:
                raise _wrong(field.name, value, "a share from 0 to 1")
        if not self.name.strip():
            raise _wrong("name", self.name, "a name that is not blank")
        if self.language not in LANGUAGES:
            raise _wrong("language", self.language, f"one of {', '.join(LANGUAGES)}")
        if self.videos < SMALLEST:
            raise _wrong("videos", self.videos, f"at least {SMALLEST}, so that no split is empty")
        if self.seed < 0:
            raise _wrong("seed", self.seed, "0 or more")
        if not 1 <= self.distractors <= 100:
            raise _wrong("distractors", self.distractors, "from 1 to 100")
        if not 1 <= self.query_entities <= 3:
            raise _wrong("query_entities", self.query_entities, "from 1 to 3")
        if not 1 <= self.transcript_entities <= 200:
            raise _wrong("transcript_entities", self.transcript_entities, "from 1 to 200")
        if self.off_topic_speech + self.off_topic_picture > 1:
            total = self.off_topic_speech + self.off_topic_picture
            raise _wrong("off_topic_speech + off_topic_picture", total, "at most 1")
        kinds = self.specific + self.partial + self.generic + self.wrong
        if not math.isclose(kinds, 1, abs_tol=1e-9):
            raise _wrong("specific + partial + generic + wrong", round(kinds, 9), "1 in all")

    def splits(self) -> dict[str, int]:
        """Return the number of videos of each split, in the order of the file."""
        val, test = self.videos // 12, self.videos // 4
        return {"train": self.videos - val - test, "val": val, "test": test}


_SHARES = frozenset(
    {"usual_pairs", "brief_keys", "silent_keys", "off_topic_speech", "off_topic_picture"}
    | {"specific", "partial", "generic", "wrong", "no_transcript", "no_features"}
)


def _wrong(field: str, value: object, wanted: str) -> UsageError:
    return UsageError(f"synthetic data: {field} is {value!r}; it must be {wanted}.")
