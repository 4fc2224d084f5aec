"""A dataset that is made at first use."""

import json
from pathlib import Path


def mini(cache: Path) -> Path:
    """Return a folder with three videos."""
    folder = cache / "mini"
    folder.mkdir(parents=True, exist_ok=True)
    videos = [("a", "red fox"), ("b", "blue whale"), ("c", "green tree")]
    about = {"name": "mini", "language": "en", "version": "1"}
    (folder / "dataset.json").write_text(json.dumps(about))
    (folder / "videos.jsonl").write_text(
        "".join(json.dumps({"id": v, "transcript": t, "split": "test"}) + "\n" for v, t in videos)
    )
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"id": f"q{v}", "text": t}) + "\n" for v, t in videos)
    )
    (folder / "qrels.tsv").write_text("".join(f"q{v}\t{v}\t1\n" for v, _ in videos))
    return folder


def broken(cache: Path) -> Path:
    """Fail."""
    raise RuntimeError("no mini today")
