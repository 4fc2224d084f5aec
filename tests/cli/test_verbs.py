"""Single verbs: list, table, data synth."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from tests.conftest import Cli
from tests.tiny import write_tiny


def test_list_names_all_kinds_and_one(cli: Cli) -> None:
    whole = cli("list").out
    for kind in ("generators", "retrievers", "datasets", "presets", "metrics"):
        alone = cli("list", kind)
        assert alone.status == 0
        assert alone.out.startswith(f"{kind}:\n")
        assert alone.out in whole
    for name in ("lead", "transcript", "oracle", "bm25", "demo", "quick", "R@k", "CIDEr"):
        assert re.search(rf"^  {re.escape(name)}\s", whole, re.MULTILINE), name


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of a run."""
    folder = tmp_path_factory.mktemp("finished")
    bench.run(
        data=write_tiny(folder / "tiny").folder, generators=["lead", "oracle"], retrievers=["bm25"],
        out=folder / "out", store=folder / "store",
    )  # fmt: skip
    return folder / "out"


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ("markdown", "| Retriever |"),
        ("latex", r"\toprule"),
        ("csv", "Retriever,Model"),
        ("html", "<caption>"),
    ],
)
def test_a_finished_run_is_printed_in_every_format(finished: Path, form: str, word: str, cli: Cli) -> None:
    outcome = cli("table", finished, "--format", form)
    assert outcome.status == 0
    assert word in outcome.out
    assert outcome.out.count("Signature: ") == 4  # generation, retrieval, ties, cost


def test_a_table_printed_again_is_the_table_that_was_written(finished: Path, cli: Cli) -> None:
    again = cli("table", finished).out
    for name in ("generation", "retrieval", "cost"):
        assert (finished / "tables" / f"{name}.md").read_text() in again


def test_synthetic_data_is_valid_and_says_what_it_is(tmp_path: Path, cli: Cli) -> None:
    made = cli("data", "synth", "--videos", "40", "--lang", "zh", "--seed", "3", "--out", tmp_path / "made")
    assert made.status == 0
    assert "synthetic" in made.out
    assert cli("data", "validate", tmp_path / "made").status == 0
    assert "(synthetic)" in cli("data", "stats", tmp_path / "made").out
    again = cli("data", "synth", "--out", tmp_path / "made")
    assert again.status == 2
    assert "not an empty folder" in again.error()


@pytest.mark.parametrize("text", ["\u0661\u0662", "1_0", "0", "x"])
def test_a_count_is_a_whole_number_in_ascii_digits(text: str, cli: Cli) -> None:
    outcome = cli("lint-table", "paper:table3", "--n", text)
    assert outcome.status == 2
    assert "is not allowed: expected a whole number from 1 to 2^31-1" in outcome.error()


def test_python_dash_m_is_the_same_command(process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = process("-m", "bench", "--version")
    assert (done.returncode, done.stdout) == (0, f"qms-bench {bench.__version__}\n")
