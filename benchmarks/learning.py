"""Does each mechanism of QMS help where its difficulty is made large? Synthetic worlds, one knob each.

``python benchmarks/learning.py stray`` (or ``wrong``, ``gap``, ``distractors``) trains QMS and the rows
without the mechanism, a few CPU minutes each, and prints CIDEr on the test videos with the 95 % bootstrap
interval of the paired difference. In ``stray`` noise is queries of other videos, in ``wrong`` queries in
which one entity is not the video's. It changes no default: what a mechanism is worth here is a finding, not
a target.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.config.run_config import configure
from bench.context import Context
from bench.data.dataset import Dataset
from bench.data.reader import read_dataset
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.vocabulary import read_vocabulary
from bench.data.synthetic.writer import synthesize
from bench.metrics.intervals import mean_interval
from bench.options import Section
from bench.store.artefacts import Store
from generators.neural.validation import cider_by_video
from generators.qms import comparison
from generators.qms.row import QMSRow
from generators.qms.rows import qms, unit_scores, without_entity, without_sampling, without_scores


@dataclass(frozen=True)
class World:
    """Hold the knobs of a world, and the rows to compare with QMS."""

    rows: Sequence[Callable[[Context], QMSRow]]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    stray: float = 0.0
    """Share of each training video's queries that give way to queries of other videos."""


WORLDS = {
    "stray": World([without_sampling], {"wrong": 0.0, "specific": 0.73}, stray=0.4),
    "wrong": World([without_sampling], {"wrong": 0.4, "specific": 0.5, "partial": 0.05, "generic": 0.05}),
    "gap": World([without_scores, unit_scores], {"off_topic_speech": 0.5, "off_topic_picture": 0.5}),
    "distractors": World([without_entity], {"distractors": 40, "transcript_entities": 25.0}),
}


def sections() -> dict[str, Section]:
    """Return the options of the preset quick: a narrower or shorter training learns too little to compare."""
    return dict(configure({"preset": "quick"}).sections)


def plant(folder: Path, share: float, seed: int) -> None:
    """Give each training video queries of other training videos in place of a share of its own."""
    chance = random.Random(seed)
    lines = (folder / "videos.jsonl").read_text(encoding="utf-8").splitlines()
    train = {one["id"] for one in map(json.loads, lines) if one["split"] == "train"}
    links = [line.split("\t") for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()]
    training_queries = sorted({query for query, video, _ in links if video in train})
    known = {(query, video) for query, video, _ in links}
    planted = []
    for query, video, relevance in links:
        if video in train and chance.random() < share:
            query = chance.choice(
                [other for other in chance.sample(training_queries, 8) if (other, video) not in known]
            )
            known.add((query, video))
        planted.append("\t".join((query, video, relevance)) + "\n")
    (folder / "qrels.tsv").write_text("".join(planted), encoding="utf-8")


def fitted(make: Callable[[Context], QMSRow], data: Dataset, seed: int, store: Store) -> QMSRow:
    """Train a row on a dataset."""
    row = make(Context(language="en", seed=seed, device="cpu", sections=sections(), store=store))
    row.fit(data.videos("train", references=True), data.videos("val", references=True))
    return row


def ciders(row: QMSRow, data: Dataset) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the CIDEr of each test video."""
    written = row.summarize(data.videos("test", references=False))
    return cider_by_video(written, data.references)


def rejection(row: QMSRow, data: Dataset, folder: Path) -> str:
    """Say how many of the planted wrong queries are rejected, and how many of the rejected are wrong.

    The order, whatever the threshold: how often a wrong query is less similar than a right one of its video.
    """
    lines = (folder / "videos.jsonl").read_text(encoding="utf-8").splitlines()
    keys = {one["id"]: set(one["key_entities"]) for one in map(json.loads, lines)}
    entities = read_vocabulary("en").entities
    videos = data.videos("train", references=True)
    similar = comparison.similar(
        comparison.load(row.encoder, row.context.store, "cpu"), [video.references for video in videos]
    )
    right: list[bool] = []
    bad: list[bool] = []
    below: list[float] = []
    for video, scores in zip(videos, similar, strict=True):
        wrong = [
            any(f" {e} " in f" {query} " for e in entities if not _part(e, keys[video.video_id]))
            for query in video.references
        ]
        apart = np.asarray(scores)[wrong], np.asarray(scores)[np.logical_not(wrong)]
        for some, part in zip((bad, right), apart, strict=True):
            some.extend((part < row.mu).tolist())
        below.extend(((apart[0][:, None] < apart[1]) + 0.5 * (apart[0][:, None] == apart[1])).ravel())
    rejected = sum(right) + sum(bad)
    return (
        f"wrong queries: {len(bad)} of {len(bad) + len(right)}; rejected {rejected}; "
        f"precision {sum(bad) / max(rejected, 1):.3f}, recall {sum(bad) / max(len(bad), 1):.3f}; "
        f"less similar than a right one of its video: {float(np.mean(below)):.3f}"
    )


def _part(entity: str, keys: set[str]) -> bool:
    return any(f" {entity} " in f" {key} " for key in keys)


def run(name: str, videos: int, seed: int, cache: Path) -> None:
    """Train the rows of a world and print what they are worth."""
    world = WORLDS[name]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        synthesize(folder, SynthOptions(name=name, videos=videos, **world.knobs))
        plant(folder, world.stray, seed=0)
        data = read_dataset(folder)
        whole = fitted(qms, data, seed, Store(cache))
        ours = ciders(whole, data)
        print(
            f"{name}, seed {seed}: QMS {100 * ours.mean():.2f} (CIDEr x 100, {len(ours)} test videos)",
            flush=True,
        )
        if name in ("stray", "wrong"):
            print("  " + rejection(whole, data, folder), flush=True)
        last = [entry for entry in whole.log if "entity_F1" in entry][-1]
        print(
            f"  entity head on val: {_shown(last, 'entity_')}; U: {_shown(whole.log[-2], 'U_')}", flush=True
        )
        for make in world.rows:
            other = fitted(make, data, seed, Store(cache))
            theirs = ciders(other, data)
            low, high = mean_interval(100 * (ours - theirs))
            print(
                f"  {other.label} {100 * theirs.mean():.2f}; QMS minus it "
                f"{100 * (ours - theirs).mean():+.2f} [{low:+.2f}, {high:+.2f}]",
                flush=True,
            )


def _shown(entry: Mapping[str, float], start: str) -> str:
    return ", ".join(f"{key.removeprefix(start)} {entry[key]:.3f}" for key in entry if key.startswith(start))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", choices=WORLDS)
    parser.add_argument("--videos", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "qms-bench-learning")
    given = parser.parse_args()
    torch.set_num_threads(1)
    run(given.world, given.videos, given.seed, given.store)


if __name__ == "__main__":
    main()
