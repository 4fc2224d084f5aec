"""`bench summarize`: the summaries of a run, for any number of videos, continued after a kill."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.errors import BenchError, DataError, MissingError, UsageError
from bench.inference.growing_file import GrowingFile
from bench.store.json_files import read_json_lines
from bench.types import Video, VideoId
from tests.conftest import Cli
from tests.harness.commands import command
from tests.harness.engines.commands import SMALL
from tests.tiny import DIM, FEATURES, TEST_POOL, VIDEOS, Tiny, write_pictures

TEXTS = {video_id: text for video_id, text, _ in VIDEOS}


class Counted:
    """Writes the number of frames, pictures and words; fails at the video ``fails_at``."""

    label = "Counted"
    fails_at: VideoId | None = None
    blocks: list[list[VideoId]]

    def __init__(self) -> None:
        self.blocks = []

    def identity(self) -> Mapping[str, Any]:
        return {"version": 1}

    def coverage(self) -> Mapping[str, int]:
        return {"videos of the last block": len(self.blocks[-1])}

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        self.blocks.append([video.video_id for video in videos])
        if self.fails_at in self.blocks[-1]:
            raise RuntimeError("the lights went out")
        return {
            v.video_id: f"{len(v.frames)} frames {len(v.pictures)} pictures {len(v.transcript.split())} words"
            for v in videos
        }


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.inference.summarize.BLOCK", 5)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Return a file of twelve videos of which nothing but id and transcript is known."""
    path = tmp_path / "new.jsonl"
    lines = [json.dumps({"id": video_id, "transcript": text}) for video_id, text in TEXTS.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def written(path: Path) -> dict[VideoId, str]:
    return {line["video_id"]: line["summary"] for line in read_json_lines(path)}


@pytest.mark.parametrize("generator", ["lead", "tfidf", "bart-mm"])
def test_the_summaries_are_those_of_a_run(generator: str, tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    settings = [part for option in SMALL for part in ("--set", option)]
    assert cli(*command(tiny, tmp_path / "run", generator, *settings)).status == 0
    target = tmp_path / "all.jsonl"
    done = cli(
        "summarize", generator, "--data", tiny.folder, "--videos", tiny.folder, "--out", target, "--no-train",
        *settings,
    )  # fmt: skip
    assert done.status == 0, done.err
    assert list(written(target)) == [video_id for video_id, _, _ in VIDEOS]
    of_run = written(tmp_path / "run" / "summaries" / f"{generator}.jsonl")
    assert {video_id: written(target)[video_id] for video_id in TEST_POOL} == of_run
    assert "12 summaries" in done.out
    assert str(target) in done.out


def test_a_run_reads_the_summaries_and_what_they_took(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    videos = tmp_path / "pool.jsonl"
    lines = (tiny.folder / "videos.jsonl").read_text(encoding="utf-8").splitlines()
    videos.write_text("\n".join(line for line in lines if '"test"' in line), encoding="utf-8")
    result = bench.summarize("tfidf", videos, tmp_path / "tfidf.jsonl", data=tiny.folder)
    assert (result.label, result.progress.videos, result.continued) == ("TF-IDF", len(TEST_POOL), 0)
    assert cli(*command(tiny, tmp_path / "run", f"file:{result.path}")).status == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["labels"]["tfidf"] == "TF-IDF"


def test_frames_and_pictures_are_found_by_id(tiny: Tiny, tmp_path: Path) -> None:
    write_pictures(tiny.folder, {"v2": 2})
    result = bench.summarize(Counted(), tiny.folder, tmp_path / "s.jsonl", data=tiny.folder)
    of = written(tmp_path / "s.jsonl")
    assert of["v2"] == "3 frames 2 pictures 10 words"
    assert of["v10"] == "32 frames 0 pictures 9 words"  # of 40
    assert of["v100"] == "0 frames 0 pictures 8 words"
    assert result.progress.coverage["without frames"] == 2


def test_after_a_kill_the_same_call_continues_to_the_same_bytes(
    new: Path, tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, target = tmp_path / "whole.jsonl", tmp_path / "made.jsonl"
    bench.summarize(Counted(), new, whole, data=tiny.folder)
    system = Counted()
    system.fails_at = "v3"  # in the third block
    with pytest.raises(BenchError, match="'Counted' failed: RuntimeError: the lights went out"):
        bench.summarize(system, new, target, data=tiny.folder)
    assert not target.exists()
    part = tmp_path / "made.jsonl.part"
    part.write_bytes(part.read_bytes() + b'{"video_id": "half')  # what a kill may leave behind the last block
    system.fails_at, system.blocks = None, []
    result = bench.summarize(system, new, target, data=tiny.folder)
    assert [len(block) for block in system.blocks] == [2]
    assert (result.continued, result.progress.videos) == (10, 12)
    assert result.progress.coverage == {"videos of the last block": 12, "without transcript": 1}
    assert target.read_bytes() == whole.read_bytes()
    assert "10 of them from an earlier call" in result.to_text()
    assert sorted(path.name for path in tmp_path.glob("made*")) == ["made.jsonl", "made.record.json"]


def interrupted(new: Path, tiny: Tiny, target: Path) -> Counted:
    system = Counted()
    system.fails_at = "v3"
    with pytest.raises(BenchError):
        bench.summarize(system, new, target, data=tiny.folder)
    system.fails_at, system.blocks = None, []
    return system


@pytest.mark.parametrize("damage", ["videos", "note", "state", "shorter", "a byte", "options"])
def test_what_cannot_be_continued_is_begun_again(
    damage: str, new: Path, tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, options = tmp_path / "made.jsonl", {}
    system = interrupted(new, tiny, target)
    if damage == "videos":
        new.write_text(new.read_text(encoding="utf-8").replace("apple", "pear"), encoding="utf-8")
    elif damage == "note":
        (tmp_path / "made.jsonl.part.json").write_text('{"identity": 3')
    elif damage == "state":
        note = tmp_path / "made.jsonl.part.json"
        note.write_text(note.read_text().replace('"videos": 10', '"videos": 12'))
    elif damage == "a byte":
        part = tmp_path / "made.jsonl.part"
        part.write_bytes(part.read_bytes().replace(b"frames", b"flames", 1))
    elif damage == "shorter":
        (tmp_path / "made.jsonl.part").write_bytes(b"")
    else:
        options = {"seed": 1}
    bench.summarize(system, new, target, data=tiny.folder, **options)
    assert [len(block) for block in system.blocks] == [5, 5, 2]
    assert "beginning again" in capsys.readouterr().err
    assert len(written(target)) == len(TEXTS)


@pytest.mark.parametrize(("video_id", "blocks"), [("v2", [5, 5, 2]), ("v11", [2])])
def test_pictures_that_changed_are_looked_at_again(
    video_id: VideoId, blocks: list[int], tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tiny.folder, {"v2": 2, "v11": 1})
    target = tmp_path / "made.jsonl"
    system = interrupted(tiny.folder, tiny, target)
    picture = tiny.folder / "frames" / video_id / "0.jpg"
    before = picture.stat()
    picture.write_bytes(picture.read_bytes()[:-1] + b"\0")
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    bench.summarize(system, tiny.folder, target, data=tiny.folder)
    assert [len(block) for block in system.blocks] == blocks, "those of a later block are not written yet"
    assert ("is of other pictures; beginning again" in capsys.readouterr().err) == (len(blocks) > 1)
    assert list(written(target)) == [video_id for video_id, _, _ in VIDEOS]


def test_videos_that_change_in_the_middle_are_named(new: Path, tiny: Tiny, tmp_path: Path) -> None:
    class Changing(Counted):
        def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
            with new.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"id": f"later-{len(self.blocks)}", "transcript": ""}) + "\n")
            return super().summarize(videos)

    target = tmp_path / "made.jsonl"
    with pytest.raises(
        DataError, match=r"new\.jsonl was changed while it was in use\. Run the command again"
    ):
        bench.summarize(Changing(), new, target, data=tiny.folder)
    assert not target.exists()
    bench.summarize(Counted(), new, target, data=tiny.folder)
    assert list(written(target))[len(TEXTS) - 1 : len(TEXTS) + 1] == [list(TEXTS)[-1], "later-0"]


def test_two_processes_do_not_write_one_file(new: Path, tiny: Tiny, tmp_path: Path) -> None:
    target = tmp_path / "made.jsonl"
    with (
        GrowingFile(target, "another process"),
        pytest.raises(UsageError, match="another process writes"),
    ):
        bench.summarize("lead", new, target, data=tiny.folder)


def test_a_file_that_cannot_be_continued_is_not_kept_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise PermissionError

    failed = GrowingFile(tmp_path / "made.jsonl", "x")
    with monkeypatch.context() as patch:
        patch.setattr("bench.inference.growing_file.remove_unfinished", fail)
        with pytest.raises(PermissionError):
            failed.__enter__()
    with GrowingFile(tmp_path / "made.jsonl", "x"):
        pass


def test_an_older_file_stays_until_the_new_one_is_whole(new: Path, tiny: Tiny, tmp_path: Path) -> None:
    target = tmp_path / "made.jsonl"
    target.write_text("mine")
    system = interrupted(new, tiny, target)
    assert target.read_text() == "mine"
    bench.summarize(system, new, target, data=tiny.folder)
    assert len(written(target)) == len(TEXTS)


def test_a_kill_between_a_file_and_its_record_leaves_no_record_of_another(
    new: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = GrowingFile.finish

    def killed(file: GrowingFile) -> None:
        finish(file)
        raise KeyboardInterrupt

    bench.summarize("lead", new, tmp_path / "s.jsonl", data=tiny.folder)
    assert (tmp_path / "s.record.json").exists()
    monkeypatch.setattr(GrowingFile, "finish", killed)
    with pytest.raises(KeyboardInterrupt):
        bench.summarize("transcript", new, tmp_path / "s.jsonl", data=tiny.folder)
    assert list(written(tmp_path / "s.jsonl").values()) == list(TEXTS.values())
    assert [path.name for path in tmp_path.glob("*s.*")] == ["s.jsonl"]


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        ("oracle", "'oracle' copies queries of the videos, and new videos have none"),
        ("all", "one generator writes one file; 9 were named: lead, "),
        ("lead,tfidf", "2 were named"),
        ("leed", "unknown generator 'leed'"),
        ("file:{new}", "has summaries of its own videos only"),
    ],
)
def test_a_generator_that_cannot_be_applied_is_refused(
    generator: str, message: str, new: Path, tiny: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        bench.summarize(generator.format(new=new), new, tmp_path / "s.jsonl", data=tiny.folder)


class FailsToFit(Counted):
    """Raises when it is fitted."""

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        raise ZeroDivisionError("no videos")

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...


def test_a_generator_that_fails_to_fit_is_named(new: Path, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="generator 'FailsToFit' failed: ZeroDivisionError: no videos"):
        bench.summarize(FailsToFit(), new, tmp_path / "s.jsonl", data=tiny.folder)
    assert not list(tmp_path.glob("s.jsonl*"))


def test_several_seeds_are_refused(new: Path, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one seed is needed"):
        bench.summarize("lead", new, tmp_path / "s.jsonl", data=tiny.folder, seed="0,1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "v1", "transcript": "again"}', r"new\.jsonl:13: the id 'v1' is already on line 1"),
        ('{"id": "v7"}', r"new\.jsonl:13: the field 'transcript' is missing"),
        ('{"id": "v 7", "transcript": ""}', r"new\.jsonl:13: the id 'v 7' is empty or holds white space"),
        ("[]", r"new\.jsonl:13: a JSON object is expected"),
        ("{", r"new\.jsonl:13: invalid JSON"),
    ],
)
def test_a_damaged_line_is_named_and_the_blocks_before_it_are_kept(
    line: str, message: str, new: Path, tiny: Tiny, tmp_path: Path
) -> None:
    with new.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(DataError, match=message):
        bench.summarize("lead", new, tmp_path / "s.jsonl", data=tiny.folder)
    assert len((tmp_path / "s.jsonl.part").read_bytes().splitlines()) == 10


def test_features_must_be_those_of_the_training_videos(tiny: Tiny, tmp_path: Path, new: Path) -> None:
    options: Mapping[str, Any] = {"data": tiny.folder, "set": SMALL}
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(new, bare / "videos.jsonl")
    with pytest.raises(DataError, match=rf"the features '{FEATURES}' are missing .* which BART \(MM\) reads"):
        bench.summarize("bart-mm", bare, tmp_path / "s.jsonl", **options)
    shutil.copytree(tiny.folder / "features", bare / "features")
    frames = np.load(bare / "features" / FEATURES / "frames.npy")
    np.save(bare / "features" / FEATURES / "frames.npy", np.hstack([frames, frames]))
    with pytest.raises(
        DataError, match=f"frames have {2 * DIM} numbers; the generator was fitted with {DIM}"
    ):
        bench.summarize("bart-mm", bare, tmp_path / "s.jsonl", **options)


def test_paths_that_cannot_be_used_are_refused_before_the_work(
    new: Path, tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    with pytest.raises(UsageError, match="is the file of videos"):
        bench.summarize("lead", new, new, data=tiny.folder)
    with pytest.raises(MissingError, match="there is no such file; --videos names"):
        bench.summarize("lead", tmp_path / "nothing", tmp_path / "s.jsonl", data=tiny.folder)
    (tmp_path / "folder").mkdir()
    (tmp_path / "s.jsonl.part").symlink_to(new)
    for target in (tmp_path / "folder", tmp_path / "s.jsonl", Path("/dev/null")):
        refused = cli("summarize", "lead", "--data", tiny.folder, "--videos", new, "--out", target)
        assert (refused.status, "is not a regular file" in refused.error()) == (2, True)
    assert len(read_json_lines(new)) == len(TEXTS)


@pytest.mark.parametrize(
    ("videos", "out", "message"),
    [
        ("new.jsonl", "", "names no file"),
        ("new.jsonl", ".", "names no file"),
        ("s.record.json", "s.jsonl", "s.record.json is the file of videos"),
        ("s.jsonl.part", "s.jsonl", "s.jsonl.part is the file of videos"),
        ("s.jsonl.part.json", "s.jsonl", "s.jsonl.part.json is the file of videos"),
        ("tiny", "tiny/queries.jsonl", "is a file of a dataset that is read"),
        ("new.jsonl", "tiny/videos.jsonl", "is a file of a dataset that is read"),
        ("tiny", f"tiny/features/{FEATURES}/ids.txt", "is in tiny/features, which is read"),
        ("new.jsonl", "tiny/frames/v2/0.jpg", "is in tiny/frames, which is read"),
    ],
)
def test_no_file_that_is_read_is_written(
    videos: str, out: str, message: str, new: Path, tiny: Tiny, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.folder.parent)
    for path in (Path("new.jsonl"), *[Path(videos)] * ("s." in videos)):
        path.write_bytes(new.read_bytes())
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    data = tiny.folder.name
    refused = cli("summarize", "lead", "--data", data, f"--videos={videos}".replace("tiny", data),
                  f"--out={out}".replace("tiny/", f"{data}/"))  # fmt: skip
    assert (refused.status, message.replace("tiny/", f"{data}/") in refused.error()) == (2, True)
    after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert {path: after.get(path) for path in before} == before


@pytest.mark.parametrize("place", [None, 5, b"new.jsonl", ["new.jsonl"]])
def test_what_is_no_path_is_named(place: Any, new: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="videos: a path is expected, not"):
        bench.summarize("lead", place, tmp_path / "s.jsonl")
    with pytest.raises(UsageError, match="out: a path is expected, not"):
        bench.summarize("lead", new, place)


def test_summaries_may_be_put_beside_the_videos(tiny: Tiny, cli: Cli) -> None:
    for _ in range(2):
        done = cli("summarize", "lead", "--data", tiny.folder, "--videos", tiny.folder,
                   "--out", tiny.folder / "summaries.jsonl")  # fmt: skip
        assert done.status == 0, done.err


def test_no_videos_are_an_error_that_leaves_nothing(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(DataError, match="there is no video in it"):
        bench.summarize("lead", tmp_path / "none.jsonl", tmp_path / "s.jsonl", data=tiny.folder)
    assert list(tmp_path.glob("s.*")) == []


def test_standard_output_is_no_file_of_summaries(new: Path, tiny: Tiny, cli: Cli) -> None:
    refused = cli("summarize", "lead", "--data", tiny.folder, "--videos", new, "--out", "-")
    assert (refused.status, "a file is needed" in refused.error()) == (2, True)
