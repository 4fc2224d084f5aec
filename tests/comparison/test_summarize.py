"""The summary of a finished run: its boards hold what the tests say, and its file is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from bench.comparison.paired import compare, p_value
from bench.comparison.summarize import _equal_retrievers, _trained, summarize_run
from bench.errors import DataError
from bench.metrics.significance import holm
from bench.output.per_item import RunItems
from bench.output.schema import COST_COLUMNS
from bench.result import Result
from bench.summary.run_summary import Board, RunSummary, read_summary
from tests.competing_run import CompetingRun
from tests.manifests import small_manifest


@pytest.fixture(scope="module")
def summary(competing_run: CompetingRun) -> RunSummary:
    return summarize_run(competing_run.result())


def main_board(summary: RunSummary) -> Board:
    made = summary.board("bm25")
    assert made
    return made


def test_ranked_rows_come_from_the_highest_and_references_last(summary: RunSummary) -> None:
    names = [row.generator for row in main_board(summary).rows]
    assert names == ["long", "short", "twin", "oracle", "transcript"]
    assert {board.metric for board in summary.boards} >= {"R@10", "Acc@10", "CIDEr", "BLEU-4"}


def test_each_difference_is_that_of_the_paired_test(summary: RunSummary, competing_run: CompetingRun) -> None:
    result = competing_run.result()
    items = RunItems(result.out, result.manifest)
    board = main_board(summary)
    cells = [items.cell(row.generator, "bm25") for row in board.rows]
    pairs = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    corrected = dict(zip(pairs, holm([p_value(cells[a], cells[b], "R@10") for a, b in pairs]), strict=True))
    for place, row in enumerate(board.rows[1:], start=1):
        expected = compare(cells[place], cells[0], "R@10")
        assert row.against_first
        assert row.against_first.value == pytest.approx(expected.test.difference)
        assert row.against_first.low == pytest.approx(expected.interval.low)
        assert row.against_first.high == pytest.approx(expected.interval.high)
        assert row.against_first.p == pytest.approx(corrected[0, place])


def test_rows_share_a_letter_exactly_where_no_test_separates_them(summary: RunSummary) -> None:
    for board in summary.boards:
        first, *others = board.rows
        for row in others:
            shared = bool(set(first.letters.split()) & set(row.letters.split()))
            assert row.against_first
            assert shared == (not row.against_first.is_significant), (board.metric, row)


def test_twins_share_their_summaries_rank_and_letters(summary: RunSummary) -> None:
    rows = {row.generator: row for row in main_board(summary).rows}
    assert rows["short"].letters == rows["twin"].letters
    assert rows["short"].against_first == rows["twin"].against_first


def test_the_run_wrote_its_summary_and_gives_it_back(
    summary: RunSummary, competing_run: CompetingRun
) -> None:
    result = competing_run.result()
    assert "summary.json" in result.manifest.files
    assert (competing_run.out / "summary.json").read_text() == summary.to_json()
    assert result.summary == summary


def test_the_file_holds_nothing_of_the_machine(summary: RunSummary) -> None:
    facts = json.loads(summary.to_json())["facts"]
    assert set(facts) == {"data", "synthetic", "queries", "videos", "seeds", "preset"}


@pytest.mark.parametrize(
    ("fit_s", "params", "is_trained"), [(2, 9, True), (2, None, False), (None, 9, False)]
)
def test_a_row_that_only_counts_words_depends_on_no_seed(
    fit_s: float | None, params: float | None, is_trained: bool
) -> None:
    row = {"generator": "tfidf", "retriever": "", "fit_s": fit_s, "params": params}
    costs = pd.DataFrame([row], columns=list(COST_COLUMNS)).astype(dict.fromkeys(COST_COLUMNS[2:], float))
    assert _trained(Result(Path("out"), pd.DataFrame(), costs, small_manifest())) is is_trained


def test_synthetic_data_are_cautioned_of(summary: RunSummary) -> None:
    assert "synthetic" in {caution.about for caution in summary.cautions}


def test_a_file_of_other_content_is_refused(tmp_path: Path, competing_run: CompetingRun) -> None:
    path = tmp_path / "summary.json"
    path.write_text('{"metric": 3}')
    with pytest.raises(DataError, match=r"summary\.json: its content is not what"):
        read_summary(path, competing_run.result().manifest)


def test_a_row_that_hardly_reads_its_input_is_named(tmp_path: Path, competing_run: CompetingRun) -> None:
    from bench.output.folder import amend

    lines = (
        "generator,modality,gap,ci_low,ci_high,n\nlong,text,0.9,0.8,1.0,40\nshort,text,0.01,-0.02,0.04,40\n"
    )
    out = competing_run.folder / "with-modality"
    competing_run.run(out)
    amend(out, {"modality.csv": lines.encode()})
    cautions = [c for c in summarize_run(Result.read(out)).cautions if c.about == "modality"]
    assert [(c.text, dict(c.values)) for c in cautions] == [
        ("Hardly read the transcript (loss with another video's): short (+0.010 nats).", {"short": 0.01})
    ]


def test_retrievers_with_the_same_scores_in_every_cell_are_named(competing_run: CompetingRun) -> None:
    result = competing_run.result()
    rows = result.scores
    twice = pd.concat([rows, rows[rows["retriever"] == "bm25"].assign(retriever="again")])
    (caution,) = _equal_retrievers(result, twice)
    assert (
        caution.text
        == "again has the same scores as BM25 in every cell: both seem to return the same results."
    )
    twice.loc[(twice["retriever"] == "again") & (twice["metric"] == "R@10"), "value"] += 0.01
    assert not list(_equal_retrievers(result, twice))
