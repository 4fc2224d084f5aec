from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from bench.metrics.definitions import TEXT_METRICS
from bench.metrics.text import TextScores, score_texts
from bench.metrics.text_tests import bleu_p_values, text_intervals

WORDS = np.array(["how", "to", "cook", "red", "fish", "wash", "my", "old", "car", "by", "hand", "today"])
REFERENCE = "how to cook red fish by hand"


def scores_of(rng: np.random.Generator, videos: int, errors: float) -> TextScores:
    """Score summaries that copy each video's reference with a share of its words replaced."""
    truth = {f"v{n}": np.random.default_rng(n).choice(WORDS, 7) for n in range(videos)}
    texts = {v: np.where(rng.random(7) < errors, rng.choice(WORDS, 7), words) for v, words in truth.items()}
    return score_texts(
        {v: " ".join(words) for v, words in texts.items()}, {v: [" ".join(w)] for v, w in truth.items()}
    )


def test_the_corpus_values_lie_within_their_intervals() -> None:
    scores = scores_of(np.random.default_rng(0), 80, 0.3)
    bounds = text_intervals(scores)
    assert list(bounds) == list(TEXT_METRICS)
    for name, (low, high) in bounds.items():
        assert low < scores.corpus[name] < high
    assert bounds == text_intervals(scores)
    assert bounds != text_intervals(scores, seed=1)


def test_more_videos_narrow_the_interval_of_corpus_bleu() -> None:
    rng = np.random.default_rng(0)
    few, many = (text_intervals(scores_of(rng, n, 0.3))["BLEU-4"] for n in (30, 480))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.5)


def test_no_video_has_no_interval() -> None:
    nothing = score_texts({"u": "a"}, {})
    assert all(math.isnan(bound.low) for bound in text_intervals(nothing).values())
    assert set(bleu_p_values(nothing.bleu_counts, nothing.bleu_counts)) == {1.0}


def test_a_better_generator_is_found_and_an_identical_one_is_not() -> None:
    rng = np.random.default_rng(0)
    good, bad = scores_of(rng, 60, 0.2), scores_of(rng, 60, 0.6)
    assert max(bleu_p_values(good.bleu_counts, bad.bleu_counts)) < 0.01
    assert set(bleu_p_values(good.bleu_counts, good.bleu_counts)) == {1.0}


def test_corpus_bleu_is_tested_as_all_swaps_of_whole_videos_would() -> None:
    rng = np.random.default_rng(3)
    ours, theirs, references = {}, {}, {}
    for n in range(7):
        references[f"v{n}"] = [REFERENCE]
        ours[f"v{n}"], theirs[f"v{n}"] = (" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(2))
    one, other = score_texts(ours, references), score_texts(theirs, references)
    drawn, *_ = bleu_p_values(one.bleu_counts, other.bleu_counts, draws=4000)

    gaps = []
    for swaps in product([False, True], repeat=7):
        a = {v: theirs[v] if swap else ours[v] for v, swap in zip(ours, swaps, strict=True)}
        b = {v: ours[v] if swap else theirs[v] for v, swap in zip(ours, swaps, strict=True)}
        left, right = (score_texts(texts, references).corpus["BLEU-1"] for texts in (a, b))
        gaps.append(left - right)
    assert drawn == pytest.approx(np.mean(np.abs(gaps) >= abs(gaps[0]) - 1e-12), abs=0.03)


def test_two_scores_of_zero_do_not_differ_by_the_constant_of_bleu() -> None:
    references = {f"v{n}": ["a red car on a road"] for n in range(40)}
    one = score_texts(dict.fromkeys(references, "red car"), references)
    other = score_texts(dict.fromkeys(references, "a boat of wood"), references)
    assert [p < 0.05 for p in bleu_p_values(one.bleu_counts, other.bleu_counts)] == [True, True, False, False]
