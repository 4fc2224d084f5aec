"""Record the summaries of a finished run on the demo: what ``bench demo`` searches without training anything.

Usage: python benchmarks/record_demo.py OUT [NOTE]

OUT is the output folder of ``bench run --generators all,training-free,transcript,oracle --retrievers bm25``;
it may have more systems, which are left out, and lack some. NOTE is added to the machine, such as ", beside
other work". What the light core cannot write is recorded in ``bench/data/demo_summaries/``, each with what it
took and what its model makes of its inputs.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.harness.demo import demo_folder
from bench.result import Result
from bench.store.json_files import format_json_lines, read_json_lines
from bench.systems.file_summaries import RECORD_SUFFIX
from bench.systems.registry import resolve

SHOWN = ("all", "training-free", "transcript", "oracle")
LIVE = ("lead", "tfidf", "textrank", "transcript", "oracle")
"""Written by the light core in no time, and so not recorded."""
SETTINGS = ("data", "preset", "protocol", "query_seed", "split", "seed")


def main(out: Path, note: str = "") -> None:
    """Replace the recorded summaries by those of a run."""
    result, folder = Result.read(out), demo_folder()
    manifest = result.manifest
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    names = [name for name in resolve("generators", SHOWN) if name in manifest.cells]
    for name in names:
        if name not in LIVE:
            texts = read_json_lines(out / "summaries" / f"{name}.jsonl")
            (folder / f"{name}.jsonl").write_text(format_json_lines(texts), encoding="utf-8")
            _write(folder / f"{name}{RECORD_SUFFIX}", record(result, name))
    run = {
        "commit": manifest.code["commit"],
        "dataset": manifest.dataset.digest,
        "machine": f"{manifest.machine['cores']} CPU cores ({manifest.machine['processor']}){note}",
        "signature": manifest.signature,
        "settings": {name: manifest.settings[name] for name in SETTINGS},
        "generators": names,
        "scores": {name: scores(result, name) for name in names},
    }
    _write(folder / "run.json", run)


def scores(result: Result, name: str) -> dict[str, float]:
    """Return CIDEr, and R@10 with BM25, by which a test knows that the demo shows the numbers of the run."""
    rows = result.headline
    rows = rows[(rows.generator == name) & (rows.retriever.isna() | (rows.retriever == "bm25"))]
    return {metric: float(rows[rows.metric == metric].value.iloc[0]) for metric in ("R@10", "CIDEr")}


def record(result: Result, name: str) -> dict[str, Any]:
    """Collect what a generator took and what is known of its model."""
    manifest, out = result.manifest, result.out
    costs = result.costs[(result.costs.generator == name) & result.costs.retriever.isna()].iloc[0]
    training = out / "training" / f"{name}.jsonl"
    counted = manifest.coverage[name].items()
    again = ("without summary", "duplicate summaries")  # counted again from the texts
    settings = manifest.signature.get(name, "")
    return {
        "label": manifest.labels[name],
        "seconds": round(manifest.cells[name].seconds, 3),
        "peak_mb": round(float(costs.peak_mb), 1),
        "fit_s": manifest.cells[name].fit_s,
        "params": None if pd.isna(costs.params) else int(costs.params),
        "signature": dict(part.split("=", 1) for part in re.split(r",(?=[^,= ]+=)", settings) if part),
        "coverage": {what: count for what, count in counted if what not in again},
        "remarks": [
            *(text for text in manifest.remarks.get(name, ()) if not text.startswith("hardly reads")),
            f"written by the run of commit {str(manifest.code['commit'])[:7]}",
        ],
        "modality": _modality(result, name),
        "training": read_json_lines(training) if training.is_file() else [],
    }


def _modality(result: Result, name: str) -> list[dict[str, Any]]:
    if result.modality is None:
        return []
    rows: list[dict[str, Any]] = result.modality[result.modality.generator == name].to_dict("records")
    return [{key: value for key, value in row.items() if key != "generator"} for row in rows]


def _write(path: Path, values: Mapping[str, Any]) -> None:
    finite = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}
    path.write_text(json.dumps(finite, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
