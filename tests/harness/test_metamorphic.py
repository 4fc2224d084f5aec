"""What must follow when the input changes in a way that theory understands, on BM25 and dense."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Mapping
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.context import Context
from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.metrics.ties import tie_bounds
from bench.options import build_sections
from bench.protocols import Retriever
from bench.store.artefacts import Store
from bench.systems.component import make_retriever
from bench.systems.registry import option_sections
from bench.types import Run
from tests.conftest import Cli
from tests.tiny import QUERIES, TEST_POOL, VIDEOS, Tiny, lines

CORPUS = {video: transcript for video, transcript, _ in VIDEOS}
TEXTS = dict(QUERIES)
Build = Callable[..., Retriever]
Ranking = dict[str, list[tuple[str, float]]]

both = pytest.mark.parametrize("name", ["bm25", "dpr-pt"])


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build a real retriever with some options and a store of its own."""

    def make(name: str, **options: Any) -> Retriever:
        given = {key.replace("__", "."): value for key, value in options.items()}
        sections = build_sections(option_sections(), given)
        store = Store(tmp_path / f"store-{len(given)}")  # no vector may come from another setting's cache
        return make_retriever(name, Context(sections=sections, store=store)).system

    return make


def retrieved(
    retriever: Retriever, corpus: Mapping[str, str], queries: Mapping[str, str] = TEXTS, k: int = 50
) -> Ranking:
    retriever.index(corpus)
    return ranking(retriever.search(queries, k))


def ranking(run: Run) -> Ranking:
    """Return ``{query: [(video, score), ...]}``, best first."""
    return {
        query: [(run.video_ids[i], float(s)) for i, s in zip(hits, scores, strict=True) if i >= 0]
        for query, hits, scores in zip(run.query_ids, run.hits.tolist(), run.scores.tolist(), strict=True)
    }


# What changes nothing


@both
def test_renaming_ids_in_their_order_renames_the_hits(build: Build, name: str) -> None:
    new = {video: f"{i:03d}-{video}" for i, video in enumerate(sorted(CORPUS))}
    before = retrieved(build(name), CORPUS)
    after = retrieved(build(name), {new[video]: text for video, text in CORPUS.items()})
    assert after == {q: [(new[v], s) for v, s in hits] for q, hits in before.items()}


@both
def test_the_order_of_documents_and_queries_is_of_no_account(build: Build, name: str) -> None:
    before = retrieved(build(name), CORPUS)
    for seed in range(3):
        documents, queries = list(CORPUS.items()), list(TEXTS.items())
        random.Random(seed).shuffle(documents)
        random.Random(seed).shuffle(queries)
        assert retrieved(build(name), dict(documents), dict(queries)) == before


@both
def test_one_query_at_a_time_finds_what_all_at_once_find(build: Build, name: str) -> None:
    retriever = build(name)
    together = retrieved(retriever, CORPUS)
    alone = {q: ranking(retriever.search({q: text}, 50))[q] for q, text in TEXTS.items()}
    assert {q: [v for v, _ in hits] for q, hits in alone.items()} == {
        q: [v for v, _ in hits] for q, hits in together.items()
    }
    for query, hits in together.items():
        assert [s for _, s in alone[query]] == pytest.approx([s for _, s in hits], abs=2e-6)


def test_the_size_of_a_batch_changes_the_last_decimal_at_most(build: Build) -> None:
    one, many = (retrieved(build("dpr-pt", dpr__batch_size=size), CORPUS) for size in (1, 64))
    for query, hits in many.items():
        assert dict(one[query]) == pytest.approx(dict(hits), abs=2e-6)


@both
def test_depth_only_cuts(build: Build, name: str) -> None:
    deep = retrieved(build(name), CORPUS)
    assert retrieved(build(name), CORPUS, k=2) == {query: hits[:2] for query, hits in deep.items()}


def test_the_order_of_lines_in_the_files_is_of_no_account(tiny: Tiny, tmp_path: Path) -> None:
    def run(name: str) -> dict[tuple[str, ...], float]:
        out = tmp_path / name
        options: dict[str, Any] = {"protocol": "all-queries", "retrievers": "bm25", "quiet": True}
        bench.run(data=tiny.folder, generators="lead,transcript,oracle", out=out, **options)
        with (out / "scores.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        kept = ("value", "tie_worst", "tie_expected", "tie_best", "n")  # the bootstrap draws by place
        keys = ("generator", "retriever", "metric")
        return {(*(r[k] for k in keys), c): float(r[c] or 0) for r in rows for c in kept}

    before = run("before")
    for number, name in enumerate(("videos.jsonl", "queries.jsonl", "qrels.tsv")):
        text = tiny.path(name).read_text(encoding="utf-8").splitlines(keepends=True)
        random.Random(number).shuffle(text)
        if name == "queries.jsonl":  # of one need's spellings the first is asked: they keep their order
            same = [line for line in text if json.loads(line)["id"] in ("q1", "q7", "q10")]
            place = iter(sorted(same, key=lambda line: ["q10", "q1", "q7"].index(json.loads(line)["id"])))
            text = [next(place) if line in same else line for line in text]
        tiny.path(name).write_text("".join(text), encoding="utf-8")
    assert run("after") == pytest.approx(before, abs=1e-9)


# What changes as theory allows


@both
def test_an_irrelevant_document_moves_the_others_together(build: Build, name: str) -> None:
    """BM25 never returns it, though lengths and counts change; dense keeps every other score."""
    before = retrieved(build(name), CORPUS)
    after = retrieved(build(name), {**CORPUS, "v7": "zyzzyva quixotry syzygy"})
    for query, hits in before.items():
        rest = [(v, s) for v, s in after[query] if v != "v7"]
        if name == "bm25":
            assert {v for v, _ in after[query]} == {v for v, _ in hits}
        else:
            assert rest == hits


def test_an_irrelevant_document_can_only_lower_dense_metrics(build: Build) -> None:
    relevant = {"q1": ["v10", "v2", "v1"], "q2": ["v100", "v3", "v20"], "q5": ["v3"]}
    values = []
    for corpus in (CORPUS, {**CORPUS, "v7": "zyzzyva quixotry syzygy"}):
        retriever = build("dpr-pt")
        retriever.index(corpus)
        run = retriever.search({query: TEXTS[query] for query in relevant}, 50)
        values.append(score(run, Relevance.from_mapping(relevant, tuple(relevant), run.video_ids)))
    for metric in map(str, RANKING_METRICS):
        assert (values[1][metric] <= values[0][metric]).all()


@both
def test_a_doubled_document_ties_with_itself(build: Build, name: str) -> None:
    for video, text in CORPUS.items():
        before = retrieved(build(name), CORPUS)
        after = retrieved(build(name), {**CORPUS, f"{video}-copy": text})
        for query, hits in after.items():
            scores = dict(hits)
            assert scores.get(video) == scores.get(f"{video}-copy")
            assert set(scores) - {f"{video}-copy"} == {v for v, _ in before[query]}
            if name == "dpr-pt":
                assert [(v, s) for v, s in hits if v != f"{video}-copy"] == before[query]


# What is known beforehand


def chance(n: int, r: int, k: int) -> dict[str, float]:
    """Return what k of n documents in random order are worth, r of them relevant."""
    k = min(k, n)
    return {"R": k / n, "P": k * r / n, "Acc": 1 - comb(n - r, k) / comb(n, k)}


@pytest.mark.parametrize(("n", "r"), [(1, 1), (7, 1), (7, 3), (12, 12), (60, 2)])
def test_a_constant_scorer_is_worth_what_chance_is(n: int, r: int) -> None:
    videos = [f"v{i:02d}" for i in range(n)]
    hits, scores = np.arange(n)[None, :], np.ones((1, n))
    truth = Relevance.from_mapping({"q": videos[-r:]}, ("q",), tuple(videos))
    for metric in RANKING_METRICS:
        bounds = tie_bounds(Run.from_arrays(("q",), videos, hits, scores, n), truth, [metric])[str(metric)]
        k, cut = metric.k, min(metric.k, n)
        expected = chance(n, r, k)[metric.kind] / (k if metric.kind == "P" else 1)
        assert bounds.expected[0] == pytest.approx(expected)
        least, most = max(0, cut - (n - r)), min(cut, r)
        scale = {"R": r, "P": k, "Acc": 1}[metric.kind]
        for bound, count in ((bounds.worst, least), (bounds.best, most)):
            assert bound[0] == pytest.approx(min(count, 1) if metric.kind == "Acc" else count / scale)


def run_on(tiny: Tiny, tmp_path: Path, texts: Mapping[str, str], retrievers: str = "bm25,dpr-pt") -> Any:
    theirs = tmp_path / "theirs.jsonl"
    lines(theirs, [{"video_id": v, "summary": texts[v]} for v in TEST_POOL])
    return bench.run(
        data=tiny.folder, generators=f"file:{theirs}", retrievers=retrievers, protocol="all-queries",
        out=tmp_path / "out", quiet=True, device="cpu",
    )  # fmt: skip


def test_a_corpus_of_duplicates_is_worth_what_chance_is(tiny: Tiny, tmp_path: Path) -> None:
    result = run_on(tiny, tmp_path, dict.fromkeys(TEST_POOL, "apple pie"))
    n = len(TEST_POOL)
    dense = result.scores[result.scores["retriever"] == "dpr-pt"].set_index("metric")
    sparse = result.scores[result.scores["retriever"] == "bm25"].set_index("metric")
    with (result.out / "per_query" / "theirs.bm25.csv").open(newline="") as stream:
        relevant = {row["query_id"]: int(row["n_relevant"]) for row in csv.DictReader(stream)}
    matched = [query for query in relevant if "pie" in TEXTS[query].lower()]
    for metric in RANKING_METRICS:
        worth = {
            q: chance(n, r, metric.k)[metric.kind] / (metric.k if metric.kind == "P" else 1)
            for q, r in relevant.items()
        }
        dense_row, sparse_row = dense.loc[str(metric)], sparse.loc[str(metric)]
        assert dense_row["tie_expected"] == pytest.approx(sum(worth.values()) / len(worth))
        assert dense_row["tie_worst"] <= dense_row["value"] <= dense_row["tie_best"]
        assert sparse_row["tie_expected"] == pytest.approx(sum(worth[q] for q in matched) / len(worth))
    assert matched
    assert "6 duplicate summaries" in result.manifest.coverage_line
    assert result.manifest.distinct == {"theirs": pytest.approx(1 / n, abs=1e-6)}
    generation = (result.out / "tables" / "generation.csv").read_text().splitlines()
    assert generation[0].endswith(",C,Distinct")
    assert generation[1].endswith(f",{100 / n:.2f}")


# What must not crash


def test_empty_summaries_find_nothing(tiny: Tiny, tmp_path: Path) -> None:
    result = run_on(tiny, tmp_path, dict.fromkeys(TEST_POOL, ""))
    assert not result.failed
    assert result.manifest.distinct == {"theirs": 0}
    ranked = result.scores[result.scores["retriever"].notna()]
    assert (ranked[["value", "tie_worst", "tie_expected", "tie_best"]] == 0).all(axis=None)


@both
def test_an_index_of_nothing_and_a_query_of_nothing_find_nothing(build: Build, name: str) -> None:
    nothing: Ranking = {"q": [], "blank": [], "marks": []}
    queries = {"q": "apple pie", "blank": " \t", "marks": ""}
    assert retrieved(build(name), {}, queries) == nothing
    assert retrieved(build(name), {"v1": "", "v2": " "}, queries) == nothing
    assert retrieved(build(name), CORPUS, {"q": "", "blank": " \t", "marks": "\n"}) == nothing


@pytest.mark.parametrize("analyzer", ["klingon", "EN", ""])
def test_an_unknown_analyzer_is_told_and_near_none(tiny: Tiny, cli: Cli, analyzer: str) -> None:
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--set", f"bm25.analyzer={analyzer}")
    assert outcome.status == 2
    assert "bm25.analyzer" in outcome.error()
    assert "auto, en, zh, standard" in outcome.error()
