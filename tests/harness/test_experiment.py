"""What a run leaves behind, and what its options change."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytrec_eval

import bench
from bench.errors import UsageError
from bench.output.schema import COST_COLUMNS, GENERATION, RETRIEVAL, SCORE_COLUMNS
from bench.store.digests import file_digest
from tests.conftest import Cli
from tests.harness.commands import GENERATORS, RANKING, TEXT, command, read_csv, tree
from tests.tiny import TEST_POOL, Tiny


def test_the_folder_is_complete(finished: Path) -> None:
    expected = {
        "manifest.json",
        "qrels.trec",
        "queries.tsv",
        "references.jsonl",
        "scores.csv",
        "costs.csv",
        "significance.csv",
        "summary.json",
        "attributes.csv",
        "slices.csv",
        "report.html",
    }
    expected |= {f"summaries/{g}.jsonl" for g in GENERATORS} | {f"runs/{g}.bm25.trec" for g in GENERATORS}
    expected |= {f"per_query/{g}.bm25.csv" for g in GENERATORS} | {f"per_video/{g}.csv" for g in GENERATORS}
    expected |= {
        f"tables/{t}.{x}" for t in ("generation", "retrieval", "ties", "cost") for x in ("md", "csv", "tex")
    }
    assert set(tree(finished / "out")) == expected


def test_the_manifest_has_the_digest_of_every_other_file(finished: Path) -> None:
    manifest = json.loads((finished / "out" / "manifest.json").read_text())
    files = {
        name: file_digest(finished / "out" / name)
        for name in tree(finished / "out")
        if name != "manifest.json"
    }
    assert manifest["files"] == files
    assert manifest["finished"] is True


def test_the_manifest_tells_every_option_and_what_it_ran_on(finished: Path) -> None:
    manifest = json.loads((finished / "out" / "manifest.json").read_text())
    settings = manifest["settings"]
    assert settings["options"]["bm25.k1"] == 0.9
    assert settings["options"]["data.unite_queries"] is True
    assert (settings["protocol"], settings["seed"], settings["split"]) == ("one-query-per-video", [0], "test")
    assert manifest["dataset"]["digest"]
    assert manifest["packages"]["numpy"] == np.__version__
    assert set(manifest["code"]) == {"commit", "dirty"}
    assert manifest["machine"]["cores"] >= 1
    for cell in (*GENERATORS, *(f"{g}.bm25" for g in GENERATORS)):
        assert set(manifest["cells"][cell]) == {"seconds", "peak_mb", "fit_s"}


def test_summaries_are_those_of_the_pool_in_dataset_order(finished: Path) -> None:
    for generator in GENERATORS:
        text = (finished / "out" / "summaries" / f"{generator}.jsonl").read_text()
        assert [json.loads(line)["video_id"] for line in text.splitlines()] == TEST_POOL
    assert json.loads((finished / "out/summaries/lead.jsonl").read_text().split("\n")[0]) == {
        "video_id": "v10",
        "summary": "apple pie from scratch: flour, butter, apples and",
    }


def test_scores_have_every_metric_of_every_cell(finished: Path) -> None:
    rows = read_csv(finished / "out" / "scores.csv")
    assert tuple(rows[0]) == SCORE_COLUMNS
    assert [(row["generator"], row["retriever"], row["metric"]) for row in rows] == [
        (g, r, m) for g in GENERATORS for r, metrics in (("", TEXT), ("bm25", RANKING)) for m in metrics
    ]
    assert {row["n"] for row in rows} == {"5"}
    assert {row["seed"] for row in rows} == {"0"}
    for row in rows:
        value, low, high = (float(row[name]) for name in ("value", "ci_low", "ci_high"))
        assert low <= high
        if row["retriever"]:
            assert 0 <= value <= 1
            assert float(row["tie_worst"]) <= float(row["tie_expected"]) <= float(row["tie_best"])


def test_scores_are_the_means_of_what_each_query_got(finished: Path) -> None:
    rows = read_csv(finished / "out" / "scores.csv")
    for generator in GENERATORS:
        per_query = pd.read_csv(finished / "out" / "per_query" / f"{generator}.bm25.csv")
        assert list(per_query.columns) == ["query_id", "n_relevant", *RANKING]
        for row in rows:
            if row["generator"] == generator and row["retriever"]:
                assert float(row["value"]) == pytest.approx(per_query[row["metric"]].mean(), abs=1e-12)


def test_costs_have_every_column(finished: Path) -> None:
    rows = read_csv(finished / "out" / "costs.csv")
    assert tuple(rows[0]) == COST_COLUMNS
    assert len(rows) == 2 * len(GENERATORS)
    searched = [row for row in rows if row["retriever"]]
    assert all(float(row["index_bytes_per_doc"]) > 0 and float(row["search_p95_ms"]) > 0 for row in searched)


def test_runs_have_ranks_from_1_and_falling_scores(finished: Path) -> None:
    for generator in GENERATORS:
        seen: dict[str, list[tuple[int, float]]] = {}
        for line in (finished / "out" / "runs" / f"{generator}.bm25.trec").read_text().splitlines():
            query, q0, video, rank, score, tag = line.split()
            assert (q0, tag) == ("Q0", f"{generator}.bm25")
            assert video in TEST_POOL
            seen.setdefault(query, []).append((int(rank), float(score)))
        for found in seen.values():
            assert [rank for rank, _ in found] == list(range(1, len(found) + 1))
            assert all(one > other for (_, one), (_, other) in itertools.pairwise(found))


def test_unmodified_trec_eval_gives_our_scores(finished: Path) -> None:
    out = finished / "out"
    qrels = pytrec_eval.parse_qrel(io.StringIO((out / "qrels.trec").read_text()))
    scores = {
        (r["generator"], r["retriever"], r["metric"]): float(r["value"]) for r in read_csv(out / "scores.csv")
    }
    names = {"R": "recall", "P": "P", "Acc": "success"}
    for generator in GENERATORS:
        run = pytrec_eval.parse_run(io.StringIO((out / "runs" / f"{generator}.bm25.trec").read_text()))
        wanted = {f"{name}.{k}" for name in names.values() for k in (1, 5, 10, 30)}
        found = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
        for metric in RANKING:
            kind, _, k = metric.partition("@")
            total = sum(values[f"{names[kind]}_{k}"] for values in found.values())
            # as trec_eval -c: a query without results counts 0
            assert total / len(qrels) == pytest.approx(scores[generator, "bm25", metric], abs=1e-6)


def test_queries_are_exactly_those_evaluated(finished: Path) -> None:
    queries = [line.split("\t")[0] for line in (finished / "out" / "queries.tsv").read_text().splitlines()]
    judged = [line.split()[0] for line in (finished / "out" / "qrels.trec").read_text().splitlines()]
    assert queries == list(dict.fromkeys(judged))
    assert len(queries) == 5


def test_bench_evaluate_on_our_own_run_prints_our_row(finished: Path, cli: Cli) -> None:
    out = finished / "out"
    printed = (out / "tables" / "retrieval.md").read_text().splitlines()
    for generator, label in (("lead", "Lead"), ("oracle", "Oracle")):
        row = next(line for line in printed if line.startswith(f"| BM25 | {label} |"))
        ours = [cell.strip(" *<u>/") for cell in row.split("|")[3:-1]]
        run = out / "runs" / f"{generator}.bm25.trec"
        by_files = cli(
            "evaluate", "--run", run, "--qrels", out / "qrels.trec", "--queries", out / "queries.tsv"
        )
        by_data = cli("evaluate", "--run", run, "--data", finished / "tiny")
        for outcome in (by_files, by_data):
            assert outcome.status == 0, outcome.err
            theirs = next(
                line for line in outcome.out.splitlines() if line.startswith(f"| Run | {generator}.bm25 |")
            )
            assert [cell.strip(" *<u>/") for cell in theirs.split("|")[3:-1]] == ours


def test_every_table_ends_with_signature_and_coverage(finished: Path) -> None:
    for path in (finished / "out" / "tables").iterdir():
        text = path.read_text()
        for part in ("Signature", "one-query-per-video", "k1=0.9", "b=0.4", "analyzer=en", "Coverage"):
            assert part in text, (path.name, part)


def test_python_has_scores_and_tables(finished: Path) -> None:
    result = bench.Result.read(finished / "out")
    assert tuple(result.scores.columns) == SCORE_COLUMNS
    table = result.table("retrieval")
    assert list(table.columns) == RETRIEVAL
    assert ("BM25", "Lead") in [
        (labels[0], labels[1]) for labels in table.rename(index={"bm25": "BM25"}).index
    ]
    assert list(result.table("generation").columns) == list(GENERATION)
    assert not result.failed
    with pytest.raises(UsageError, match="Did you mean retrieval"):
        result.table("retreival")


def test_an_unknown_keyword_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="Did you mean generators"):
        bench.run(generator="lead")


def test_the_validation_split_is_searched_when_asked(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    cli(*command(tiny, tmp_path / "out", "lead", "--split", "val"))
    written = (tmp_path / "out" / "summaries" / "lead.jsonl").read_text().splitlines()
    assert [json.loads(line)["video_id"] for line in written] == ["v5", "v6"]
    assert "split: val" in (tmp_path / "out" / "tables" / "retrieval.md").read_text()


def test_all_queries_are_evaluated_when_asked(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    cli(*command(tiny, tmp_path / "out", "lead", "--protocol", "all-queries"))
    queries = (tmp_path / "out" / "queries.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in queries] == ["q1", "q2", "q3", "q4", "q5"]


def test_real_speech_and_real_queries_run(real_data: Path, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(
        "run", "--data", real_data / "youcook2-asr", "--generators", "lead", "--retrievers", "bm25",
        "--protocol", "all-queries", "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
