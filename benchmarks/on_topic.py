"""Print how well rows do on videos of the demo whose speech, or whose picture, is about something else.

Usage: python benchmarks/on_topic.py OUT DATA

OUT is the output folder of ``bench run --data demo``, with one seed or several (then means over seeds); DATA
the folder of the demo (its ``videos.jsonl`` says what is on topic). A row that reads transcripts alone must
fail where speech is off topic, a row that reads frames alone where the picture is.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

CLASSES = {"both": (True, True), "speech off": (False, True), "picture off": (True, False)}
"""The kinds of videos by whether speech and picture are on topic; the demo never has both off topic."""


def main(out: Path, data: Path) -> None:
    """Print a Markdown table: CIDEr and R@10 of each row by kind of video, ×100."""
    with (data / "videos.jsonl").open(encoding="utf-8") as file:
        videos = {video["id"]: video for video in map(json.loads, file)}
    kinds = {
        video_id: next(name for name, truth in CLASSES.items() if truth == _truth(video))
        for video_id, video in videos.items()
    }
    folders = sorted(out.glob("seed-*")) or [out]
    of_query = _kinds_of_queries(folders[0], kinds)
    retrievers = sorted({path.name.split(".")[1] for path in (folders[0] / "per_query").iterdir()})
    columns = [("CIDEr", "")] + [("R@10", retriever) for retriever in retrievers]
    titles = [
        f"{metric} {retriever} {kind}".replace("  ", " ") for metric, retriever in columns for kind in CLASSES
    ]
    print(f"| row | {' | '.join(titles)} |")
    print("| --- |" + " ---: |" * len(titles))
    for row in _rows(folders[0]):
        cells: list[str] = []
        for metric, retriever in columns:
            file = f"per_query/{row}.{retriever}.csv" if retriever else f"per_video/{row}.csv"
            of_item = of_query if retriever else kinds
            by_seed = [_means(folder / file, metric, of_item) for folder in folders]
            cells += [f"{100 * statistics.fmean(means[kind] for means in by_seed):.1f}" for kind in CLASSES]
        print(f"| {row} | {' | '.join(cells)} |")
    counts = ", ".join(f"{kind} {list(of_query.values()).count(kind)}" for kind in CLASSES)
    print(f"\nQueries with relevant videos of one kind: {counts}. Seeds: {len(folders)}.")


def _truth(video: Mapping[str, object]) -> tuple[object, object]:
    return video["speech_on_topic"], video["picture_on_topic"]


def _kinds_of_queries(folder: Path, kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the kind of each query's relevant videos, where they are all of one kind."""
    kinds_of: dict[str, set[str]] = {}
    for line in (folder / "qrels.trec").read_text(encoding="utf-8").splitlines():
        query_id, _, video_id, _ = line.split()
        kinds_of.setdefault(query_id, set()).add(kinds[video_id])
    return {query_id: next(iter(names)) for query_id, names in kinds_of.items() if len(names) == 1}


def _rows(folder: Path) -> Iterator[str]:
    with (folder / "scores.csv").open(encoding="utf-8") as file:
        yield from dict.fromkeys(line["generator"] for line in csv.DictReader(file))


def _means(file: Path, metric: str, kind_of: Mapping[str, str]) -> dict[str, float]:
    values: dict[str, list[float]] = {kind: [] for kind in CLASSES}
    with file.open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            kind = kind_of.get(line.get("query_id") or line["video_id"])
            if kind:
                values[kind].append(float(line[metric]))
    return {kind: statistics.fmean(numbers) for kind, numbers in values.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
