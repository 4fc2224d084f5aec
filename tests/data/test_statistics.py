"""The figures of a dataset that is known by heart."""

from __future__ import annotations

import math
import shutil

import pytest

from bench.data.reader import read_dataset
from bench.data.statistics import compute_statistics, diversity
from bench.paper.table2 import statistics_table
from tests.conftest import Cli
from tests.tiny import Tiny


@pytest.mark.parametrize(
    ("texts", "n", "expected"),
    [
        (["a b c", "a b"], 1, 3 / 5),
        (["a b c", "a b"], 2, 2 / 3),
        (["red red red"], 1, 1 / 3),
        (["红烧肉", "红烧"], 1, 3 / 5),
        (["one"], 1, 1.0),
    ],
)
def test_div_n_is_distinct_over_all_n_grams(texts: list[str], n: int, expected: float) -> None:
    assert diversity(texts, n) == pytest.approx(expected)


@pytest.mark.parametrize("texts", [[], ["one"], ["", "!"]])
def test_div_2_of_nothing_is_nothing(texts: list[str]) -> None:
    assert math.isnan(diversity(texts, 2))


def test_the_counts_of_the_small_dataset(tiny: Tiny) -> None:
    statistics = compute_statistics(read_dataset(tiny.folder))
    assert statistics["videos"] == {"train": 4, "val": 2, "test": 6, "all": 12}
    assert statistics["queries"] == {"train": 4, "val": 2, "test": 5, "all": 9}
    assert statistics["pairs"] == {"train": 4, "val": 2, "test": 7, "all": 13}
    assert statistics["queries per video"]["test"] == pytest.approx(7 / 6)
    assert statistics["relevant videos per query"]["test"] == pytest.approx(7 / 5)  # only those in the split
    assert statistics["relevant videos per query"]["all"] == pytest.approx(13 / 9)
    assert statistics["without transcript (%)"]["test"] == pytest.approx(100 / 6)
    assert statistics["without features (%)"]["test"] == pytest.approx(200 / 6)  # no features, or no frames
    assert statistics["without queries (%)"]["test"] == pytest.approx(100 / 6)
    assert statistics["frames per video"]["test"] == pytest.approx((32 + 3 + 0 + 0 + 1 + 5) / 6)


def test_a_video_without_a_transcript_does_not_shorten_the_others(tiny: Tiny) -> None:
    statistics = compute_statistics(read_dataset(tiny.folder))
    assert statistics["tokens per transcript"]["test"] == pytest.approx((9 + 10 + 8 + 8 + 9) / 5)


def test_the_table_stands_beside_the_papers(tiny: Tiny, cli: Cli) -> None:
    table = statistics_table(read_dataset(tiny.folder), with_paper=True)
    assert table.columns[:2] == ["train", "train (QMV-Kwai)"]
    assert "QMV-Kwai" in cli("data", "stats", tiny.folder, "--paper").out
    outcome = cli("data", "stats", tiny.folder)
    assert outcome.status == 0
    assert "QMV-Kwai" not in outcome.out
    assert "| Measure | train | val | test | all |" in outcome.out
    assert "Signature: data: tiny:" in outcome.out
    for form, word in (("csv", "Measure,train"), ("latex", r"\begin{tabular}"), ("html", "<table")):
        assert word in cli("data", "stats", tiny.folder, "--format", form).out


def test_a_dataset_without_features_or_validation_has_statistics(tiny: Tiny, cli: Cli) -> None:
    shutil.rmtree(tiny.folder / "features")
    for number in (5, 6):
        tiny.edit("videos.jsonl", number, split="train")
    outcome = cli("data", "stats", tiny.folder)
    assert outcome.status == 0
    assert "nan" not in outcome.out


def test_unknown_features_are_named_with_the_known_ones(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("data", "stats", tiny.folder, "--features", "tiny4")
    assert outcome.status == 2
    assert "Did you mean tiny-4?" in outcome.error()
