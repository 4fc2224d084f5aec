"""The sentences of a summary agree with its numbers, whatever they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.significance import ALPHA
from bench.summary.markdown import to_html, to_markdown
from bench.summary.run_summary import Board, Caution, Difference, Facts, Row, RunSummary
from bench.summary.sentences import (
    board_sentences,
    caution_line,
    facts_line,
    format_difference,
    format_p,
    short_answer,
)

FACTS = Facts("demo", True, 1200, 300, [0, 1], "quick", "2 CPU cores", 1980.0)


def row(name: str, value: float, p: float | None, first: float, *, reference: bool = False) -> Row:
    difference = None if p is None else Difference(value - first, value - first - 0.1, value - first + 0.1, p)
    return Row(name, name.title(), reference, value, value - 0.05, value + 0.05, "a", difference)


def board(ranked: list[tuple[float, float]], references: list[tuple[float, float]] | None = None) -> Board:
    """Return a board of scores and corrected p-values; the p of the highest ranked score is ignored."""
    scores = sorted(ranked, key=lambda pair: -pair[0])
    first = scores[0][0] if scores else 0.0
    rows = [row(f"row{i}", value, p if i else None, first) for i, (value, p) in enumerate(scores)]
    named = zip(("transcript", "oracle"), references or [], strict=False)
    extra = [row(name, v, p if scores else None, first, reference=True) for name, (v, p) in named]
    return Board("bm25", "BM25", "R@10", [*rows, *extra])


fractions = st.floats(0, 1)
pairs = st.tuples(fractions, fractions)


@given(st.lists(pairs, max_size=8), st.lists(pairs, max_size=2))
def test_superiority_is_claimed_only_where_every_test_shows_it(
    ranked: list[tuple[float, float]], references: list[tuple[float, float]]
) -> None:
    made = board(ranked, references)
    text = " ".join(board_sentences(made))
    rivals = [r for r in made.ranked[1:] if r.against_first and r.against_first.p >= ALPHA]
    tied = len(made.ranked) > 1 and made.ranked[0].value == made.ranked[1].value
    clear = len(made.ranked) > 1 and not rivals
    assert ("finds most" in text) == (clear and not tied)
    assert "best" not in text
    following = next(iter(made.ranked[1:]), None)
    leads = following is not None and not tied and following not in rivals
    assert ("It leads the next" in text) == leads
    others = [r for r in rivals if r is not following and r.value < made.ranked[0].value]
    claims = len(re.findall(r"is not significant[:( ]|Nor is that", text))
    assert claims == (not tied and following in rivals) + bool(others)


@given(st.lists(pairs, min_size=1, max_size=5), st.lists(pairs, min_size=1, max_size=2))
def test_a_reference_finds_more_or_less_only_where_its_test_shows_it(
    ranked: list[tuple[float, float]], references: list[tuple[float, float]]
) -> None:
    made = board(ranked, references)
    sentences = {s.split(" finds ")[0].split(": ")[0]: s for s in board_sentences(made)}
    for reference in made.references:
        start = {"transcript": "Searching the raw transcript", "oracle": "A human query as the summary"}
        sentence, difference = sentences[start[reference.generator]], reference.against_first
        assert difference is not None
        assert ("finds more" in sentence) == (difference.is_significant and difference.value > 0)
        assert ("finds less" in sentence) == (difference.is_significant and difference.value <= 0)
        assert f": {reference.value * 100:.1f}" in sentence
        assert f"({round(difference.value * 100, 1) + 0.0:+.1f} [" in sentence


@given(fractions)
def test_a_printed_p_is_on_the_side_of_the_level_that_it_is_on(p: float) -> None:
    printed = re.fullmatch(r"p ([=<]) ([\d.]+)", format_p(p))
    assert printed
    below = float(printed[2]) <= ALPHA if printed[1] == "<" else float(printed[2]) < ALPHA
    assert below == (p < ALPHA)


def test_a_clear_first_row_finds_most() -> None:
    assert board_sentences(board([(0.5, 1.0), (0.4, 0.003)], [(0.6, 0.0001), (0.45, 0.2)])) == [
        "With BM25, Row0 finds most. R@10: 50.0 [45.0, 55.0].",
        "It leads the next, Row1 (40.0), significantly: by 10.0 [0.0, 20.0], p = 0.003.",
        "Searching the raw transcript finds more than Row0: 60.0 (+10.0 [0.0, 20.0], p < 0.001).",
        "A human query as the summary: 45.0, not significantly different from Row0 "
        "(-5.0 [-15.0, 5.0], p = 0.20).",
    ]


def test_a_first_row_with_rivals_has_the_highest_score_and_no_more() -> None:
    assert board_sentences(board([(0.5, 1.0), (0.45, 0.3), (0.4, 1.0), (0.1, 0.001)])) == [
        "With BM25, Row0 has the highest R@10: 50.0 [45.0, 55.0].",
        "Its lead over the next, Row1 (45.0), is not significant: 5.0 [-5.0, 15.0], p = 0.30.",
        "Nor is that over Row2 (p = 1.00).",
    ]


def test_a_lower_row_that_varies_is_named_after_the_clear_next_one() -> None:
    ranked = [(0.5, 1.0), (0.45, 0.01), (0.3, 0.0529), (0.2, 0.9), (0.1, 0.001)]
    assert board_sentences(board(ranked))[1:] == [
        "It leads the next, Row1 (45.0), significantly: by 5.0 [-5.0, 15.0], p = 0.010.",
        "Its lead over Row2 and Row3 is not significant (p ≥ 0.052).",
    ]


def test_a_single_rival_is_named_with_its_difference() -> None:
    assert board_sentences(board([(0.5, 1.0), (0.45, 0.3), (0.1, 0.001)]))[1:] == [
        "Its lead over the next, Row1 (45.0), is not significant: 5.0 [-5.0, 15.0], p = 0.30.",
    ]


def test_one_ranked_system_is_compared_with_the_references_alone() -> None:
    first, reference = board_sentences(board([(0.08, 1.0)], [(0.559, 0.0002)]))
    assert first == "With BM25, Row0 is the only ranked system. R@10: 8.0 [3.0, 13.0]."
    assert reference.startswith("Searching the raw transcript finds more than Row0: 55.9 (+47.9")


@pytest.mark.parametrize(
    ("ranked", "bold"),
    [
        ([(0.5, 1.0), (0.4, 0.9), (0.1, 0.01)], {"row0", "row1"}),
        ([(0.5, 1.0), (0.4, 0.01)], {"row0"}),
        ([(0.5, 1.0), (0.4, 0.9)], set()),
        ([(0.5, 1.0)], set()),
    ],
)
def test_bold_are_the_first_and_its_rivals_unless_all_are(
    ranked: list[tuple[float, float]], bold: set[str]
) -> None:
    assert board(ranked).leaders == bold


def test_the_facts_are_one_line() -> None:
    assert facts_line(FACTS) == (
        "demo (synthetic) · 1,200 queries · 300 videos · seeds 0, 1 · preset quick · 2 CPU cores · "
        "33 min of computing"
    )


def test_a_line_of_cautions_has_grave_ones_in_full_and_names_the_others() -> None:
    named = [
        Caution("synthetic", "demo is synthetic: scores say nothing about real videos."),
        Caution("ties", "Points of R@10 that the order of equal scores decides: up to Lead 2.0."),
        Caution("modality", "Hardly read the frames: QMS."),
        Caution("modality", "Hardly read the transcript: MDVC."),
    ]
    assert caution_line(RunSummary("R@10", FACTS, [], named)) == (
        "demo is synthetic: scores say nothing about real videos. "
        "Read with care: scores that ties decide and systems that hardly read an input."
    )
    assert caution_line(RunSummary("R@10", FACTS, [], named[:1])) == named[0].text


def test_the_forms_hold_the_same_sentences() -> None:
    summary = RunSummary("R@10", FACTS, [board([(0.5, 1.0), (0.4, 0.003)])])
    assert short_answer(summary) in str(summary)
    assert f"**{short_answer(summary)}**" in to_markdown(summary)
    assert f"<p>{short_answer(summary)}" in to_html(summary)


def test_a_corrected_p_beside_an_interval_without_zero_is_explained() -> None:
    corrected = "p = 1.00 after correction for all pairs"
    assert format_difference(Difference(0.04, 0.008, 0.075, 1.0)) == f"+4.0 [0.8, 7.5], {corrected}"
    assert format_difference(Difference(0.04, -0.008, 0.075, 1.0)) == "+4.0 [-0.8, 7.5], p = 1.00"
    assert format_difference(Difference(0.04, None, None, 1.0)) == "+4.0, p = 1.00"
