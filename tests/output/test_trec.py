from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import DataError
from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.output.trec import (
    TIE_STEP,
    read_qrels,
    read_run,
    strictly_decreasing,
    write_qrels,
    write_run,
)
from bench.types import Run
from tests.metrics.strategies import as_dicts, runs

TREC_NAMES = {"R": "recall", "P": "P", "Acc": "success"}
IR_NAMES = {"R": "R", "P": "P", "Acc": "Success"}


def trec_eval_means(run: Run, relevant: Relevance) -> dict[str, float]:
    """Score the written files with trec_eval's own code, over all queries (its option -c)."""
    qrels_text, run_text = io.StringIO(), io.StringIO()
    write_qrels(qrels_text, relevant)
    write_run(run_text, run, "tag")
    qrels = pytrec_eval.parse_qrel(io.StringIO(qrels_text.getvalue()))
    parsed = pytrec_eval.parse_run(io.StringIO(run_text.getvalue()))
    wanted = {f"{TREC_NAMES[m.kind]}.{m.k}" for m in RANKING_METRICS}
    results = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(parsed)
    totals: dict[str, float] = defaultdict(float)
    for values in results.values():
        for name, value in values.items():
            totals[name] += value / len(relevant.query_ids)
    return {str(m): totals[f"{TREC_NAMES[m.kind]}_{m.k}"] for m in RANKING_METRICS}


def our_means(run: Run, relevant: Relevance) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in score(run, relevant).items()}


@settings(max_examples=100)
@given(runs())
def test_unmodified_trec_eval_gives_our_numbers(world: tuple[Run, Relevance]) -> None:
    run, relevant = world
    assert trec_eval_means(run, relevant) == pytest.approx(our_means(run, relevant), abs=1e-6)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=runs())
def test_ir_measures_reads_the_files_and_gives_our_numbers(
    tmp_path: Path, world: tuple[Run, Relevance]
) -> None:
    run, relevant = world
    write_qrels(tmp_path / "qrels.trec", relevant)
    write_run(tmp_path / "run.trec", run, "tag")
    measures = {str(m): ir_measures.parse_measure(f"{IR_NAMES[m.kind]}@{m.k}") for m in RANKING_METRICS}
    results = ir_measures.calc_aggregate(
        list(measures.values()),
        list(ir_measures.read_trec_qrels(str(tmp_path / "qrels.trec"))),
        list(ir_measures.read_trec_run(str(tmp_path / "run.trec"))),
    )
    ours = our_means(run, relevant)
    assert {name: results[measure] for name, measure in measures.items()} == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize("magnitude", [0.0, 1.0, 1e3, -1e3, 3e7])
def test_a_hundred_tied_documents_keep_their_order_in_trec_eval(magnitude: float) -> None:
    videos = [f"v{i}" for i in range(120)]  # v10 < v2: lexical, not numeric
    hits = {f"q{i}": [(v, magnitude) for v in videos] for i in range(40)}
    run = Run.from_hits(hits, videos, 100)
    first = sorted(videos)
    relevant = Relevance.from_mapping(
        {f"q{i}": [first[i], first[-1 - i]] for i in range(40)}, list(hits), videos
    )
    assert trec_eval_means(run, relevant) == pytest.approx(our_means(run, relevant), abs=1e-6)
    assert our_means(run, relevant)["Acc@10"] == 10 / 40


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=30))
def test_written_scores_strictly_decrease_as_c_floats(scores: list[float]) -> None:
    videos = [f"v{i:02}" for i in range(len(scores))]
    run = Run.from_hits({"q": list(zip(videos, scores, strict=True))}, videos, len(videos))
    stream = io.StringIO()
    write_run(stream, run, "t")
    parsed = np.array([float(line.split()[4]) for line in stream.getvalue().splitlines()]).astype(np.float32)
    assert (np.diff(parsed) < 0).all()
    assert (parsed == strictly_decreasing(run)[0]).all()  # nothing is lost in print
    assert (parsed <= run.scores[0]).all()


def test_only_ties_are_lowered_and_by_at_least_the_step() -> None:
    scores = [2.0, 2.0, 2.0, 1.9999995, 1.0, 1e-7, 0.0]
    videos = [str(i) for i in range(len(scores))]
    run = Run.from_hits({"q": list(zip(videos, scores, strict=True))}, videos, 10)
    written = strictly_decreasing(run)[0].astype(float)
    assert written[0] == 2.0
    assert written[4] == 1.0
    assert (written[:4] - written[1:5] >= TIE_STEP).all()  # the fourth was caught up with
    assert written[5:7].tolist() == [float(np.float32(1e-7)), 0.0]  # close, but no tie: as they were
    assert (written[7:] == -np.inf).all()


def test_the_lines_are_those_of_trec(tmp_path: Path) -> None:
    run = Run.from_hits({"q2": [("b", 1.5), ("视频", 7.25)], "q1": []}, ["b", "视频"], 3)
    write_run(tmp_path / "x.trec", run, "my tag\u3000x")
    assert (
        tmp_path / "x.trec"
    ).read_bytes().decode() == "q2 Q0 视频 1 7.25 my_tag_x\nq2 Q0 b 2 1.5 my_tag_x\n"
    write_qrels(tmp_path / "q.trec", Relevance.from_mapping({"q2": ["视频"]}, ["q1", "q2"], ["b", "视频"]))
    assert (tmp_path / "q.trec").read_bytes().decode() == "q2 0 视频 1\n"
    assert read_qrels(tmp_path / "q.trec") == {"q2": {"视频": 1}}


def test_signs_of_formats_are_texts_like_others() -> None:
    written = io.StringIO()
    write_run(written, Run.from_hits({"100%s": [("%d{0}", 1.5)]}, ["%d{0}"], 3), "50%")
    assert written.getvalue() == "100%s Q0 %d{0} 1 1.5 50%\n"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=runs())
def test_what_was_written_reads_back_in_the_same_order(tmp_path: Path, world: tuple[Run, Relevance]) -> None:
    run, _ = world
    write_run(tmp_path / "x.trec", run, "t")
    back = read_run(tmp_path / "x.trec").to_run(run.query_ids, run.video_ids, run.depth)
    assert as_dicts(back) == as_dicts(run)
    assert back.video_ids == run.video_ids


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_never_written(score: float) -> None:
    run = Run(("q",), ("a",), np.array([[0]], np.int32), np.array([[score]], np.float32))
    with pytest.raises(ValueError, match="not finite"):
        write_run(io.StringIO(), run, "t")


def test_a_run_out_of_order_is_never_written() -> None:
    run = Run(("q",), ("a", "b"), np.array([[0, 1]], np.int32), np.array([[1, 2]], np.float32))
    with pytest.raises(ValueError, match="best first"):
        write_run(io.StringIO(), run, "t")


def test_a_foreign_run_may_have_other_queries_and_videos(tmp_path: Path) -> None:
    path = tmp_path / "x.trec"
    path.write_text("p Q0 a 1 3 t\n\nq\tQ0  z  1 2e0 t\nq Q0 a 0 1 t\nq Q0 b 7 1 t\r\n")
    run = read_run(path)
    assert run.unknown_queries(["q"]) == ["p"]
    assert run.unknown_videos(["a", "b"]) == ["z"]
    ours = run.to_run(["none", "q"], ["b", "a"], 5)
    assert as_dicts(ours) == {"none": [], "q": ["a", "z", "b"]}  # ranks decide; z keeps its place
    assert ours.video_ids == ("b", "a", "z")


GOOD = "q Q0 a 1 2.5 t\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("q Q0 b 2 1.5", "5 columns where 6 are needed"),
        ("q Q0 b 2 1.5 my tag", "7 columns where 6"),
        ("q Q0 b two 1.5 t", "the rank 'two' is not an integer"),
        ("q Q0 b 2.0 1.5 t", "the rank '2.0' is not an integer"),
        ("q Q0 b 1_0 1.5 t", "the rank '1_0' is not an integer"),
        ("q Q0 b 2 high t", "the score 'high' is not a number"),
        ("q Q0 b 2 nan t", "the score 'nan' is not a finite number"),
        ("q Q0 b 2 1_0 t", "the score '1_0' is not a finite number"),
        ("q Q0 b 2 1e999 t", "the score '1e999' is not a finite number"),
        ("q Q0 a 2 1.5 t", "document 'a' appears twice for query 'q'"),
    ],
)
def test_a_malformed_run_is_refused_with_its_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "bad.trec"
    path.write_text(GOOD + line + "\n")
    with pytest.raises(DataError) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert complaint in str(caught.value)


def test_comments_are_left_out_and_ids_that_begin_like_one_are_read(tmp_path: Path) -> None:
    run, qrels = tmp_path / "run", tmp_path / "qrels"
    run.write_text("#made today\n# q Q0 b 2 1.5\nq Q0 a 1 2.5 t\n#tag Q0 a 1 2.5 t\n")
    qrels.write_text("# qid 0 docno\nq 0 a 1\n#tag 0 a 1\n")
    assert set(read_run(run).hits) == set(read_qrels(qrels)) == {"q", "#tag"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("q 0 a", "3 columns where 4 are needed"),
        ("q", "1 column where 4 are needed"),
        ("q 0 b 1.0", "the relevance '1.0' is not an integer"),
        ("q 0 a 0", "judged twice"),
    ],
)
def test_malformed_qrels_are_refused_with_their_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "qrels"
    path.write_text("q 0 a 1\n" + line + "\n")
    with pytest.raises(DataError, match=r"qrels:2: ") as caught:
        read_qrels(path)
    assert complaint in str(caught.value)


def test_bytes_that_are_no_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(GOOD.encode() + b"q Q0 \xff 1 1 t\n")
    with pytest.raises(DataError, match=r"x:2: the id .* is not valid UTF-8"):
        read_run(tmp_path / "x")
