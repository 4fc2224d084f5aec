"""Fine-tuning on a generator's own summaries: that it learns, and a model for each generator."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.errors import DataError
from bench.protocols import FitPerGenerator, is_fitted_per_generator
from bench.types import Video
from retrievers.dpr.finetuned import FinetunedDPR
from retrievers.options import DPRFinetuneOptions, DPROptions
from tests.conftest import Cli
from tests.harness.test_resume import kill_when
from tests.tiny import QRELS, VIDEOS, Tiny, lines

# query and summary share no word: only training can bring them together
ASKED = ("red", "fox", "jumps", "cook", "beef")
WRITTEN = ("blue", "whale", "swims", "noodle", "oil")


def videos(*references: Sequence[str]) -> list[Video]:
    none = np.empty((0, 1), dtype=np.float32)
    return [Video(f"v{i}", "", none, tuple(texts)) for i, texts in enumerate(references)]


def of(texts: Sequence[str]) -> dict[str, str]:
    return {f"v{i}": text for i, text in enumerate(texts)}


# The retriever


@pytest.fixture
def make(tmp_path: Path, bert_folder: Callable[..., Path]) -> Callable[..., FinetunedDPR]:
    torch.set_num_threads(1)
    folder = str(bert_folder("start"))

    def build(**options: Any) -> FinetunedDPR:
        given = {"epochs": 30, "batch_size": 5, "lr": 5e-3, "positives": "summaries", **options}
        sections: Any = {"dpr": DPROptions(weights=folder), "dpr-ft": DPRFinetuneOptions(**given)}
        store: Any = SimpleNamespace(root=tmp_path / "store")
        return FinetunedDPR(Context(sections=sections, store=store))

    return build


def hits_at_one(retriever: FinetunedDPR, written: Mapping[str, str]) -> float:
    retriever.index(written)
    run = retriever.search(of(ASKED), 1)
    return float(
        np.mean([run.video_ids[hit] == q for q, hit in zip(run.query_ids, run.hits[:, 0], strict=True)])
    )


def test_it_learns_what_one_generator_writes_and_not_what_another_does(make: Callable) -> None:
    mine, theirs = of(WRITTEN), of([*WRITTEN[1:], WRITTEN[0]])
    some = videos(*((text,) for text in ASKED))
    fitted = []
    for written in (mine, theirs):
        retriever = make()
        assert isinstance(retriever, FitPerGenerator)
        assert is_fitted_per_generator(retriever)
        retriever.use_summaries(written)
        retriever.fit(some, some)
        assert hits_at_one(retriever, written) > max(0.7, hits_at_one(make(), written))
        fitted.append(retriever)
    assert hits_at_one(fitted[0], theirs) < 0.5
    assert fitted[0]._weights(fitted[0].query).digest != fitted[1]._weights(fitted[1].query).digest


def test_the_signature_says_summaries_and_is_the_same_for_all_generators(make: Callable) -> None:
    retriever = make(epochs=1)
    before = retriever.signature()
    retriever.use_summaries(of(WRITTEN))
    retriever.fit(videos(*((text,) for text in ASKED)), [])
    assert retriever.signature() == before
    assert before["tuned"].endswith(", summaries")
    assert make(positives="siblings").signature()["tuned"].endswith(", siblings")
    assert not is_fitted_per_generator(make(positives="siblings"))


@pytest.mark.parametrize("written", [{}, of([" ", ""]), {"v9": "blue"}])
def test_without_any_pair_it_cannot_learn(make: Callable, written: Mapping[str, str]) -> None:
    retriever = make()
    retriever.use_summaries(written)
    with pytest.raises(DataError, match=r"dpr-ft\.positives=siblings"):
        retriever.fit(videos(("red",), ("fox",), ()), videos(("red",)))


def test_other_positives_are_unknown(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("run", "--data", tiny.folder, "--set", "dpr-ft.positives=summary")
    assert outcome.status == 2
    assert "expected one of siblings, summaries" in outcome.error()


# A whole run


@pytest.fixture
def command(tiny: Tiny, tmp_path: Path, bert_folder: Callable[..., Path]) -> Callable[..., list[str]]:
    """Return a command line: generators, retrievers, output folder, more."""
    weights = bert_folder("start")
    options = [f"dpr.weights={weights}", "dpr-ft.positives=summaries", "dpr-ft.epochs=2"]

    def line(generators: str, retrievers: str, out: str, *more: str) -> list[str]:
        return [
            "run", "--data", str(tiny.folder), "--generators", generators, "--retrievers", retrievers,
            "--out", str(tmp_path / out), "--store", str(tmp_path / "store"),
            *(part for option in options for part in ("--set", option)), *more,
        ]  # fmt: skip

    return line


def runs(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "runs").iterdir()}


def keys(store: Path, system: str) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text())["key"] for path in store.glob("models/*/artefact.json")]
    return [key for key in found if key["system"].endswith(system)]


def test_each_generator_has_its_model_and_keeps_it(command: Callable, tmp_path: Path, cli: Cli) -> None:
    one = ("lead,transcript", "dpr-ft", "one")
    planned = cli(*command(*one), "--dry-run")
    assert planned.out.count("train, ") == 2
    outcome = cli(*command(*one), "--set", "run.workers=2")
    assert outcome.status == 0, outcome.err
    assert "reused" not in outcome.err
    assert ", summaries" in (tmp_path / "one" / "tables" / "retrieval.md").read_text()
    store = tmp_path / "store"
    followed = [key["fitted_on"] for key in keys(store, "FinetunedDPR")]
    assert len(followed) == len(set(followed)) == 2
    assert len(list((store / "summaries").iterdir())) == 6  # of each split, by each generator
    assert cli(*command(*one), "--dry-run").out.count("reused") == 4
    again = cli(*command("transcript,lead", "dpr-ft", "again"), "--no-train")
    assert (again.status, again.err.count("reused"), again.err.count(": done")) == (
        0,
        4,
        3,
    )  # tests, tables, page
    assert runs(tmp_path / "again") == runs(tmp_path / "one")
    alone = cli(*command(*one[:2], "alone"), "--set", "run.workers=1", "--store", str(tmp_path / "other"))
    assert alone.status == 0, alone.err
    assert runs(tmp_path / "alone") == runs(tmp_path / "one")


def test_killed_while_training_it_goes_on_to_the_same_bytes(
    command: Callable, tmp_path: Path, cli: Cli
) -> None:
    more = ("--set", "run.workers=1", "--set", "dpr-ft.epochs=20")
    whole = command("lead", "dpr-ft", "whole", *more)
    assert cli(*whole, "--store", str(tmp_path / "other")).status == 0
    halves = command("lead", "dpr-ft", "halves", *more)
    store = tmp_path / "store"
    begun = lambda: bool(list(store.glob("unfinished/models-*/checkpoint-*")))  # noqa: E731
    assert kill_when(halves, begun, store) == -signal.SIGKILL
    assert not list(store.glob("models/[!.]*"))
    outcome = cli(*halves, "--verbose")
    assert outcome.status == 0, outcome.err
    assert runs(tmp_path / "halves") == runs(tmp_path / "whole")


def test_a_fusion_follows_with_the_models_of_its_members_rows(
    command: Callable, tmp_path: Path, cli: Cli
) -> None:
    more = ("--set", "hybrid.retrievers=dpr-pt,dpr-ft", "--set", "run.workers=1")
    outcome = cli(*command("lead,oracle", "dpr-ft,hybrid", "out", *more, "--seed", "0,1"))
    assert outcome.status == 0, outcome.err
    store = tmp_path / "store"
    tuned, fused = keys(store, "FinetunedDPR"), keys(store, "TrainableHybrid")
    assert (len(tuned), len(fused)) == (4, 4)  # two generators, two seeds
    assert {key["fitted_on"] for key in tuned} == {key["fitted_on"] for key in fused}


def test_a_reference_row_that_reads_queries_does_so_for_training_videos(
    command: Callable, tmp_path: Path, cli: Cli
) -> None:
    assert cli(*command("oracle", "dpr-ft", "out", "--set", "run.workers=1")).status == 0
    texts: dict[str, str] = {}
    for path in (tmp_path / "store").glob("summaries/*/summaries.jsonl"):
        items = [json.loads(line) for line in path.read_text().splitlines()]
        texts |= {item["video_id"]: item["summary"] for item in items}
    asked = {video for _, video, relevance in QRELS if relevance > 0}
    learnt = [video for video, _, split in VIDEOS if split != "test"]
    assert [bool(texts[video]) for video in learnt] == [video in asked for video in learnt]


def test_a_file_of_summaries_fails_in_its_cell_alone(
    tiny: Tiny, command: Callable, tmp_path: Path, cli: Cli
) -> None:
    lines(tmp_path / "theirs.jsonl", [{"video_id": "v10", "summary": "apple pie"}])
    generators = f"file:{tmp_path / 'theirs.jsonl'},lead"
    outcome = cli(*command(generators, "dpr-ft,dpr-pt", "out", "--set", "run.workers=1"))
    assert outcome.status == 4
    assert "leave out dpr-ft.positives=summaries" in outcome.error()
    assert set(runs(tmp_path / "out")) == {"theirs.dpr-pt.trec", "lead.dpr-ft.trec", "lead.dpr-pt.trec"}


def test_nothing_but_a_file_leaves_a_whole_folder(
    tiny: Tiny, command: Callable, tmp_path: Path, cli: Cli
) -> None:
    lines(tmp_path / "theirs.jsonl", [{"video_id": "v10", "summary": "apple pie"}])
    outcome = cli(*command(f"file:{tmp_path / 'theirs.jsonl'}", "dpr-ft", "out", "--set", "run.workers=1"))
    assert outcome.status == 4
    assert (tmp_path / "out" / "report.html").is_file()
