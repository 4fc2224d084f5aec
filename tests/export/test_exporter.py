"""A run in the formats of others, read back by their readers or against their documented schema."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import ir_measures
import pytest
import pytrec_eval

from bench.foreign.formats import read_any_judgements, read_any_queries, read_corpus
from bench.result import Result
from tests.competing_run import CompetingRun
from tests.conftest import Cli
from tests.manifests import edit_manifest

CELL = "long.bm25"


@pytest.fixture
def folder(request: pytest.FixtureRequest, competing_run: CompetingRun, cli: Cli, tmp_path: Path) -> Path:
    """Return the run of the tests, exported in the format that the test is marked with."""
    target = tmp_path / "exported"
    done = cli("export", competing_run.out, "--format", request.param, "--to", target)
    assert done.status == 0, done.err
    return target


def score(run: CompetingRun, metric: str) -> float:
    scores = Result.read(run.out).scores.set_index(["generator", "retriever", "metric"])["value"]
    return float(scores["long", "bm25", metric])


@pytest.mark.parametrize("folder", ["trec"], indirect=True)
def test_trec_eval_and_ir_measures_give_our_scores(folder: Path, competing_run: CompetingRun) -> None:
    with (folder / "qrels.txt").open() as qrels, (folder / f"{CELL}.run").open() as run:
        judged, ranked = pytrec_eval.parse_qrel(qrels), pytrec_eval.parse_run(run)
    values = pytrec_eval.RelevanceEvaluator(judged, {"recall.10"}).evaluate(ranked)
    mean = sum(value["recall_10"] for value in values.values()) / len(judged)
    assert mean == pytest.approx(score(competing_run, "R@10"), abs=1e-6)
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure("Success@5")],
        ir_measures.read_trec_qrels(str(folder / "qrels.txt")),
        ir_measures.read_trec_run(str(folder / f"{CELL}.run")),
    )
    assert next(iter(theirs.values())) == pytest.approx(score(competing_run, "Acc@5"), abs=1e-6)


@pytest.mark.parametrize("folder", ["beir"], indirect=True)
def test_a_beir_folder_holds_the_summaries_as_corpus(folder: Path, competing_run: CompetingRun) -> None:
    lines = (competing_run.out / "summaries" / "long.jsonl").read_text(encoding="utf-8").splitlines()
    summaries = {item["video_id"]: item["summary"] for item in map(json.loads, lines)}
    root = folder / "long"
    assert read_corpus(root / "corpus.jsonl") == summaries
    grades, form = read_any_judgements(root / "qrels" / "test.tsv")
    assert form == "TSV"
    assert set(grades) == set(read_any_queries(root / "queries.jsonl"))
    assert {video for judged in grades.values() for video in judged} <= set(summaries)


@pytest.mark.parametrize("folder", ["mteb"], indirect=True)
def test_mteb_results_have_what_its_reader_requires(folder: Path, competing_run: CompetingRun) -> None:
    [path] = (folder / f"qms-bench__{CELL}").rglob("synthetic.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    # mteb.results.task_result.TaskResult: required fields, and those of each entry of scores.
    # mteb 2.26.24 itself reads the folder (ResultCache.load_results); it is no dependency: it needs polars.
    assert {"dataset_revision", "task_name", "mteb_version", "scores", "evaluation_time"} <= set(result)
    [entry] = result["scores"]["test"]
    assert entry["languages"] == ["eng-Latn"]
    assert entry["hf_subset"] == "default"
    assert entry["main_score"] == entry["ndcg_at_10"]
    assert entry["recall_at_10"] == pytest.approx(score(competing_run, "R@10"), abs=1e-6)
    assert entry["hit_rate_at_1"] == pytest.approx(score(competing_run, "P@1"), abs=1e-6)
    run = ir_measures.read_trec_run(str(competing_run.out / "runs" / f"{CELL}.trec"))
    qrels = ir_measures.read_trec_qrels(str(competing_run.out / "qrels.trec"))
    theirs = ir_measures.calc_aggregate([ir_measures.parse_measure("nDCG@10")], qrels, run)
    assert entry["main_score"] == pytest.approx(next(iter(theirs.values())), abs=1e-6)


@pytest.mark.parametrize("folder", ["every_eval_ever"], indirect=True)
def test_records_have_the_fields_that_the_schema_requires(folder: Path, competing_run: CompetingRun) -> None:
    record: dict[str, Any] = json.loads((folder / f"{CELL}.json").read_text(encoding="utf-8"))
    # eval.schema.json 0.2.1: these fields and no others
    assert set(record) == {
        "schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info",
        "eval_library", "evaluation_results",
    }  # fmt: skip
    assert {"name", "version"} <= set(record["eval_library"])
    assert all(isinstance(value, str) for value in record["model_info"]["additional_details"].values())
    results = {result["evaluation_name"]: result for result in record["evaluation_results"]}
    for result in results.values():
        assert {"evaluation_name", "source_data", "metric_config", "score_details"} == set(result)
        assert result["metric_config"]["min_score"] <= result["score_details"]["score"]
        assert result["score_details"]["score"] <= result["metric_config"]["max_score"]
    assert results["R@10"]["score_details"]["score"] == score(competing_run, "R@10")
    assert results["R@10"]["score_details"]["uncertainty"]["confidence_interval"]["confidence_level"] == 0.95
    assert "CIDEr" in results
    described = results["R@10"]["metric_config"]["evaluation_description"]
    assert described == "relevant videos in the top 10 / relevant videos in the pool"


def test_grades_of_given_judgements_are_exported_as_the_test(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "q.trec").write_text("q 0 d1 2\nq 0 d2 0\n", encoding="utf-8")
    (tmp_path / "r.trec").write_text("q Q0 d1 1 1.0 r\nq Q0 d2 2 0.5 r\n", encoding="utf-8")
    files = ("--qrels", tmp_path / "q.trec", "--run", tmp_path / "r.trec", "--metrics", "NumRet")
    assert cli("evaluate", *files, "--out", tmp_path / "out").status == 0
    assert cli("export", tmp_path / "out", "--format", "beir", "--to", tmp_path / "beir").status == 0
    qrels = (tmp_path / "beir" / "r" / "qrels" / "test.tsv").read_text(encoding="utf-8")
    assert qrels == "query-id\tcorpus-id\tscore\nq\td1\t2\nq\td2\t0\n"
    assert (
        cli("export", tmp_path / "out", "--format", "every_eval_ever", "--to", tmp_path / "eee").status == 0
    )
    record = json.loads((tmp_path / "eee" / "r.run.json").read_text(encoding="utf-8"))
    [result] = record["evaluation_results"]
    assert result["score_details"]["score"] <= result["metric_config"]["max_score"] == 2.0


def test_an_unknown_format_and_a_full_folder_are_refused(competing_run: CompetingRun, cli: Cli) -> None:
    unknown = cli("export", competing_run.out, "--format", "bier", "--to", "x")
    assert (unknown.status, "Did you mean beir" in unknown.error()) == (2, True)
    full = cli("export", competing_run.out, "--format", "beir", "--to", competing_run.out)
    assert (full.status, "not an empty folder" in full.error()) == (2, True)


@pytest.mark.parametrize("form", ["mteb", "beir"])
def test_names_of_a_run_lead_into_no_other_folder(
    form: str, competing_run: CompetingRun, cli: Cli, tmp_path: Path
) -> None:
    run, name = tmp_path / "run", "../../../evil/" + "x" * 300
    shutil.copytree(competing_run.out, run)

    def rename(document: dict[str, Any]) -> None:
        document["dataset"]["name"] = document["bench_version"] = document["settings"]["split"] = name

    edit_manifest(run, rename)
    target = tmp_path / "a" / "b" / "c" / "exported"
    done = cli("export", run, "--format", form, "--to", target)
    assert done.status == 0, done.err
    assert [path for path in target.rglob("*evil*") if path.is_file() or any(path.iterdir())]
    assert [path for path in tmp_path.rglob("*evil*") if target not in path.parents] == []
