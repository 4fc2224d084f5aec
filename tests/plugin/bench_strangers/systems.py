"""Generators and retrievers, some of them broken."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.context import Context
from bench.types import Run, Video
from bench_strangers.options import FirstWordOptions, LearnerOptions


class FirstWord:
    """Take the first word of the transcript."""

    label = "First <b>word</b> | & 100 %"

    def __init__(self, context: Context) -> None:
        self._words = context.options(FirstWordOptions).words

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        return {video.video_id: " ".join(video.transcript.split()[: self._words]) for video in videos}


class Constant:
    """Say the same of every video; it takes no context."""

    label = "Constant"

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        assert not any(video.references for video in videos)
        return {video.video_id: "apple pie" for video in videos}


class Learner:
    """Learn the most common reference and say it."""

    label = "Learner"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._fail_after = context.options(LearnerOptions).fail_after
        self._said = ""

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        scratch = self._context.scratch
        assert scratch is not None
        done = int((scratch / "steps").read_text()) if (scratch / "steps").exists() else 0
        for step in range(done, 4):
            (scratch / "steps").write_text(str(step + 1))
            if self._fail_after == step:
                raise RuntimeError(f"failed after step {step}")
        assert val
        self._said = train[0].references[0]
        self._begun_at = done

    def save(self, folder: Path) -> None:
        (folder / "said.json").write_text(json.dumps({"said": self._said, "begun at": self._begun_at}))

    def load(self, folder: Path) -> None:
        self._said = json.loads((folder / "said.json").read_text())["said"] + " (loaded)"

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        return {video.video_id: self._said for video in videos}

    def parameters(self) -> int:
        return 1


class Raising:
    """Fail while summarizing."""

    label = "Raising"

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        raise RuntimeError("nothing comes to mind")


class Forgetful:
    """Leave a video out."""

    label = "Forgetful"

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        return {video.video_id: "x" for video in videos[1:]}


class Unborn:
    """Fail while being made."""

    label = "Unborn"

    def __init__(self, context: Context) -> None:
        raise RuntimeError("not today")

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        return {}


class NoGenerator:
    """Lack everything a generator has."""


class Patient:
    """Say so, and wait to be killed."""

    label = "Patient"

    def summarize(self, videos: Sequence[Video]) -> Mapping[str, str]:
        print("waiting", flush=True)
        time.sleep(60)
        return {video.video_id: "" for video in videos}


class Overlap:
    """Score by the number of shared words."""

    label = "Overlap"

    def index(self, summaries: Mapping[str, str]) -> None:
        self._words = {video: set(text.lower().split()) for video, text in summaries.items()}

    def search(self, queries: Mapping[str, str], k: int) -> Run:
        hits = {
            query: [
                (v, float(n))
                for v, words in self._words.items()
                if (n := len(words & set(text.lower().split())))
            ]
            for query, text in queries.items()
        }
        return Run.from_hits(hits, list(self._words), k)


class Confused(Overlap):
    """Answer other queries than those asked."""

    label = "Confused"

    def search(self, queries: Mapping[str, str], k: int) -> Run:
        return super().search({f"{query}?": text for query, text in queries.items()}, k)


class Follower(Overlap):
    """Keep what it was given to learn from."""

    label = "Follower"
    follows = "by nature"

    def follow(self, summaries: Mapping[str, str]) -> None:
        self._heard: dict[str, object] = {"summaries": dict(summaries)}

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        self._heard |= {"train": [v.video_id for v in train], "val": [v.video_id for v in val]}

    def save(self, folder: Path) -> None:
        (folder / "heard.json").write_text(json.dumps(self._heard))

    def load(self, folder: Path) -> None:
        self._heard = json.loads((folder / "heard.json").read_text())

    def coverage(self) -> Mapping[str, int]:
        texts = self._heard["summaries"]
        assert isinstance(texts, dict)
        return {"different summaries followed": len(set(texts.values()))}
