"""The figures that the paper reports of its datasets hold for the synthetic ones."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.data.synthetic import parts
from bench.data.synthetic.options import SynthOptions
from bench.text import cjk_share
from tests.data.synthetic.made import Made, make, mentions


def test_a_transcript_mentions_many_entities_and_a_query_few(made: Made) -> None:
    language = made.about["language"]
    in_transcripts = [len(mentions(language, v["transcript"])) for v in made.videos if v["transcript"]]
    in_queries = [len(mentions(language, made.queries[query])) for query, _, _ in made.qrels]
    assert np.mean(in_transcripts) == pytest.approx(19.2, abs=1)
    assert np.mean(in_queries) == pytest.approx(2, abs=0.4)


def test_lengths_are_those_of_the_paper(english: Made, chinese: Made) -> None:
    assert np.mean([len(v["transcript"].split()) for v in english.videos]) == pytest.approx(183, abs=10)
    assert np.mean([len(v["transcript"]) for v in chinese.videos]) == pytest.approx(183, abs=10)
    assert 3 <= np.mean([len(text.split()) for text in english.queries.values()]) <= 5
    assert np.mean([len(text) for text in chinese.queries.values()]) == pytest.approx(7.5, abs=1)
    assert max(len(text) for text in chinese.queries.values()) <= 20


def test_query_strings_recur_as_table_v_implies(made: Made) -> None:
    test = {video["id"] for video in made.videos if video["split"] == "test"}
    counts = Counter(query for query, video, _ in made.qrels if video in test)
    n = np.array(list(counts.values()), dtype=float)
    assert (n**2).sum() / n.sum() == pytest.approx(2, abs=0.3)  # one query drawn per test video
    assert 1.1 <= n.mean() <= 1.3  # all distinct queries
    assert n.max() <= 0.05 * len(test)


def test_queries_of_a_twin_recur_as_seldom_at_a_size_with_more_test_videos(tmp_path: Path) -> None:
    twin = make(tmp_path / "twin", like="qmv-kwai", language="zh", videos=7212)
    assert Counter(video["split"] for video in twin.videos) == {"train": 6012, "val": 600, "test": 600}
    test = {video["id"] for video in twin.videos if video["split"] == "test"}
    counts = Counter(query for query, video, _ in twin.qrels if video in test)
    n = np.array(list(counts.values()), dtype=float)
    assert (n**2).sum() / n.sum() == pytest.approx(2.09, abs=0.3)  # inferred from the paper's Table V


def test_parts_of_any_size_make_up_the_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    options = SynthOptions(videos=48, like="qmv-kwai")
    monkeypatch.setattr(parts, "_VIDEOS", 20)
    one = [part.lines for part in parts.draw_parts(options)]
    assert len(one) == 3
    assert "".join(one).count("\n") == 48


def test_every_video_has_at_least_five_queries(made: Made) -> None:
    per_video = Counter(video for _, video, _ in made.qrels)
    assert min(per_video.values()) >= 5
    assert np.mean(list(per_video.values())) == pytest.approx(8.54, abs=0.3)


def test_chinese_is_chinese(chinese: Made) -> None:
    assert all(cjk_share(video["transcript"]) == 1 for video in chinese.videos if video["transcript"])
    assert all(cjk_share(text) == 1 for text in chinese.queries.values())
    letters = "".join(video["transcript"] for video in chinese.videos)
    assert " " not in letters
    assert not any(unicodedata.category(letter).startswith("P") for letter in set(letters))


def test_english_has_no_chinese_and_no_punctuation(english: Made) -> None:
    letters = " ".join([video["transcript"] for video in english.videos] + list(english.queries.values()))
    assert set(letters) <= set("abcdefghijklmnopqrstuvwxyz' ")
