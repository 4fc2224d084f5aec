"""Chance: repeatable to the bit, and fair."""

from collections import Counter

import numpy as np
import pytest

from bench.data.synthetic.rng import Rng


def test_a_stream_is_the_one_recorded() -> None:
    """The raw stream of PCG64 is promised by numpy; a change here would change every dataset."""
    rng = Rng(0, 1)
    assert [rng.below(1000) for _ in range(6)] == [896, 211, 428, 631, 404, 605]


def test_streams_of_different_keys_differ() -> None:
    draws = {
        tuple(Rng(*keys).below(1 << 64) for _ in range(4)) for keys in [(0, 0), (0, 1), (1, 0), (0, 0, 1)]
    }
    assert len(draws) == 4


def test_numbers_stay_inside_their_range() -> None:
    rng = Rng(0)
    assert set(Counter(rng.between(3, 5) for _ in range(300))) == {3, 4, 5}
    assert {rng.below(1) for _ in range(10)} == {0}


@pytest.mark.parametrize("share", [0.0, 0.017, 0.5, 1.0])
def test_chance_meets_its_share(share: float) -> None:
    rng = Rng(0)
    assert np.mean([rng.chance(share) for _ in range(20_000)]) == pytest.approx(
        share, abs=0.01 * (0 < share < 1)
    )


def test_rounding_randomly_meets_its_mean_with_the_two_numbers_beside_it() -> None:
    rng = Rng(0)
    draws = [rng.round_randomly(2.8) for _ in range(5_000)]
    assert set(draws) == {2, 3}
    assert np.mean(draws) == pytest.approx(2.8, abs=0.03)


def test_a_sample_has_no_repetition_and_takes_all_when_there_are_too_few() -> None:
    rng = Rng(0)
    assert len(set(rng.sample(range(100), 30))) == 30
    assert sorted(rng.sample("abc", 9)) == ["a", "b", "c"]
    assert sorted(rng.shuffle("hello")) == sorted("hello")


def test_early_items_are_picked_more_often() -> None:
    counts = Counter(Rng(0, i).pick_popular("abcd") for i in range(2_000))
    assert counts["a"] > counts["b"] > counts["c"] > counts["d"] > 0


def test_near_normal_has_mean_0_and_deviation_1_and_is_exact() -> None:
    numbers = Rng(0).near_normal(500, 65)
    assert numbers.shape == (500, 65)
    assert numbers.mean() == pytest.approx(0, abs=0.02)
    assert numbers.std() == pytest.approx(1, abs=0.02)
    assert np.abs(numbers).max() < 510 / 147
    assert (numbers == Rng(0).near_normal(500, 65)).all()
