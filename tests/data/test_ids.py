"""Ids that look like options, numbers or missing values stay the text that they are, to the last output."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bench.data.reader import read_dataset
from tests.conftest import Cli

IDS = (
    "-4wsuPCjDBc_5_15",
    "--help",
    "007",
    "7",
    "1e5",
    "100000.0",
    "nan",
    "None",
    "NA",
    "True",
    "-1",
    "1_000",
    "inf",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a dataset whose videos and queries all bear these ids."""
    root = tmp_path / "odd-ids"
    root.mkdir()
    (root / "dataset.json").write_text('{"name": "odd", "language": "en", "version": "1"}')
    videos = [{"id": i, "transcript": f"word{n} common", "split": "test"} for n, i in enumerate(IDS)]
    queries = [{"id": i, "text": f"word{n}"} for n, i in enumerate(IDS)]
    (root / "videos.jsonl").write_text("".join(json.dumps(video) + "\n" for video in videos))
    (root / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    (root / "qrels.tsv").write_text("".join(f"{i}\t{i}\t1\n" for i in IDS))
    return root


def test_they_are_read_as_text(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert tuple(record.video_id for record in dataset.records) == IDS
    assert {query: list(videos) for query, videos in dataset.relevant.items()} == {i: [i] for i in IDS}


def test_they_are_text_in_every_output(folder: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    ran = cli("run", "--data", folder, "--generators", "lead", "--retrievers", "bm25", "--out", out)
    assert ran.status == 0
    assert first_columns(out / "queries.tsv", "\t") == set(IDS)
    assert {line.split()[0] for line in (out / "qrels.trec").read_text().splitlines()} == set(IDS)
    run = (out / "runs" / "lead.bm25.trec").read_text().splitlines()
    assert {line.split()[0] for line in run} == {line.split()[2] for line in run} == set(IDS)
    summaries = (out / "summaries" / "lead.jsonl").read_text().splitlines()
    assert {json.loads(line)["video_id"] for line in summaries} == set(IDS)
    for path in (out / "per_query" / "lead.bm25.csv", out / "per_video" / "lead.csv"):
        assert first_columns(path, ",") >= set(IDS), path.name


def test_they_are_text_for_every_command_that_reads_a_run(folder: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    ran = cli(
        "run", "--data", folder, "--generators", "lead,transcript", "--retrievers", "bm25", "--out", out
    )
    assert ran.status == 0
    for i in ("-4wsuPCjDBc_5_15", "007", "nan"):  # each takes a second
        explained = cli("explain", out, f"--video={i}")
        assert explained.status == 0, explained.error()
        assert i in explained.out
        assert cli("explain", out, f"--query={i}").status == 0
    assert cli("table", out).status == 0
    assert cli("report", out).status == 0
    assert cli("evaluate", "--data", folder, "--run", out / "runs" / "lead.bm25.trec").status == 0


def first_columns(path: Path, delimiter: str) -> set[str]:
    with path.open(newline="", encoding="utf-8") as stream:
        return {row[0] for row in csv.reader(stream, delimiter=delimiter) if row}
