"""Each option of a synthetic dataset makes it harder or easier in the way it promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.reader import read_dataset
from bench.data.statistics import compute_statistics
from bench.data.synthetic.frames import entity_vector
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.vocabulary import read_vocabulary
from bench.errors import UsageError
from tests.data.synthetic.made import Made, make, mentions


@pytest.mark.parametrize("language", ["en", "zh"])
def test_off_topic_speech_names_no_key_entity(tmp_path: Path, language: str) -> None:
    made = make(tmp_path / "made", language=language, off_topic_speech=1, off_topic_picture=0)
    for video in made.videos:
        assert not set(video["key_entities"]) & set(mentions(language, video["transcript"]))
        assert video["picture_on_topic"]


def test_speech_on_topic_names_most_key_entities(tmp_path: Path) -> None:
    made = make(tmp_path / "made", off_topic_speech=0, silent_keys=0, no_transcript=0)
    assert all(set(v["key_entities"]) <= set(mentions("en", v["transcript"])) for v in made.videos)


def test_silent_keys_are_never_spoken_of(tmp_path: Path) -> None:
    made = make(tmp_path / "made", off_topic_speech=0, silent_keys=1)
    assert not any(set(v["key_entities"]) & set(mentions("en", v["transcript"])) for v in made.videos)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_off_topic_speech_or_picture_shows_as_a_lower_similarity(tmp_path: Path, language: str) -> None:
    def similarity(name: str, **knobs: float) -> float:
        off = {"off_topic_speech": 0, "off_topic_picture": 0, **knobs}
        make(tmp_path / name, language=language, **off)
        return compute_statistics(read_dataset(tmp_path / name))["text-visual similarity"]["all"]

    together = similarity("together")
    assert together > 0.3
    assert abs(similarity("speech", off_topic_speech=1)) < 0.05
    assert abs(similarity("picture", off_topic_picture=1)) < 0.05
    assert 0.05 < similarity("half", off_topic_speech=0.5) < together - 0.05


def test_speech_and_picture_are_never_both_off_topic(tmp_path: Path) -> None:
    made = make(tmp_path / "made", off_topic_speech=0.5, off_topic_picture=0.5)
    assert all(video["speech_on_topic"] != video["picture_on_topic"] for video in made.videos)


def decoded(made: Made) -> float:
    """Return how often the entity nearest to a video's mean frame is one of its key entities."""
    names = read_vocabulary(made.about["language"]).entities
    vectors = np.stack([entity_vector(name) for name in names])
    seen = np.stack([made.frames_of(row).mean(axis=0) for row in range(len(made.videos))])
    nearest = (seen @ vectors.T).argmax(axis=1)
    pairs = zip(nearest, made.videos, strict=True)
    return float(np.mean([names[place] in video["key_entities"] for place, video in pairs]))


def test_frames_show_the_key_entities_when_the_picture_is_on_topic(tmp_path: Path) -> None:
    assert decoded(make(tmp_path / "made", off_topic_picture=0, no_features=0)) > 0.8


def test_frames_tell_nothing_of_the_key_entities_when_it_is_not(tmp_path: Path) -> None:
    chance = 3 / len(read_vocabulary("en").entities)
    made = make(tmp_path / "made", off_topic_speech=0, off_topic_picture=1, no_features=0)
    assert decoded(made) < chance + 0.02


def test_brief_key_entities_are_harder_to_see(tmp_path: Path) -> None:
    knobs = {"off_topic_picture": 0, "no_features": 0}
    long = make(tmp_path / "long", brief_keys=0, **knobs)
    brief = make(tmp_path / "brief", brief_keys=1, **knobs)
    assert decoded(brief) < 0.6 < 0.9 < decoded(long)


def test_noise_hides_the_picture(tmp_path: Path) -> None:
    knobs = {"off_topic_picture": 0, "no_features": 0}
    assert decoded(make(tmp_path / "loud", frame_noise=20, **knobs)) < 0.5
    clean = make(tmp_path / "clean", frame_noise=0, **knobs)
    assert np.linalg.norm(clean.frames.astype(float), axis=1) == pytest.approx(1, abs=2e-3)


def kinds(made: Made) -> Counter[str]:
    """Sort each pair of query and video by how many of its entities are the video's."""
    keys = {video["id"]: set(video["key_entities"]) for video in made.videos}
    counts: Counter[str] = Counter()
    for query, video, _ in made.qrels:
        named = mentions("en", made.queries[query])
        wrong = any(entity not in keys[video] for entity in named)
        counts["wrong" if wrong else f"{len(named)} right"] += 1
    return counts


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("specific", {"1 right", "2 right", "3 right"}),
        ("partial", {"1 right"}),
        ("generic", {"0 right"}),
        ("wrong", {"wrong"}),
    ],
)
def test_a_share_of_one_gives_that_kind_of_query_only(tmp_path: Path, kind: str, expected: set[str]) -> None:
    shares = dict.fromkeys(("specific", "partial", "generic", "wrong"), 0.0)
    assert set(kinds(make(tmp_path / "made", **{**shares, kind: 1.0}))) == expected


@pytest.mark.parametrize(("kind", "absent"), [("wrong", "wrong"), ("generic", "0 right")])
def test_a_share_of_zero_gives_none_of_that_kind(tmp_path: Path, kind: str, absent: str) -> None:
    default = SynthOptions()
    shares = {kind: 0.0, "specific": default.specific + getattr(default, kind)}
    assert absent not in kinds(make(tmp_path / "made", **shares))


def test_query_entities_sets_how_many_a_query_names(tmp_path: Path) -> None:
    shares = {"specific": 1.0, "partial": 0.0, "generic": 0.0, "wrong": 0.0}
    assert set(kinds(make(tmp_path / "one", query_entities=1, **shares))) == {"1 right"}
    assert kinds(make(tmp_path / "three", query_entities=3, **shares)).most_common(1)[0][0] == "3 right"


def test_transcript_entities_and_distractors_set_how_many_are_mentioned(tmp_path: Path) -> None:
    few = make(tmp_path / "few", transcript_entities=10, distractors=2, no_transcript=0)
    many = make(tmp_path / "many", transcript_entities=40, distractors=30, no_transcript=0)
    heard = [[mentions("en", v["transcript"]) for v in made.videos] for made in (few, many)]
    assert np.mean([len(m) for m in heard[1]]) == pytest.approx(40, abs=3)
    assert np.mean([len(set(m)) for m in heard[0]]) < 5 < 15 < np.mean([len(set(m)) for m in heard[1]])


def test_usual_pairs_make_specific_queries_recur(tmp_path: Path) -> None:
    shares = {"specific": 1.0, "partial": 0.0, "generic": 0.0, "wrong": 0.0}
    never, always = (make(tmp_path / str(share), usual_pairs=share, **shares) for share in (0, 1))
    assert len(always.queries) < 0.95 * len(never.queries)


@pytest.mark.parametrize("share", [0, 1])
def test_missing_transcripts_and_features_follow_their_shares(tmp_path: Path, share: int) -> None:
    made = make(tmp_path / "made", no_transcript=share, no_features=share)
    assert {video["transcript"] == "" for video in made.videos} == {bool(share)}
    assert set(np.diff(made.offsets) == 0) == {bool(share)}


def test_a_few_transcripts_and_features_are_missing_by_default(made: Made) -> None:
    assert 0.005 < np.mean([video["transcript"] == "" for video in made.videos]) < 0.035
    assert 0.001 < np.mean(np.diff(made.offsets) == 0) < 0.03


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"videos": 11}, "videos=11 is not allowed"),
        ({"language": "fr"}, "language='fr' is not allowed"),
        ({"seed": -1}, "seed=-1 is not allowed"),
        ({"name": " "}, "name=' ' is not allowed"),
        ({"wrong": 0.2}, r"specific \+ partial \+ generic \+ wrong=1.1"),
        (
            {"off_topic_speech": 0.6, "off_topic_picture": 0.6},
            r"off_topic_speech \+ off_topic_picture=1.2",
        ),
        ({"brief_keys": 1.5}, "brief_keys=1.5 is not allowed"),
        ({"frame_noise": float("nan")}, "frame_noise=nan is not allowed"),
        ({"query_entities": 4}, "query_entities=4 is not allowed"),
        ({"transcript_entities": 0}, "transcript_entities=0 is not allowed"),
        ({"distractors": 0}, "distractors=0 is not allowed"),
    ],
)
def test_a_wrong_value_is_named(knobs: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        SynthOptions(**knobs)


@pytest.mark.parametrize("name", [f.name for f in fields(SynthOptions) if isinstance(f.default, float)])
def test_no_knob_may_be_negative(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=-0.1 is not allowed"):
        SynthOptions(**{name: -0.1})
