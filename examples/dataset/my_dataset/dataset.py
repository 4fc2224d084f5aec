"""The dataset: a folder that is made at first use, read by bench run --data my-dataset."""

import json
from pathlib import Path

VIDEOS = {"v1": "a red car races through the desert", "v2": "a cat sleeps on a keyboard", "v3": "apple pie"}
QUERIES = {"q1": ("red car", "v1"), "q2": ("sleeping cat", "v2")}


def my_dataset(cache: Path) -> Path:
    """Three videos and two queries, to be replaced by yours."""
    folder = cache / "my-dataset"
    folder.mkdir(parents=True, exist_ok=True)
    about = {"name": "my-dataset", "language": "en", "version": "1"}
    (folder / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    videos = [{"id": video, "transcript": text, "split": "test"} for video, text in VIDEOS.items()]
    queries = [{"id": query, "text": text} for query, (text, _) in QUERIES.items()]
    for name, items in (("videos", videos), ("queries", queries)):
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    qrels = "".join(f"{query}\t{video}\t1\n" for query, (_, video) in QUERIES.items())
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return folder
