"""Runs fused into a row: the sums by hand, weights, and what cannot be fused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bench
from bench.errors import UsageError
from bench.foreign.fusion import parse_fusion
from bench.systems.ensemble import contributions
from tests.conftest import Cli

ONE = {"q1": {"a": 3.0, "b": 1.0}, "q2": {"a": 1.0}}
TWO = {"q1": {"b": 9.0, "c": 5.0}, "q3": {"b": 2.0}}
QRELS = {"q1": {"b": 1}, "q2": {"a": 1}, "q3": {"b": 1}}


def written(result: bench.Result, pattern: str) -> dict[tuple[str, str], float]:
    """Return the scores of a run file by query and document."""
    lines = [line.split() for line in next((result.out / "runs").glob(pattern)).read_text().splitlines()]
    return {(line[0], line[2]): float(line[4]) for line in lines}


def test_reciprocal_ranks_are_summed() -> None:
    result = bench.evaluate({"one": ONE, "two": TWO}, QRELS, fuse="rrf")
    assert list(dict.fromkeys(result.scores["generator"])) == ["one", "two", "rrf(one+two)"]
    scores = written(result, "rrf*")
    assert scores["q1", "b"] == pytest.approx(1 / 62 + 1 / 61, abs=1e-8)
    assert scores["q1", "c"] == pytest.approx(1 / 62, abs=1e-8)
    assert scores["q3", "b"] == pytest.approx(1 / 61, abs=1e-8)


def test_scaled_scores_are_summed_with_weights() -> None:
    result = bench.evaluate({"one": ONE, "two": TWO}, QRELS, fuse=["sum:0.7,0.3"])
    scores = written(result, "sum*")
    assert scores["q1", "a"] == pytest.approx(0.7)
    assert scores["q1", "b"] == pytest.approx(0.3)
    assert scores["q1", "c"] == 0.0


def test_equal_scores_are_worth_the_same_and_no_document_is_worth_nothing() -> None:
    rows = np.array([[2.0, 2.0, 1.0, -np.inf], [-np.inf] * 4, [5.0, -np.inf, -np.inf, -np.inf]])
    assert contributions(rows, "rrf", 60)[0].tolist() == [1 / 61, 1 / 61, 1 / 63, 0.0]
    assert contributions(rows, "sum").tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert contributions(rows[:0], "sum").shape == (0, 4)


@pytest.mark.parametrize(
    "text", ["rff", "sum:", "sum:1,x", "rrf:-1,2", "sum:nan,1", "sum:0,0", "sum:1e308,1", "sum:1_0,1"]
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected rrf or sum"):
        parse_fusion(text)


def test_small_weights_make_no_ties() -> None:
    result = bench.evaluate({"one": ONE, "two": TWO}, QRELS, fuse="rrf:1e-9,1e-9")
    scores = written(result, "rrf*")
    assert scores["q1", "a"] == pytest.approx(1e-9 / 61)
    assert scores["q1", "b"] > scores["q1", "a"] > scores["q1", "c"]


def test_the_same_fusion_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"two rows would be called 'rrf\(one\+two\)'"):
        bench.evaluate({"one": ONE, "two": TWO}, QRELS, fuse=["rrf", "rrf"])


def test_a_row_whose_name_no_file_can_have_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    runs = {f"{letter * 37}{number}": ONE for number, letter in enumerate("abcdefgh")}
    with pytest.raises(UsageError, match=r"\(320 bytes\); at most 235 fit\. Name its runs more briefly"):
        bench.evaluate(runs, QRELS, fuse="rrf", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("runs", "spec"), [({"one": ONE}, "rrf"), ({"one": ONE, "two": TWO}, "sum:1")])
def test_a_run_alone_and_wrong_weights_are_refused(
    runs: dict[str, dict[str, dict[str, float]]], spec: str
) -> None:
    with pytest.raises(UsageError, match="--fuse"):
        bench.evaluate(runs, QRELS, fuse=spec)


def test_the_command_line_adds_the_row(tmp_path: Path, cli: Cli) -> None:
    for name, run in (("one", ONE), ("two", TWO)):
        lines = [
            f"{q} Q0 {d} {i} {s} x\n" for q, hits in run.items() for i, (d, s) in enumerate(hits.items(), 1)
        ]
        (tmp_path / f"{name}.trec").write_text("".join(lines))
    (tmp_path / "qrels").write_text(
        "".join(f"{q} 0 {d} {g}\n" for q, ds in QRELS.items() for d, g in ds.items())
    )
    runs = [word for name in ("one", "two") for word in ("--run", tmp_path / f"{name}.trec")]
    done = cli("evaluate", "--qrels", tmp_path / "qrels", *runs, "--fuse", "rrf", "--fuse", "sum:1,2")
    assert done.status == 0, done.err
    assert "rrf(one+two)" in done.out
    assert "sum(1 one+2 two)" in done.out
