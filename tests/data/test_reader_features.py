"""Frames and vectors of transcripts: how they are selected, mapped and cut to a number."""

from __future__ import annotations

import os
import shutil
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from bench.data.options import DataOptions
from bench.data.reader import read_dataset
from bench.data.validation import validate
from bench.errors import UsageError
from bench.store.digests import videos_digest
from tests.conftest import Cli
from tests.tiny import DIM, LENGTHS, VIDEOS, Tiny, write_features, write_transcript_vectors


@pytest.mark.parametrize("name", [".ipynb_checkpoints", ".DS_Store", "__MACOSX"])
def test_what_systems_leave_behind_is_no_feature(tiny: Tiny, name: str) -> None:
    write_features(tiny.folder / "features" / name, LENGTHS)
    assert read_dataset(tiny.folder).feature_names == ["tiny-4"]
    assert not any(name in text for text in validate(tiny.folder).warnings)


def test_a_folder_without_any_of_the_files_is_no_feature_and_a_warning(tiny: Tiny) -> None:
    (tiny.folder / "features" / "notes").mkdir()
    (tiny.folder / "features" / "notes" / "about.txt").write_text("clip")
    assert read_dataset(tiny.folder).feature_names == ["tiny-4"]
    assert any("notes holds none of" in text for text in validate(tiny.folder).warnings)


def test_a_folder_of_features_whose_name_is_not_utf8_is_refused(tiny: Tiny, cli: Cli) -> None:
    features = tiny.folder / "features"
    (features / "tiny-4").rename(features / os.fsdecode(b"\xff"))
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25")
    assert outcome.status == 3
    assert "not UTF-8" in outcome.error()


def test_more_than_32_frames_are_taken_uniformly(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder)
    assert dataset.features is not None
    start = sum(LENGTHS[v] for v in list(LENGTHS)[: list(LENGTHS).index("v10")])
    places = dataset.features.of("v10", 32)[:, 0].astype(int) - start
    assert len(places) == 32
    assert (places[0], places[-1]) == (0, LENGTHS["v10"] - 1)
    assert set(np.diff(places)) <= {1, 2}


def is_mapped(array: npt.NDArray[Any] | None) -> bool:
    """Check whether an array is a view of a file that is mapped to memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False


def test_few_frames_are_taken_whole_and_a_video_may_have_none(tiny: Tiny) -> None:
    frames = {
        video.video_id: video.frames for video in read_dataset(tiny.folder).videos("test", references=False)
    }
    assert [len(frames[video]) for video in ("v2", "v9", "v100", "v11", "v3")] == [3, 0, 0, 1, 5]
    assert is_mapped(frames["v2"])
    assert frames["v2"].dtype == np.float16


@pytest.mark.parametrize("most", [1, 5, 100])
def test_the_number_of_frames_is_an_option(tiny: Tiny, most: int) -> None:
    dataset = read_dataset(tiny.folder, options=DataOptions(max_frames=most))
    video = next(v for v in dataset.videos("test", references=False) if v.video_id == "v10")
    assert len(video.frames) == min(most, LENGTHS["v10"])


def test_no_frames_at_all_is_refused_as_an_option(cli: Cli, tiny: Tiny) -> None:
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--set", "data.max_frames=-1")
    assert outcome.status == 2
    assert "data.max_frames" in outcome.error()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_either_order_and_type_gives_the_same_numbers(
    tiny: Tiny, order: Literal["C", "F"], dtype: type[np.floating[Any]]
) -> None:
    array = np.load(tiny.feature("frames.npy"))
    np.save(tiny.feature("frames.npy"), np.asarray(array, dtype=dtype, order=order))
    features = read_dataset(tiny.folder).features
    assert features is not None
    assert features.frames.dtype == dtype
    assert np.array_equal(features.of("v3", 32), array[-LENGTHS["v3"] :])


def test_features_without_a_single_frame_are_read(tiny: Tiny) -> None:
    shutil.rmtree(tiny.folder / "features")
    write_features(tiny.folder / "features" / "empty", dict.fromkeys(LENGTHS, 0))
    dataset = read_dataset(tiny.folder)
    assert {video.frames.shape for video in dataset.videos("test", references=False)} == {(0, DIM)}


def test_features_without_a_single_video_are_read(tiny: Tiny) -> None:
    write_features(tiny.folder / "features" / "a-none", {})
    assert len(read_dataset(tiny.folder, features="a-none").videos("train", references=True)[0].frames) == 0


def test_a_dataset_without_features_is_read(tiny: Tiny) -> None:
    shutil.rmtree(tiny.folder / "features")
    dataset = read_dataset(tiny.folder)
    assert dataset.features is None
    assert all(len(video.frames) == 0 for video in dataset.videos("test", references=False))


def test_features_are_chosen_by_name_and_the_first_is_the_default(tiny: Tiny) -> None:
    write_features(tiny.folder / "features" / "wide", LENGTHS, np.float32, 9)
    assert read_dataset(tiny.folder).feature_names == ["tiny-4", "wide"]
    wide = read_dataset(tiny.folder, features="wide")
    assert wide.videos("test", references=False)[0].frames.shape == (32, 9)
    assert wide.digest != read_dataset(tiny.folder).digest
    with pytest.raises(UsageError, match="Did you mean wide"):
        read_dataset(tiny.folder, features="wid")


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_vectors_of_transcripts_are_memory_mapped_and_zeros_are_none(
    tiny: Tiny, dtype: type[np.floating[Any]]
) -> None:
    write_transcript_vectors(tiny.feature(""), {"v3": [0, 0, 2, 0]}, dtype)
    features = read_dataset(tiny.folder).features
    assert features is not None
    assert is_mapped(features.transcripts)
    vectors = {video: features.transcript(video) for video, _, _ in VIDEOS}  # v100 is not among the features
    assert {video for video, vector in vectors.items() if vector is not None} == {"v3"}
    assert vectors["v3"] is not None
    assert vectors["v3"].tolist() == [0, 0, 2, 0]


def test_vectors_of_transcripts_change_no_digest_and_nothing_that_a_generator_sees(tiny: Tiny) -> None:
    before = read_dataset(tiny.folder)
    write_transcript_vectors(tiny.feature(""), {"v3": [0, 0, 2, 0]})
    after = read_dataset(tiny.folder)
    assert after.digest == before.digest
    seen = {videos_digest(dataset.videos("test", references=True)) for dataset in (before, after)}
    assert len(seen) == 1
