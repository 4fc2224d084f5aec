"""The files of a search team: a BEIR folder and two TREC runs, the new one worse for web queries."""

from __future__ import annotations

import json
import random
from pathlib import Path

QUERIES = 120


def write_files(folder: Path) -> None:
    """Write ``beir/``, ``old.trec`` and ``new.trec`` into a folder; the same bytes at every call."""
    rng = random.Random(1)
    documents = [f"d{i}" for i in range(800)]
    beir = folder / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "corpus.jsonl").write_text(
        "".join(
            json.dumps({"_id": d, "title": f"Title {d}", "text": f"text of {d}"}) + "\n" for d in documents
        )
    )
    queries: list[dict[str, object]] = []
    judged = ["query-id\tcorpus-id\tscore"]
    runs: dict[str, list[str]] = {"old": [], "new": []}
    for number in range(QUERIES):
        query, is_web = f"q{number}", number % 2 == 0
        text = f"{'how to ' if number % 3 == 0 else ''}{'very ' * (number % 4)}good {query}"
        queries.append({"_id": query, "text": text, "metadata": {"kind": "web" if is_web else "shop"}})
        relevant = {d: rng.choice([1, 1, 2]) for d in rng.sample(documents, rng.choice([1, 1, 2, 3]))}
        judged += [f"{query}\t{d}\t{grade}" for d, grade in relevant.items()]
        scores = {d: round(rng.random() * 10, 1) for d in rng.sample(documents, 60)}
        scores |= {d: round(6 + rng.random() * 6, 1) for d in relevant if rng.random() < 0.75}
        worse = {d: round(s - 2, 1) if is_web and d in relevant else s for d, s in scores.items()}
        better = {d: round(s + 2.5, 1) if not is_web and d in relevant else s for d, s in worse.items()}
        for name, of_run in (("old", scores), ("new", better)):
            ranked = sorted(of_run.items(), key=lambda hit: -hit[1])
            runs[name] += [
                f"{query} Q0 {d} {rank} {score} {name}" for rank, (d, score) in enumerate(ranked, 1)
            ]
    (beir / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    (beir / "qrels" / "test.tsv").write_text("\n".join(judged) + "\n")
    for name, lines in runs.items():
        (folder / f"{name}.trec").write_text("\n".join(lines) + "\n")
