"""bench evaluate on runs of any origin: of the dataset's own query ids."""

from __future__ import annotations

import gzip
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from bench.choices import ONE_QUERY_PER_VIDEO
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.reader import read_dataset
from bench.foreign.judgements import judgements_of_dataset, read_judgements
from bench.foreign.runs import read_runs
from bench.foreign.scoring import score_run
from bench.measures.by_topic import DEFAULT
from tests.conftest import Cli
from tests.tiny import Tiny


def drawn_twice(tiny: Tiny) -> tuple[int, EvaluationSet]:
    """Return a query seed under which a query is drawn for two videos, and what is evaluated."""
    data = read_dataset(tiny.folder)
    for seed in range(20):
        evaluated = make_evaluation_set(data, split="test", protocol=ONE_QUERY_PER_VIDEO, query_seed=seed)
        if "q1~2" in evaluated.queries:
            return seed, evaluated
    raise AssertionError("no seed draws q1 twice")


def recall(outcome: str) -> str:
    row = next(line for line in outcome.splitlines() if line.startswith("| Run | theirs |"))
    return row.split("|")[3].strip()


@pytest.mark.parametrize("ties", ["trec_eval", "rank"])
@pytest.mark.parametrize("spelling", ["q1", "q7", "q10"])
def test_a_run_of_the_datasets_queries_answers_repeats_and_any_spelling(
    tiny: Tiny, tmp_path: Path, cli: Cli, spelling: str, ties: str
) -> None:
    seed, evaluated = drawn_twice(tiny)
    rows = [f"{spelling} Q0 v10 1 2 x", f"{spelling} Q0 v2 2 1 x"]
    path = tmp_path / "theirs.trec"
    path.write_text("\n".join(rows) + "\n")
    outcome = cli("evaluate", "--data", tiny.folder, "--query-seed", seed, "--run", path, "--ties", ties)
    assert outcome.status == 0, outcome.err
    repeats = sum(1 for query in evaluated.drawn.values() if query == "q1")
    assert repeats == 2
    assert (
        recall(outcome.out) == f"{100 * 0.5 * repeats / len(evaluated.queries):.2f}"
    )  # one of two at rank 1
    assert f"{len(evaluated.queries) - repeats} queries without results" in outcome.out


def test_a_repeat_with_results_of_its_own_keeps_them(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    seed, evaluated = drawn_twice(tiny)
    path = tmp_path / "theirs.trec"
    path.write_text("q1 Q0 v10 1 1 x\nq1~2 Q0 v3 1 1 x\n")
    outcome = cli("evaluate", "--data", tiny.folder, "--query-seed", seed, "--run", path)
    assert recall(outcome.out) == f"{100 * 0.5 / len(evaluated.queries):.2f}"


def test_the_title_says_that_a_dataset_is_synthetic(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    tiny.edit("dataset.json", 1, synthetic=True)
    path = tmp_path / "theirs.trec"
    path.write_text("q1 Q0 v10 1 1 x\n")
    text = cli("evaluate", "--data", tiny.folder, "--run", path).out
    assert re.search(r"^\*\*Retrieval on .* \(synthetic\)", text)


def test_graded_measures_read_the_grades_of_the_dataset(tiny: Tiny, tmp_path: Path) -> None:
    (path := tmp_path / "run.trec").write_text("q1 Q0 v10 1 2 x\nq1 Q0 v2 2 1 x\n")  # of relevance 1 and 2
    judgements = judgements_of_dataset(
        str(tiny.folder), protocol="all-queries", query_seed=0, split="test", store=None
    )
    scores = score_run(*read_runs([str(path)], judgements), judgements, ["nDCG@10"], "ours")
    found = dict(zip(judgements.topics, scores.per_topic["nDCG@10"], strict=True))
    second = 1 / np.log2(3)
    assert found["q1"] == pytest.approx((1 + 2 * second) / (2 + second))


# TREC files of any origin

QRELS = "q1 0 a 1\nq1 0 b 0\nq2 0 c 2\nq2 0 d -1\n"
RUN = "q1 Q0 a 1 9.5 x\nq1 Q0 c 2 8.5 x\nq2 Q0 d 1 7.5 x\nq2 Q0 c 2 6.5 x\n"


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    path = tmp_path / "judged.qrels"
    path.write_text(QRELS)
    return path


def printed(run: Path, qrels: Path, queries: Path | None = None) -> list[float]:
    """Return the scores of a run."""
    judgements = read_judgements(qrels, queries, "test")
    (read,) = read_runs([str(run)], judgements)
    return [row["value"] for row in score_run(read, judgements, DEFAULT, "ours").rows]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + RUN.encode(),
        RUN.replace("\n", "\r\n").encode(),
        RUN.replace(" ", "\t").replace("\n", "\n\n").encode(),
        gzip.compress(RUN.encode()),
    ],
    ids=["byte order mark", "CRLF", "tabs and blank lines", "gzip"],
)
def test_a_run_may_be_encoded_as_other_tools_write_it(tmp_path: Path, qrels: Path, data: bytes) -> None:
    (plain := tmp_path / "plain.trec").write_text(RUN)
    (run := tmp_path / "other.trec").write_bytes(data)
    assert printed(run, qrels) == printed(plain, qrels)


def test_qrels_may_begin_with_a_byte_order_mark(tmp_path: Path, qrels: Path) -> None:
    (run := tmp_path / "run.trec").write_text(RUN)
    (marked := tmp_path / "marked.qrels").write_bytes(b"\xef\xbb\xbf" + QRELS.encode())
    assert printed(run, marked) == printed(run, qrels)


def test_a_run_may_be_a_pipe(tmp_path: Path, qrels: Path) -> None:
    (plain := tmp_path / "plain.trec").write_text(RUN)
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(target=pipe.write_text, args=(RUN,))
    writer.start()
    assert printed(pipe, qrels) == printed(plain, qrels)
    writer.join()


def test_a_malformed_pipe_is_named_as_it_was_given(tmp_path: Path, qrels: Path, cli: Cli) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(target=pipe.write_text, args=("q1 Q0 a\n",))
    writer.start()
    outcome = cli("evaluate", "--qrels", qrels, "--run", pipe)
    writer.join()
    assert outcome.status == 3
    assert f"{pipe}:1: not a format that is known" in outcome.error()


def test_topics_nobody_judged_are_left_out_and_named(tmp_path: Path, qrels: Path, cli: Cli) -> None:
    (plain := tmp_path / "plain.trec").write_text(RUN)
    (more := tmp_path / "more.trec").write_text(RUN + "q9 Q0 a 1 5.5 x\n")
    (topics := tmp_path / "topics.tsv").write_text("q1\tone\nq2\ttwo\nq9\tnine\n")
    assert printed(more, qrels) == printed(more, qrels, topics) == printed(plain, qrels)
    outcome = cli("evaluate", "--qrels", qrels, "--run", more)
    assert "1 topic of the runs not judged and left out" in outcome.out
    outcome = cli("evaluate", "--qrels", qrels, "--run", plain, "--queries", topics)
    assert "1 topic of the queries not judged and left out" in outcome.out


def test_a_judged_topic_without_a_relevant_document_counts_0_as_in_trec_eval(
    tmp_path: Path, qrels: Path, cli: Cli
) -> None:
    (run := tmp_path / "run.trec").write_text(RUN + "q3 Q0 b 1 5.5 x\n")
    qrels.write_text(QRELS + "q3 0 a 0\n")
    assert printed(run, qrels)[1] == pytest.approx(2 / 3)  # R@5 of 1, 1 and 0
    outcome = cli("evaluate", "--qrels", qrels, "--run", run)
    assert "1 topic without a relevant document, counted 0" in outcome.out


def test_a_run_of_other_topics_is_refused(tmp_path: Path, qrels: Path, cli: Cli) -> None:
    (run := tmp_path / "run.trec").write_text("x1 Q0 a 1 9.5 x\n")
    outcome = cli("evaluate", "--qrels", qrels, "--run", run)
    assert outcome.status == 3
    assert "none of its topics is judged" in outcome.error()


@pytest.mark.parametrize("value", ["\u0661\u0662", "nan", "1_0", "1e999"])
def test_a_score_that_is_no_finite_ascii_number_is_refused(
    tmp_path: Path, qrels: Path, cli: Cli, value: str
) -> None:
    (run := tmp_path / "run.trec").write_text(f"q1 Q0 a 1 {value} x\n", encoding="utf-8")
    outcome = cli("evaluate", "--qrels", qrels, "--run", run)
    assert outcome.status == 3
    assert "run.trec:1" in outcome.error()


def test_scores_that_differ_in_double_precision_alone_are_no_ties(tmp_path: Path, qrels: Path) -> None:
    (run := tmp_path / "run.trec").write_text("q1 Q0 a 1 1.000000001 x\nq1 Q0 A 2 1.0 x\n")
    assert printed(run, qrels)[0] == 0.5  # as a tie, A would be before a
