"""Pictures of a dataset: found by id and number, part of its digest, read when they are asked for."""

from __future__ import annotations

import shutil

import pytest

from bench.data.options import DataOptions
from bench.data.reader import read_dataset
from bench.data.validation import validate
from bench.errors import DataError
from bench.store.digests import videos_digest
from bench.types import Picture
from tests.tiny import TEST_POOL, VIDEOS, Tiny, write_pictures


def pictures(tiny: Tiny, limit: int = 32) -> dict[str, tuple[Picture, ...]]:
    videos = read_dataset(tiny.folder, options=DataOptions(max_frames=limit)).videos("test", references=False)
    return {video.video_id: video.pictures for video in videos}


def test_the_pictures_of_a_video_are_in_the_order_of_their_numbers(tiny: Tiny) -> None:
    write_pictures(tiny.folder, {"v2": 11, "v9": 1})
    found = pictures(tiny)
    assert [picture.path.name for picture in found["v2"]] == [f"{number}.jpg" for number in range(11)]
    assert found["v9"][0].read() == (tiny.folder / "frames" / "v9" / "0.jpg").read_bytes()
    assert {video_id for video_id, of in found.items() if of} == {"v2", "v9"}
    assert [picture.path.name for picture in pictures(tiny, 3)["v2"]] == ["0.jpg", "5.jpg", "10.jpg"]


def test_pictures_are_part_of_the_digests_and_a_dataset_without_them_stays_the_same(tiny: Tiny) -> None:
    without = read_dataset(tiny.folder)
    seen = videos_digest(without.videos("test", references=False))
    write_pictures(tiny.folder, {"v2": 2})
    one = read_dataset(tiny.folder)
    assert one.digest != without.digest
    assert videos_digest(one.videos("test", references=False)) != seen
    shutil.copy(tiny.folder / "frames" / "v2" / "0.jpg", tiny.folder / "frames" / "v2" / "1.jpg")
    assert read_dataset(tiny.folder).digest not in (one.digest, without.digest)
    shutil.rmtree(tiny.folder / "frames")
    (tiny.folder / "frames").mkdir()
    (tiny.folder / "frames" / "notes.txt").write_text("mine")
    assert read_dataset(tiny.folder).digest == without.digest


def test_a_file_that_is_no_jpeg_is_a_problem(tiny: Tiny) -> None:
    write_pictures(tiny.folder, {"v2": 2})
    (tiny.folder / "frames" / "v2" / "1.jpg").write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match=r"v2/1\.jpg: not a JPEG picture"):
        read_dataset(tiny.folder)


def test_a_picture_that_changes_while_it_is_in_use_is_refused(tiny: Tiny) -> None:
    write_pictures(tiny.folder, {"v2": 1})
    (picture,) = pictures(tiny)["v2"]
    picture.path.write_bytes(picture.read() + b" ")
    with pytest.raises(DataError, match=r"0\.jpg was changed or removed"):
        picture.read()
    picture.path.unlink()
    with pytest.raises(DataError, match=r"0\.jpg was changed or removed"):
        picture.read()


def test_missing_pictures_and_those_of_nobody_are_warnings(tiny: Tiny) -> None:
    assert not any("picture" in text for text in validate(tiny.folder).warnings)
    write_pictures(tiny.folder, {TEST_POOL[0]: 1, "nobody": 1, "no one": 1})
    warnings = validate(tiny.folder).warnings
    assert f"{len(VIDEOS) - 1} of {len(VIDEOS)} videos have no pictures." in warnings
    assert any("frames holds folders of 2 videos that are not in videos.jsonl" in text for text in warnings)
