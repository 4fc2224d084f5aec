"""A BEIR folder as ``--data``: its documents are searched by our retrievers, its judged queries evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench
from bench.data.registered import is_beir
from tests.conftest import Cli

DOCUMENTS = {
    "d1": ("Apple pie", "a pie with apples and cinnamon"), "d2": ("", "a red car on the road"),
    "d3": ("Cats", "the cat sleeps on a warm keyboard"), "d4": ("", "nobody asks for this"),
}  # fmt: skip
QUERIES = {"q1": "apple pie", "q2": "red car", "q3": "sleeping cats", "q4": "not judged"}


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "kitchen"
    (folder / "qrels").mkdir(parents=True)
    documents = [
        json.dumps({"_id": d, "title": title, "text": text}) for d, (title, text) in DOCUMENTS.items()
    ]
    (folder / "corpus.jsonl").write_text("\n".join(documents))
    (folder / "queries.jsonl").write_text(
        "\n".join(json.dumps({"_id": q, "text": text}) for q, text in QUERIES.items())
    )
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\nq3\td3\t1\nq3\td4\t0\n"
    )
    return folder


def run(beir: Path, out: Path, *more: str) -> tuple[object, ...]:
    return (
        "run", "--data", beir, "--generators", "transcript,lead", "--retrievers", "bm25", "--out", out, *more,
    )  # fmt: skip


def test_its_documents_are_searched_with_all_judged_queries(beir: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli(*run(beir, tmp_path / "out"))
    assert done.status == 0, done.err
    assert "Document" in done.out
    assert "Transcript" not in done.out
    result = bench.open(tmp_path / "out")
    assert result.manifest.settings["protocol"] == "all-queries"
    assert result.manifest.evaluation.queries == 3
    assert result.manifest.dataset.name == "kitchen-test"
    ids = {line.split("\t")[0] for line in (tmp_path / "out" / "queries.tsv").read_text().splitlines()}
    assert ids == {"q1", "q2", "q3"}


def test_its_statistics_are_of_all_queries(beir: Path, cli: Cli) -> None:
    with (beir / "qrels" / "test.tsv").open("a") as judgements:
        judgements.write("q1\td2\t1\nq1\td3\t1\nq1\td4\t1\n")
    text = cli("data", "stats", beir, "--format", "csv").out
    assert "relevant videos per evaluated query,,,2.00," in text
    assert "evaluated: all-queries | queries" in text


def test_messages_name_the_folder_and_the_options_of_the_verb(beir: Path, tmp_path: Path, cli: Cli) -> None:
    assert f"\n{beir}: 0 errors" in cli("data", "validate", beir).out
    imported = cli("data", "import", "beir", "--from", beir / "corpus.jsonl", "--out", tmp_path / "made")
    assert (imported.status, "--recipe test or dev" in imported.error()) == (4, True)
    assert "--data" not in cli("data", "validate", "tiny5").error()


def test_the_run_scores_as_evaluate_scores_it_on_the_folder(beir: Path, tmp_path: Path, cli: Cli) -> None:
    cli(*run(beir, tmp_path / "out"))
    ours = bench.open(tmp_path / "out").scores.query("generator == 'transcript' and metric == 'R@10'")[
        "value"
    ]
    theirs = bench.evaluate(tmp_path / "out" / "runs" / "transcript.bm25.trec", beir).scores
    assert float(ours.iloc[0]) == float(theirs.query("metric == 'R@10'")["value"].iloc[0])


def test_a_changed_folder_is_another_dataset(beir: Path, tmp_path: Path, cli: Cli) -> None:
    cli(*run(beir, tmp_path / "out"))
    first = bench.open(tmp_path / "out").manifest.dataset.digest
    corpus = beir / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("red car", "green car"))
    cli(*run(beir, tmp_path / "out"))
    assert bench.open(tmp_path / "out").manifest.dataset.digest != first


def test_a_folder_of_another_name_is_another_dataset(beir: Path, tmp_path: Path, cli: Cli) -> None:
    cli("data", "stats", beir)
    shown = cli("data", "stats", beir.rename(tmp_path / "garden"), "--format", "csv")
    assert shown.status == 0, shown.err
    assert "garden-test" in shown.out


def test_a_folder_beside_a_registered_dataset_changes_nothing(
    beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beir.rename(tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    assert not is_beir("demo")
    assert is_beir("./demo")


def test_a_folder_without_judgements_names_what_is_missing(beir: Path, tmp_path: Path, cli: Cli) -> None:
    (beir / "qrels" / "test.tsv").rename(beir / "qrels" / "train.tsv")
    done = cli(*run(beir, tmp_path / "out"))
    assert done.status == 4
    assert "its splits are train" in done.error()
