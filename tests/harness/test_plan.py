"""Names of systems that cannot share an output folder are refused before the work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.config.run_config import configure
from bench.harness.dry_run import _estimates, _sum
from bench.harness.plan import make_plan
from bench.harness.stages.retrieve import Retrieve
from bench.store.artefacts import RECORD
from tests.conftest import Cli
from tests.tiny import Tiny, lines


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("lead.jsonl", "would both be called 'lead'"),
        ("dataset.jsonl", "would both be called 'dataset'"),
        ("lead.bm25.jsonl", "would both be called 'lead.bm25'"),
        ("x" * 240 + ".jsonl", "at most 235 fit"),
        ("\udcff.jsonl", "is not allowed"),
    ],
)
def test_names_that_collide_or_fit_no_file_are_refused_before_the_work(
    tiny: Tiny, tmp_path: Path, cli: Cli, file: str, reason: str
) -> None:
    path = tmp_path / file
    lines(path, [{"video_id": "v10", "summary": "x"}])
    outcome = cli(
        "run", "--data", tiny.folder, "--generators", f"lead,file:{path}", "--retrievers", "bm25",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 2
    assert reason in outcome.error()
    assert not (tmp_path / "out").exists()


def test_a_group_leaves_out_what_does_not_read_the_language(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    about = tiny.folder / "dataset.json"
    about.write_text(about.read_text("utf-8").replace('"en"', '"de"'), encoding="utf-8")
    command = ("run", "--data", tiny.folder, "--retrievers", "bm25", "--dry-run", "--out", tmp_path / "out")
    outcome = cli(*command, "--generators", "training-free")
    assert outcome.status == 0, outcome.err
    assert "bench: left out, as they do not read 'de': yake, minilm-select" in outcome.err
    assert "textrank" in outcome.out
    assert "yake" not in outcome.out
    assert cli(*command, "--generators", "minilm-s*").status == 2


def test_one_cell_is_not_cells() -> None:
    assert _sum([None]).startswith("to do: 1 cell, ")
    assert _sum([None]).endswith("; 1 cell without an estimate")


def test_a_retriever_is_estimated_by_the_query(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    options = {"data": tiny.folder, "generators": "lead", "retrievers": "bm25", "store": tmp_path / "store"}
    run = ("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25")
    assert cli(*run, "--store", tmp_path / "store", "--out", tmp_path / "out").status == 0
    plan = make_plan(configure(options))
    [record] = (tmp_path / "store" / Retrieve.kind).glob(f"*/{RECORD}")
    meta = json.loads(record.read_text())["meta"]
    assert meta["documents"] != meta["queries"] == len(plan.evaluation.queries)
    assert _estimates(plan)["bm25"].seconds_per_item * meta["queries"] == pytest.approx(meta["seconds"])
