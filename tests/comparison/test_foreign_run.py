"""bench evaluate on runs that strangers made: of the dataset's own query ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.choices import ONE_QUERY_PER_VIDEO
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.reader import read_dataset
from tests.conftest import Cli
from tests.tiny import Tiny


def drawn_twice(tiny: Tiny) -> tuple[int, EvaluationSet]:
    """Return a query seed under which a query is drawn for two videos, and what is evaluated."""
    data = read_dataset(tiny.folder)
    for seed in range(20):
        asked = make_evaluation_set(data, split="test", protocol=ONE_QUERY_PER_VIDEO, query_seed=seed)
        if "q1~2" in asked.queries:
            return seed, asked
    raise AssertionError("no seed draws q1 twice")


def recall(outcome: str) -> str:
    row = next(line for line in outcome.splitlines() if line.startswith("| strangers |"))
    return row.split("|")[2].strip()


@pytest.mark.parametrize("spelling", ["q1", "q7", "q10"])
def test_a_run_of_the_datasets_queries_answers_repeats_and_any_spelling(
    tiny: Tiny, tmp_path: Path, cli: Cli, spelling: str
) -> None:
    seed, asked = drawn_twice(tiny)
    rows = [f"{spelling} Q0 v10 1 2 x", f"{spelling} Q0 v2 2 1 x"]
    path = tmp_path / "strangers.trec"
    path.write_text("\n".join(rows) + "\n")
    outcome = cli("evaluate", "--data", tiny.folder, "--query-seed", seed, "--run", path)
    assert outcome.status == 0, outcome.err
    repeats = sum(1 for query in asked.drawn.values() if query == "q1")
    assert repeats == 2
    assert recall(outcome.out) == f"{100 * 0.5 * repeats / len(asked.queries):.2f}"  # one of two at rank 1
    assert f"{len(asked.queries) - repeats} queries without results" in outcome.out


def test_a_repeat_with_results_of_its_own_keeps_them(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    seed, asked = drawn_twice(tiny)
    path = tmp_path / "strangers.trec"
    path.write_text("q1 Q0 v10 1 1 x\nq1~2 Q0 v3 1 1 x\n")
    outcome = cli("evaluate", "--data", tiny.folder, "--query-seed", seed, "--run", path)
    assert recall(outcome.out) == f"{100 * 0.5 / len(asked.queries):.2f}"
