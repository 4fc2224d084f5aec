"""The synthetic datasets: repeatable, in the folder format, and marked as invented."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from bench.data.synthetic.frames import DIMENSION, LONGEST, SHORTEST, entity_vector
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.writer import FEATURES, synthesize
from bench.errors import UsageError
from bench.text import normalise
from tests.conftest import Cli
from tests.data.synthetic.made import Made, make, mentions

TEXTS = f"features/{FEATURES}/transcripts.npy"


def test_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    assert make(tmp_path / "one").bytes() == make(tmp_path / "two").bytes()


def test_another_seed_changes_every_file_but_the_ids(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one").bytes(), make(tmp_path / "two", seed=1).bytes()
    assert {name for name in one if one[name] == two[name]} == {f"features/{FEATURES}/ids.txt"}


def test_bytes_are_those_recorded_when_the_generator_was_written(tmp_path: Path) -> None:
    """Machines and numpy versions must agree; record new digests when what is drawn changes."""
    made = {language: make(tmp_path / language, language=language) for language in ("en", "zh")}
    assert {language: tree_digest(one) for language, one in made.items()} == RECORDED
    vectors = {language: sha256(one.bytes()[TEXTS]).hexdigest()[:16] for language, one in made.items()}
    assert vectors == RECORDED_TEXTS


def test_a_knob_of_the_speech_leaves_pictures_and_queries_alone(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one").bytes(), make(tmp_path / "two", silent_keys=0.5).bytes()
    assert {name for name in one if one[name] != two[name]} == {"videos.jsonl", "dataset.json", TEXTS}


def test_a_size_that_no_disk_holds_is_refused_before_work(tmp_path: Path, cli: Cli) -> None:
    outcome = cli("data", "synth", "--videos", 10**20, "--out", tmp_path / "huge")
    assert outcome.status == 2
    assert "10000000" in outcome.error()
    assert not (tmp_path / "huge").exists()


def test_a_dataset_that_does_not_fit_on_the_disk_is_refused_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        UsageError, match=r"1,000,000 videos need about 4,800\.0 MB of disk, and 1\.0 MB are free"
    ):
        synthesize(tmp_path / "big", SynthOptions(videos=1_000_000))
    assert not (tmp_path / "big").exists()


def test_dataset_says_what_it_is(made: Made) -> None:
    assert made.about["synthetic"] is True
    assert made.about["source"].startswith("synthetic")
    assert all(
        isinstance(made.about[key], str) and made.about[key] for key in ("name", "language", "version")
    )
    assert SynthOptions(**made.about["options"]) == SynthOptions(language=made.about["language"])


def test_nothing_claims_to_be_real(made: Made) -> None:
    assert not re.search(r"\breal\b", json.dumps(made.about).replace("no real video", ""))
    assert FEATURES.startswith("synthetic")


def test_every_line_of_the_folder_obeys_the_contract(made: Made) -> None:
    videos = [video["id"] for video in made.videos]
    assert len(set(videos)) == len(videos)
    assert all(isinstance(video["transcript"], str) for video in made.videos)
    assert Counter(video["split"] for video in made.videos) == {"train": 800, "val": 100, "test": 300}
    assert len(made.queries) == len(made.lines("queries.jsonl"))
    assert all(re.fullmatch(r"[!-~]+", name) for name in [*videos, *made.queries])
    assert len(set(made.qrels)) == len(made.qrels)
    assert {query for query, _, _ in made.qrels} == set(made.queries)
    assert {video for _, video, _ in made.qrels} == set(videos)
    assert {relevance for _, _, relevance in made.qrels} == {"1"}


def test_one_string_is_one_query(made: Made) -> None:
    texts = list(made.queries.values())
    assert len({normalise(text) for text in texts}) == len(texts)
    assert all(text == normalise(text) for text in texts)


def test_features_fit_and_are_finite(made: Made) -> None:
    assert made.ids == [video["id"] for video in made.videos]
    assert made.frames.dtype == np.float16
    assert made.frames.shape == (made.offsets[-1], DIMENSION)
    assert made.offsets.dtype == np.int64
    assert made.offsets[0] == 0
    assert np.isfinite(made.frames).all()
    lengths = np.diff(made.offsets)
    assert set(lengths) <= {0, *range(SHORTEST, LONGEST + 1)}
    assert (lengths > 32).any(), "some videos must exceed the 32 frames that a generator sees"


def test_a_transcript_has_a_vector_unless_it_is_empty(made: Made) -> None:
    assert made.texts.dtype == np.float16
    assert made.texts.shape == (len(made.ids), DIMENSION)
    lengths = np.linalg.norm(made.texts.astype(float), axis=1)
    spoken = np.array([video["transcript"] != "" for video in made.videos])
    assert lengths[spoken] == pytest.approx(1, abs=2e-3)
    assert not lengths[~spoken].any()


def test_a_transcripts_vector_is_the_mean_of_what_it_mentions(made: Made) -> None:
    for video, vector in zip(made.videos[:50], made.texts[:50], strict=True):
        if heard := mentions(made.about["language"], video["transcript"]):
            mean = np.mean([entity_vector(entity) for entity in heard], axis=0)
            assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-3)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="not an empty folder"):
        synthesize(tmp_path, SynthOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("videos", [12, 13, 1201])
def test_any_size_has_every_split(tmp_path: Path, videos: int) -> None:
    made = make(tmp_path / "made", videos=videos)
    assert len(made.videos) == videos
    assert {video["split"] for video in made.videos} == {"train", "val", "test"}


def tree_digest(made: Made) -> str:
    from bench.store.digests import digest

    return digest({name: content.hex() for name, content in made.bytes().items() if name != TEXTS})[:16]


RECORDED = {"en": "c8fb48a4d9284428", "zh": "19fce5346134af6a"}


RECORDED_TEXTS = {"en": "1b408f8788b5f42f", "zh": "a0e3040a52921a95"}
