"""Targets are drawn anew each epoch, evenly, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

from scipy.stats import chisquare

from generators.neural.targets import Uniform


def test_every_reference_is_drawn_as_often_as_the_others() -> None:
    counts = Counter(Uniform(0).pick(epoch, f"v{video}", 5) for epoch in range(40) for video in range(100))
    assert set(counts) == set(range(5))
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_a_draw_depends_on_seed_epoch_and_video_and_on_nothing_else() -> None:
    draws = [Uniform(0).pick(epoch, "v1", 1000) for epoch in range(5)]
    assert draws == [Uniform(0).pick(epoch, "v1", 1000) for epoch in range(5)]
    assert len(set(draws)) == 5
    assert draws != [Uniform(1).pick(epoch, "v1", 1000) for epoch in range(5)]
    assert draws != [Uniform(0).pick(epoch, "v2", 1000) for epoch in range(5)]


def test_an_only_reference_is_always_drawn() -> None:
    assert Uniform(7).pick(3, "v", 1) == 0
