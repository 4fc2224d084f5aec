"""A third party's package: built and installed as any other, with no file of this project touched."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.systems.plugin_runs import rows
from tests.tiny import Tiny

pytestmark = pytest.mark.usefixtures("plugin")


def test_it_is_listed_with_where_it_comes_from(cli: Cli) -> None:
    outcome = cli("list")
    assert outcome.status == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    listed = {line[0]: " ".join(line[1:]) for line in lines if line}
    assert listed["first-word"].startswith("Take the first word of the transcript.")
    assert "[bench-strangers (bench_strangers.systems:FirstWord)]" in listed["first-word"]
    assert "[bench-strangers (bench_strangers.systems:Overlap)]" in listed["overlap"]
    assert "[bench-strangers (bench_strangers.datasets:mini)]" in listed["mini"]
    assert listed["strangers"] == "group: first-word, constant"
    assert "qms-bench" not in listed["lead"]  # a source is listed for plug-ins only


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
    ("broken", "status", "message"),
    [
        ("unloadable", 4, "No module named 'a_package_that_nobody_has'"),
        ("raising", 1, "RuntimeError: nothing comes to mind"),
        ("forgetful", 1, "returned nothing for video 'v10'"),
        ("unborn", 1, "RuntimeError: not today"),
        ("no-generator", 4, "lacks label and summarize() of bench.Generator"),
    ],
)
def test_a_generator_that_fails_is_named_and_stops_nobody(
    broken: str, status: int, message: str, tiny: Tiny, tmp_path: Path, cli: Cli
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
    assert message in outcome.error()
    assert rows(out) == {("constant", ""), ("constant", "overlap"), ("lead", ""), ("lead", "overlap")}
    assert (out / "runs" / "lead.overlap.trec").is_file()
    assert message in (out / "manifest.json").read_text().replace("\\", "")
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
    assert re.search(r"^lead +\d+ s", outcome.out, re.MULTILINE)


def test_a_dataset_that_cannot_be_made_is_named(cli: Cli) -> None:
    outcome = cli("run", "--data", "broken-mini", "--generators", "lead", "--retrievers", "overlap")
    assert outcome.status == 3
    assert "'broken-mini' could not be made: RuntimeError: no mini today" in outcome.error()


def test_a_near_name_is_suggested(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("run", "--data", tiny.folder, "--generators", "frist-word")
    assert outcome.status == 2
    assert "Did you mean first-word" in outcome.error()
