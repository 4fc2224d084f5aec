"""Chance: repeatable to the bit, and fair."""

from collections import Counter

import numpy as np
import pytest

from bench.data.synthetic.rng import Dice


def test_a_stream_is_the_one_recorded() -> None:
    """The raw stream of PCG64 is promised by numpy; a change here would change every dataset."""
    dice = Dice(0, 1)
    assert [dice.below(1000) for _ in range(6)] == [896, 211, 428, 631, 404, 605]


def test_streams_of_different_keys_differ() -> None:
    draws = {
        tuple(Dice(*keys).below(1 << 64) for _ in range(4)) for keys in [(0, 0), (0, 1), (1, 0), (0, 0, 1)]
    }
    assert len(draws) == 4


def test_numbers_stay_inside_their_range() -> None:
    dice = Dice(0)
    assert set(Counter(dice.between(3, 5) for _ in range(300))) == {3, 4, 5}
    assert {dice.below(1) for _ in range(10)} == {0}


@pytest.mark.parametrize("share", [0.0, 0.017, 0.5, 1.0])
def test_chance_meets_its_share(share: float) -> None:
    dice = Dice(0)
    assert np.mean([dice.chance(share) for _ in range(20_000)]) == pytest.approx(
        share, abs=0.01 * (0 < share < 1)
    )


def test_around_meets_its_mean_with_the_two_numbers_beside_it() -> None:
    dice = Dice(0)
    draws = [dice.around(2.8) for _ in range(5_000)]
    assert set(draws) == {2, 3}
    assert np.mean(draws) == pytest.approx(2.8, abs=0.03)


def test_a_sample_has_no_repetition_and_takes_all_when_there_are_too_few() -> None:
    dice = Dice(0)
    assert len(set(dice.sample(range(100), 30))) == 30
    assert sorted(dice.sample("abc", 9)) == ["a", "b", "c"]
    assert sorted(dice.shuffle("hello")) == sorted("hello")


def test_early_items_are_favoured() -> None:
    counts = Counter(Dice(0, i).favour("abcd") for i in range(2_000))
    assert counts["a"] > counts["b"] > counts["c"] > counts["d"] > 0


def test_bell_has_mean_0_and_deviation_1_and_is_exact() -> None:
    bells = Dice(0).bell(500, 65)
    assert bells.shape == (500, 65)
    assert bells.mean() == pytest.approx(0, abs=0.02)
    assert bells.std() == pytest.approx(1, abs=0.02)
    assert np.abs(bells).max() < 510 / 147
    assert (bells == Dice(0).bell(500, 65)).all()
