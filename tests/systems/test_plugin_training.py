"""Systems of a third party that are trained: saved, resumed, and fitted for each generator they follow."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.systems.plugin_runs import rows
from tests.tiny import VIDEOS, Tiny, lines

pytestmark = pytest.mark.usefixtures("plugin")


def learn(cli: Cli, tiny: Tiny, out: Path, *more: str) -> tuple[int, str]:
    outcome = cli(
        "run",
        "--data",
        tiny.folder,
        "--generators",
        "learner",
        "--retrievers",
        "overlap",
        "--out",
        out,
        *more,
    )
    return outcome.status, outcome.error() if outcome.status else outcome.out


def test_no_train_fails_where_training_is_needed_and_only_there(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    status, message = learn(cli, tiny, tmp_path / "out", "--no-train")
    assert status == 4
    assert "--no-train" in message
    assert learn(cli, tiny, tmp_path / "out")[0] == 0
    assert learn(cli, tiny, tmp_path / "other", "--no-train", "--split", "val")[0] == 0


def test_what_is_used_is_what_was_saved(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    assert learn(cli, tiny, tmp_path / "out")[0] == 0
    assert "(loaded)" in (tmp_path / "out" / "summaries" / "learner.jsonl").read_text()
    with (tmp_path / "out" / "costs.csv").open() as stream:
        costs = next(csv.DictReader(stream))
    assert float(costs["fit_s"]) >= 0
    assert costs["params"] == "1"


def test_training_that_fails_continues_from_its_scratch_which_goes_at_the_end(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    monkeypatch.setenv("BENCH_STORE", str(store))
    status, message = learn(cli, tiny, tmp_path / "out", "--set", "learner.fail_after=2")
    assert (status, "failed after step 2" in message) == (1, True)
    assert [path.read_text() for path in store.glob("unfinished/*/steps")] == ["3"]
    assert learn(cli, tiny, tmp_path / "out", "--set", "learner.fail_after=2")[0] == 0  # step 2 is behind it
    assert not list(store.glob("unfinished/*/steps"))
    assert '"begun at": 3' in next(store.glob("models/*/said.json")).read_text()


def test_what_is_learnt_depends_on_the_training_data(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    assert learn(cli, tiny, tmp_path / "out")[0] == 0
    tiny.edit("queries.jsonl", 11, text="juggling oranges")
    assert learn(cli, tiny, tmp_path / "out", "--no-train")[0] == 4


def follow(tiny: Tiny, tmp_path: Path, generators: str, *more: object) -> tuple[object, ...]:
    return (
        "run", "--data", tiny.folder, "--generators", generators, "--retrievers", "follower,overlap",
        "--out", tmp_path / "out", "--store", tmp_path / "store", "--set", "run.workers=1", *more,
    )  # fmt: skip


def test_a_retriever_that_follows_is_fitted_for_each_generator_and_sees_no_test_video(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    outcome = cli(*follow(tiny, tmp_path, "learner,constant"))
    assert outcome.status == 0, outcome.err
    models = [json.loads(path.read_text()) for path in (tmp_path / "store").glob("models/*/heard.json")]
    assert len(models) == 2
    learnt = {split: [video for video, _, of in VIDEOS if of == split] for split in ("train", "val")}
    for heard in models:
        assert {split: heard[split] for split in learnt} == learnt
        assert list(heard["summaries"]) == learnt["train"] + learnt["val"]
    texts = [set(heard["summaries"].values()) for heard in models]
    assert {"apple pie"} in texts
    assert any(" (loaded)" in text for found in texts for text in found)  # the learner was fitted before
    again = cli(*follow(tiny, tmp_path, "learner,constant"))
    assert ": done" not in again.err


def test_no_generator_is_searched_with_the_model_of_another(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    assert cli(*follow(tiny, tmp_path, "transcript,constant")).status == 0
    coverage = json.loads((tmp_path / "out" / "manifest.json").read_text())["coverage"]
    counts = {
        name: coverage[f"{name}.follower"]["different summaries followed"]
        for name in ("transcript", "constant")
    }
    assert counts == {"transcript": 6, "constant": 1}


def test_a_file_cannot_be_followed_and_stops_nobody(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    lines(tmp_path / "theirs.jsonl", [{"video_id": "v10", "summary": "apple pie"}])
    command = follow(tiny, tmp_path, f"file:{tmp_path / 'theirs.jsonl'},constant")
    planned = cli(*command, "--dry-run")
    assert "theirs.follower: cannot run: follower learns from what a generator writes" in planned.out
    assert re.search(r"^constant +\S.*train, ", planned.out, re.MULTILINE)
    outcome = cli(*command)
    assert outcome.status == 4
    assert "'theirs' holds summaries of the evaluated videos only" in outcome.error()
    assert "leave out by nature" in outcome.error()
    cells = {
        (name, retriever) for name in ("theirs", "constant") for retriever in ("", "overlap", "follower")
    }
    assert rows(tmp_path / "out") == cells - {("theirs", "follower")}


def test_following_is_training_and_is_planned_as_such(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    command = follow(tiny, tmp_path, "constant")
    outcome = cli(*command, "--no-train")
    assert outcome.status == 4
    assert "follower is not trained" in outcome.error()
    assert len(list((tmp_path / "store" / "summaries").iterdir())) == 1  # nothing was written for nothing
    assert cli(*command).status == 0
    assert cli(*command, "--no-train").status == 0
    assert re.search(r"^constant( +reused)+$", cli(*command, "--dry-run").out, re.MULTILINE)
    shorter = cli(*command, "--dry-run", "--split", "val").out
    # its summaries were written to be learnt from
    assert re.search(r"^constant +reused .*trained, ", shorter, re.MULTILINE)
