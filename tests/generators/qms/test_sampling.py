"""Query sampling: rejected queries are never drawn, the others in inverse proportion to their similarity."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.qms.sampling import Sampled, entropy, probabilities, similarities


def test_similarity_is_the_cosine_with_the_mean() -> None:
    mean = np.array([2 / 3, 1 / 3])  # of (1, 0), (1, 0), (0, 1)
    expected = [mean[0] / np.hypot(*mean), mean[0] / np.hypot(*mean), mean[1] / np.hypot(*mean)]
    assert similarities([[1, 0], [1, 0], [0, 1]]) == pytest.approx(expected)


def test_a_zero_vector_is_similar_to_nothing() -> None:
    assert similarities([[0.0, 0.0], [1.0, 0.0]]).tolist() == [0.0, 1.0]


def test_probabilities_are_inverse_similarities_over_the_kept() -> None:
    # 1/0.8 = 1.25, 1/0.9 = 1.111, 1/0.96 = 1.04167; their sum is 3.40278; 0.7 is rejected
    expected = [1.25 / 3.402778, 1.111111 / 3.402778, 0, 1.041667 / 3.402778]
    assert probabilities([0.8, 0.9, 0.7, 0.96], 0.75) == pytest.approx(expected, abs=1e-6)


def test_a_query_at_the_threshold_is_kept() -> None:
    assert probabilities([0.75, 0.749999], 0.75).tolist() == [1.0, 0.0]


def test_when_all_are_rejected_the_most_similar_one_is_taken() -> None:
    assert probabilities([0.1, 0.4, 0.3], 0.75).tolist() == [0, 1, 0]
    assert probabilities([-0.5, 0.0], -1.0).tolist() == [0, 1]  # 1 / s has no sense there


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9), st.floats(-1, 1))
def test_probabilities_are_a_distribution(scores: list[float], mu: float) -> None:
    p = probabilities(scores, mu)
    assert p.sum() == pytest.approx(1)
    assert (p >= 0).all()


def test_entropy_is_1_for_uniform_and_0_for_one() -> None:
    assert entropy([0.25] * 4) == pytest.approx(1)
    assert entropy([0, 1, 0]) == 0
    assert entropy([0.5, 0.5, 0, 0]) == pytest.approx(0.5)


def test_draws_follow_the_probabilities_and_never_hit_a_rejected_query() -> None:
    targets = Sampled(0, {"v": [0.0, 0.3, 0.7, 0.0]})
    drawn = Counter(targets.pick(epoch, "v", 4) for epoch in range(4000))
    assert set(drawn) == {1, 2}
    assert drawn[2] / 4000 == pytest.approx(0.7, abs=0.03)


def test_a_draw_depends_on_seed_epoch_and_video_alone() -> None:
    chances = {name: [0.2] * 5 for name in "vw"}
    first = [Sampled(1, chances).pick(e, "v", 5) for e in range(50)]
    assert first == [Sampled(1, chances).pick(e, "v", 5) for e in range(50)]
    assert first != [Sampled(2, chances).pick(e, "v", 5) for e in range(50)]
    assert first != [Sampled(1, chances).pick(e, "w", 5) for e in range(50)]
