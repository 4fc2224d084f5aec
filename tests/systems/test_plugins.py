"""A stranger's package: built and installed as any other, with no file of this project touched."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.systems import registry
from tests.conftest import Cli
from tests.tiny import VIDEOS, Tiny, lines

SOURCE = Path(__file__).parents[1] / "plugin"
BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the package is installed: its wheel, unpacked (torch brings setuptools)."""
    work = tmp_path_factory.mktemp("plugin")
    shutil.copytree(SOURCE, work / "source", ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(work)],
        cwd=work / "source", capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    with zipfile.ZipFile(work / built.stdout.splitlines()[-1]) as wheel:
        wheel.extractall(work / "site")
    return work / "site"


@pytest.fixture(autouse=True)
def strangers(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the package on the path of this process, for the length of a test."""
    monkeypatch.syspath_prepend(installed)
    registry.entries.cache_clear()
    yield
    registry.entries.cache_clear()


def rows(out: Path, name: str = "scores.csv") -> set[tuple[str, str]]:
    with (out / name).open() as stream:
        return {(row["generator"], row["retriever"]) for row in csv.DictReader(stream)}


def test_it_is_listed_with_where_it_comes_from(cli: Cli) -> None:
    outcome = cli("list")
    assert outcome.status == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    told = {line[0]: " ".join(line[1:]) for line in lines if line}
    assert told["first-word"].startswith("Take the first word of the transcript.")
    assert "[bench-strangers (bench_strangers.systems:FirstWord)]" in told["first-word"]
    assert "[bench-strangers (bench_strangers.systems:Overlap)]" in told["overlap"]
    assert "[bench-strangers (bench_strangers.datasets:mini)]" in told["mini"]
    assert told["strangers"] == "group: first-word, constant"
    assert "qms-bench" not in told["lead"]  # where it comes from is said of plug-ins only


def test_listing_imports_none_of_it(cli: Cli) -> None:
    for name in [name for name in sys.modules if name.startswith("bench_strangers.systems")]:
        del sys.modules[name]
    cli("list", "generators")
    assert "bench_strangers.systems" not in sys.modules


def test_it_runs_beside_the_built_in_systems(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(
        "run", "--data", tiny.folder, "--generators", "lead,strangers", "--retrievers", "overlap",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert rows(tmp_path / "out") == {
        (generator, retriever)
        for generator in ("lead", "first-word", "constant")
        for retriever in ("", "overlap")
    }
    assert "| Overlap | Constant |" in outcome.out


def test_its_dataset_runs_by_name(tmp_path: Path, cli: Cli) -> None:
    outcome = cli(
        "run",
        "--data",
        "mini",
        "--generators",
        "transcript",
        "--retrievers",
        "overlap",
        "--out",
        tmp_path / "out",
    )
    assert outcome.status == 0, outcome.err
    assert "| Overlap | Transcript | 100.00 |" in outcome.out


def test_its_options_are_set_and_change_what_is_made(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    command = (
        "run",
        "--data",
        tiny.folder,
        "--generators",
        "first-word",
        "--retrievers",
        "overlap",
        "--out",
        tmp_path / "out",
    )
    summaries = tmp_path / "out" / "summaries" / "first-word.jsonl"
    assert cli(*command).status == 0
    one = summaries.read_text()
    assert cli(*command, "--set", "first-word.words=3").status == 0
    assert '"apple"' in one
    assert '"apple pie from"' in summaries.read_text()
    outcome = cli(*command, "--set", "first-word.wrods=3")
    assert outcome.status == 2
    assert "Did you mean first-word.words" in outcome.error()


def test_options_of_others_that_are_unfit_are_named_and_stop_nobody(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    outcome = cli(
        "run",
        "--data",
        tiny.folder,
        "--generators",
        "lead",
        "--retrievers",
        "overlap",
        "--out",
        tmp_path / "out",
    )
    assert outcome.status == 0
    assert "option 'unloadable' from bench-strangers" in outcome.err
    assert "a_package_that_nobody_has" in outcome.err
    assert "options 'misnamed' from bench-strangers" in outcome.err


@pytest.mark.parametrize(
    ("broken", "status", "told"),
    [
        ("unloadable", 4, "No module named 'a_package_that_nobody_has'"),
        ("raising", 1, "RuntimeError: nothing comes to mind"),
        ("forgetful", 1, "returned nothing for video 'v10'"),
        ("unborn", 1, "RuntimeError: not today"),
        ("no-generator", 1, "lacks the label or a method"),
    ],
)
def test_a_generator_that_fails_is_named_and_stops_nobody(
    broken: str, status: int, told: str, tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    outcome = cli(
        "run",
        "--data",
        tiny.folder,
        "--generators",
        f"constant,{broken},lead",
        "--retrievers",
        "overlap",
        "--out",
        out,
    )
    assert outcome.status == status
    assert outcome.error().startswith(f"{broken}: ")
    assert told in outcome.error()
    assert rows(out) == {("constant", ""), ("constant", "overlap"), ("lead", ""), ("lead", "overlap")}
    assert (out / "runs" / "lead.overlap.trec").is_file()
    assert told in (out / "manifest.json").read_text().replace("\\", "")
    assert "failed" in (out / "report.html").read_text()


def test_a_retriever_that_answers_something_else_is_named_and_stops_nobody(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    outcome = cli(
        "run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "confused,overlap", "--out", out
    )
    assert outcome.status == 1
    assert "'confused' returned a run over other queries" in outcome.error()
    assert rows(out) == {("lead", ""), ("lead", "overlap")}


def test_nothing_but_failures_is_no_traceback(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(
        "run",
        "--data",
        tiny.folder,
        "--generators",
        "raising",
        "--retrievers",
        "overlap",
        "--out",
        tmp_path / "out",
    )
    assert outcome.status == 1
    assert "nothing comes to mind" in outcome.error()
    assert cli("table", tmp_path / "out").status == 0


def test_a_plan_names_what_cannot_run(tiny: Tiny, cli: Cli) -> None:
    outcome = cli(
        "run",
        "--data",
        tiny.folder,
        "--generators",
        "unborn,unloadable,lead",
        "--retrievers",
        "overlap",
        "--dry-run",
    )
    assert outcome.status == 0
    assert "unborn: cannot run: RuntimeError: not today" in outcome.out
    assert "unloadable: cannot run" in outcome.out
    assert "lead: summaries to be made" in outcome.out


def test_a_dataset_that_cannot_be_made_is_named(cli: Cli) -> None:
    outcome = cli("run", "--data", "broken-mini", "--generators", "lead", "--retrievers", "overlap")
    assert outcome.status == 3
    assert "'broken-mini' could not be made: RuntimeError: no mini today" in outcome.error()


def test_a_near_name_is_suggested(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("run", "--data", tiny.folder, "--generators", "frist-word")
    assert outcome.status == 2
    assert "Did you mean first-word" in outcome.error()


# Training


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
    status, told = learn(cli, tiny, tmp_path / "out", "--no-train")
    assert status == 4
    assert "--no-train" in told
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
    status, told = learn(cli, tiny, tmp_path / "out", "--set", "learner.fail_after=2")
    assert (status, "failed after step 2" in told) == (1, True)
    assert [path.read_text() for path in store.glob("unfinished/*/steps")] == ["3"]
    assert learn(cli, tiny, tmp_path / "out", "--set", "learner.fail_after=2")[0] == 0  # step 2 is behind it
    assert not list(store.glob("unfinished/*/steps"))
    assert '"begun at": 3' in next(store.glob("models/*/said.json")).read_text()


def test_what_is_learnt_depends_on_the_training_data(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    assert learn(cli, tiny, tmp_path / "out")[0] == 0
    tiny.edit("queries.jsonl", 11, text="juggling oranges")
    assert learn(cli, tiny, tmp_path / "out", "--no-train")[0] == 4


# Following a generator


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
    assert "done" not in again.err


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
    assert "constant.follower: run to be made, to be trained" in planned.out
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
    assert "constant.follower: run reused" in cli(*command, "--dry-run").out
    shorter = cli(*command, "--dry-run", "--split", "val").out
    assert "constant: summaries reused" in shorter  # written to be learnt from
    assert "constant.follower: run to be made, trained already" in shorter
