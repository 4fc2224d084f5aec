"""Raw videos to a dataset, with the real models; then odd and broken files, and each one's outcome."""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.reader import read_dataset
from bench.errors import DataError, UsageError
from bench.prepare.media.decoding import Pictures
from bench.prepare.media.encoders import encode_text, make_encoder
from bench.prepare.media.screen_text import ScreenReader
from bench.prepare.options import PrepareOptions
from bench.prepare.prepare import prepare
from bench.text import tokenize
from tests.conftest import ROOT, Cli
from tests.prepare.conftest import QUERIES, WORDS, Prepared
from tests.prepare.films import Film, recording, shade, title
from tests.prepare.media.test_models import save_clip


def word_errors(expected: list[str], heard: list[str]) -> int:
    """Count the words of ``expected`` that are not heard in this order (edits but for insertions)."""
    row = [0] * (len(heard) + 1)
    for word in expected:
        last, row = row, [row[0] + 1]
        for i, other in enumerate(heard):
            row.append(min(last[i] + (word != other), last[i + 1] + 1, row[i]))
    return row[-1]


def transcripts(dataset: Path) -> dict[str, str]:
    lines = (dataset / "videos.jsonl").read_text(encoding="utf-8").splitlines()
    return {video["file"]: video["transcript"] for video in map(json.loads, lines)}


def outcomes(dataset: Path) -> dict[str, dict[str, str]]:
    with (dataset / "files.csv").open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def test_recorded_speech_is_written_down(prepared: Prepared) -> None:
    heard = transcripts(prepared.dataset)
    errors = sum(word_errors(tokenize(words), tokenize(heard[name])) for name, words in WORDS.items())
    assert errors <= 0.15 * sum(len(tokenize(words)) for words in WORDS.values()), heard


def test_pictures_that_are_one_photograph_have_one_vector(prepared: Prepared) -> None:
    folder = prepared.dataset / "features" / "efficientnet-lite0"
    frames = np.load(folder / "frames.npy").astype(np.float32)
    offsets = np.load(folder / "offsets.npy")
    ids = (folder / "ids.txt").read_text().split()
    means = [frames[a:b].mean(axis=0) for a, b in itertools.pairwise(offsets)]  # [1280]
    vectors = {name: mean / np.linalg.norm(mean) for name, mean in zip(ids, means, strict=True)}
    assert frames.shape == (offsets[-1], 1280)
    assert vectors["best"] @ vectors["hope"] > 0.98, "a temple both"
    assert vectors["belief"] @ vectors["beckett"] > 0.98, "a flower both"
    assert vectors["best"] @ vectors["belief"] < 0.6


def test_the_dataset_is_valid_and_its_transcripts_are_found(
    prepared: Prepared, cli: Cli, tmp_path: Path
) -> None:
    checked = cli("data", "validate", prepared.dataset)
    assert (checked.status, "0 errors" in checked.out) == (0, True)
    run = cli(
        "run", "--data", prepared.dataset, "--generators", "lead,transcript", "--retrievers", "bm25",
        "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert run.status == 0, run.err
    scores = (tmp_path / "out" / "scores.csv").read_text()
    assert "transcript,bm25,Acc@1,1.0" in scores
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_same_inputs_give_the_same_bytes_in_processes_too(prepared: Prepared, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("best.mp4", "beckett.mp4", "queries.csv"):
        shutil.copy(prepared.videos / name, videos)
    prepare(
        videos, tmp_path / "again", PrepareOptions(jobs=2), store=tmp_path / "other store",
        queries=videos / "queries.csv", quiet=True,
    )  # fmt: skip
    heard = transcripts(prepared.dataset)
    assert transcripts(tmp_path / "again") == {name: heard[name] for name in ("best.mp4", "beckett.mp4")}
    features = [
        folder / "features" / "efficientnet-lite0" for folder in (prepared.dataset, tmp_path / "again")
    ]
    before, after = (np.load(folder / "frames.npy") for folder in features)
    offsets, ids = np.load(features[0] / "offsets.npy"), (features[0] / "ids.txt").read_text().split()
    records = [
        json.loads((out / "dataset.json").read_text()) for out in (prepared.dataset, tmp_path / "again")
    ]
    assert records[0]["options"] == records[1]["options"], "the number of jobs changes no byte"
    rows = [before[offsets[ids.index(name)] : offsets[ids.index(name) + 1]] for name in ("beckett", "best")]
    assert np.array_equal(np.concatenate(rows), after)


def test_videos_without_queries_are_prepared_and_summarized(
    prepared: Prepared, tmp_path: Path, cli: Cli
) -> None:
    made = cli(
        "data", "prepare", "--videos", prepared.videos, "--out", tmp_path / "new", "--store", prepared.store,
        "--jobs", "1", "--quiet",
    )  # fmt: skip
    assert made.status == 0, made.err
    assert "relevance: none; the videos are for bench summarize alone" in made.out
    done = cli("summarize", "tfidf", "--videos", tmp_path / "new", "--out", tmp_path / "s.jsonl", "--quiet")
    assert done.status == 0, done.err
    lines = map(json.loads, (tmp_path / "s.jsonl").read_text(encoding="utf-8").splitlines())
    summaries = {line["video_id"]: line["summary"] for line in lines}
    assert set(summaries) == {Path(name).stem for name in transcripts(prepared.dataset)}
    assert "again" in summaries["beckett"].split()
    both = ("--queries", prepared.videos / "queries.csv", "--log", prepared.videos / "queries.csv")
    assert cli("data", "prepare", "--videos", prepared.videos, "--out", tmp_path / "x", *both).status == 2


def test_what_is_finished_is_not_done_again(prepared: Prepared, tmp_path: Path) -> None:
    """The store has every video: a copy of one under another name is the same video."""
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(prepared.videos / "best.mp4", videos / "copy.mp4")
    (videos / "q.csv").write_text("query,video\nfox,copy\n")
    made = {path: path.stat().st_mtime_ns for path in prepared.store.glob("video-*/*/*")}
    prepare(
        videos,
        tmp_path / "out",
        PrepareOptions(jobs=1),
        store=prepared.store,
        queries=videos / "q.csv",
        quiet=True,
    )
    assert {path: path.stat().st_mtime_ns for path in prepared.store.glob("video-*/*/*")} == made


def test_subtitles_replace_recognition(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "best.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nwritten words\n")
    options = PrepareOptions(jobs=1, subtitles=tmp_path, speech="none")
    report = prepare(
        prepared.videos, tmp_path / "out", options, store=prepared.store,
        queries=prepared.videos / "queries.csv", quiet=True,
    )  # fmt: skip
    assert transcripts(tmp_path / "out") == dict.fromkeys(WORDS, "") | {"best.mp4": "written words"}
    assert "4 without transcript" in report.to_text()


def test_pictures_are_kept_small_spread_evenly_and_the_same(prepared: Prepared, tmp_path: Path) -> None:
    pictures = [shade(250 * i // 9, 640, 360) for i in range(9)]
    Film(pictures, length=9).write(tmp_path / "wide.mp4")
    Film(sound=recording("beckett.wav", 0, 2)).write(tmp_path / "talk.m4a")
    (tmp_path / "q.csv").write_text("query,video\nfox,wide\n")
    for out, jobs in (("out", 1), ("again", 2)):
        options = PrepareOptions(jobs=jobs, speech="none", keep_frames=3)
        report = prepare(
            tmp_path, tmp_path / out, options, store=tmp_path / f".store-{out}",
            queries=tmp_path / "q.csv", quiet=True,
        )  # fmt: skip
        assert "3 pictures kept" in report.to_text()
    kept = {path.relative_to(tmp_path / "out"): path for path in (tmp_path / "out" / "frames").rglob("*.jpg")}
    assert [path.as_posix() for path in sorted(kept)] == [f"frames/wide/{number}.jpg" for number in range(3)]
    assert all((tmp_path / "again" / name).read_bytes() == path.read_bytes() for name, path in kept.items())
    images = [Image.open(path) for _, path in sorted(kept.items())]
    assert {image.size for image in images} == {(384, 216)}
    shades = [np.asarray(image).mean() for image in images]
    assert np.allclose(shades, [250 * i // 9 for i in (1, 4, 6)], atol=6), "of eight frames"
    dataset = read_dataset(tmp_path / "out")
    read = {video.video_id: video.pictures for video in dataset.videos("test", references=False)}
    assert [picture.read() for picture in read["wide"]] == [
        path.read_bytes() for _, path in sorted(kept.items())
    ]
    assert read["talk"] == ()
    assert "pictures" in dataset.info["made by"]
    plain = json.loads((prepared.dataset / "dataset.json").read_text())
    assert "keep_frames" not in plain["options"]
    assert set(plain["made by"]) == {"encoder", "speech"}


def test_clip_puts_transcripts_into_the_space_of_the_frames(tmp_path: Path) -> None:
    for name in ("red", "grey"):
        Film([shade(90, 64, 48)] * 2).write(tmp_path / f"{name}.mp4")
    (tmp_path / "red.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nred fox\n")
    (tmp_path / "q.csv").write_text("query,video\nfox,red\n")
    weights = str(save_clip(tmp_path / "clip"))
    options = PrepareOptions(
        jobs=1, subtitles=tmp_path, speech="none", encoder="clip", encoder_weights=weights
    )
    videos = tmp_path / "videos"
    videos.mkdir()
    for path in tmp_path.glob("*.mp4"):
        path.rename(videos / path.name)
    prepare(videos, tmp_path / "out", options, store=tmp_path / ".s", queries=tmp_path / "q.csv", quiet=True)
    features = read_dataset(tmp_path / "out").features
    assert features is not None
    assert features.frames.shape[1] == 12
    vector = features.transcript("red")
    assert vector is not None
    assert np.array_equal(vector, encode_text(make_encoder("clip", weights), "red fox"))
    assert features.transcript("grey") is None, "nothing is said"


def test_text_on_screen_is_put_behind_what_is_said(prepared: Prepared, tmp_path: Path) -> None:
    Film([title("Bake Bread at Home"), title("Bake Bread at Home"), title("Step 2: knead")]).write(
        tmp_path / "bread.mp4"
    )
    Film([shade(90)] * 2).write(tmp_path / "plain.mp4")
    (tmp_path / "bread.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nhello\n")
    (tmp_path / "q.csv").write_text("query,video\nbread,bread\n")
    options = PrepareOptions(jobs=1, subtitles=tmp_path, speech="none", ocr=True)
    prepare(
        tmp_path, tmp_path / "out", options, store=tmp_path / ".s", queries=tmp_path / "q.csv", quiet=True
    )
    assert transcripts(tmp_path / "out")["bread.mp4"] == "hello Bake Bread at Home Step 2: knead"
    lines = (tmp_path / "out" / "videos.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line).get("screen_text") for line in lines] == [
        "Bake Bread at Home Step 2: knead", None
    ]  # fmt: skip
    rows = outcomes(tmp_path / "out")
    assert [rows[name]["transcript"] for name in ("bread.mp4", "plain.mp4")] == ["bread.srt + screen", "none"]
    assert "screen text" in json.loads((tmp_path / "out" / "dataset.json").read_text())["made by"]


def test_a_video_whose_text_on_screen_cannot_be_read_is_prepared_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reader: ScreenReader, pictures: Pictures) -> str:
        raise DataError("text on screen could not be read: RuntimeError: no memory.")

    monkeypatch.setattr(ScreenReader, "read", fail)
    Film([shade(90, 64, 48)] * 2).write(tmp_path / "plain.mp4")
    (tmp_path / "q.csv").write_text("query,video\nbread,plain\n")
    options = PrepareOptions(jobs=1, speech="none", ocr=True)
    prepare(
        tmp_path, tmp_path / "out", options, store=tmp_path / ".s", queries=tmp_path / "q.csv", quiet=True
    )
    row = outcomes(tmp_path / "out")["plain.mp4"]
    assert (row["status"], row["transcript"]) == ("prepared", "none")
    assert "text on screen could not be read" in row["notes"]


def odd_files(folder: Path, whole: bytes) -> dict[str, bytes]:
    """Return two hundred odd contents: cut, damaged, mixed up, and no videos at all."""
    random = np.random.default_rng(0)
    files = {"empty.mp4": b"", "text.mp4": b"hello\n", "zeros.avi": bytes(5000), "index.mkv": whole[:40]}
    for i in range(100):
        files[f"cut {i}.mp4"] = whole[: 1 + len(whole) * i // 100]
    for i in range(96):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 2 ** (i % 12)):
            damaged[place] = random.integers(0, 256)
        files[f"damaged-{i}.mp4"] = bytes(damaged)
    return files


def test_each_of_200_odd_files_has_an_outcome(prepared: Prepared, tmp_path: Path) -> None:
    film = Film(
        [shade(60, 64, 48), shade(160, 64, 48)], options={"g": "1"}, sound=recording("beckett.wav", 0, 2)
    )
    film.container_options = {"movflags": "faststart"}
    videos = tmp_path / "videos"
    whole = film.write(videos / "whole.mp4").read_bytes()
    for name, content in odd_files(videos, whole).items():
        (videos / name).write_bytes(content)
    os.mkfifo(videos / "pipe.mp4")
    (videos / "link.mp4").symlink_to("nowhere")
    (tmp_path / "queries.csv").write_text("query,video\nfox,whole\nred fox,text.mp4\n")
    options = PrepareOptions(jobs=1, speech="none")
    report = prepare(
        videos, tmp_path / "out", options, store=prepared.store, queries=tmp_path / "queries.csv", quiet=True
    )
    rows = outcomes(tmp_path / "out")
    assert set(rows) == {path.name for path in videos.iterdir()}
    assert {row["status"] for row in rows.values()} == {"prepared", "unreadable"}
    assert all(row["notes"] for row in rows.values() if row["status"] == "unreadable")
    for name in ("empty.mp4", "text.mp4", "zeros.avi", "pipe.mp4", "link.mp4"):
        assert rows[name]["status"] == "unreadable", name
    assert (rows["whole.mp4"]["status"], rows["whole.mp4"]["frames"]) == ("prepared", "1")
    assert report.judgements.counts["pairs of unreadable videos left out"] == 1
    assert (
        "text.mp4: unreadable, and relevant to 'red fox'" in (tmp_path / "out" / "left-out.txt").read_text()
    )


def test_a_name_that_is_no_utf_8_and_a_file_that_cannot_be_read(prepared: Prepared, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    shutil.copytree(prepared.videos, videos)
    (videos / "hope.mp4").rename(videos / os.fsdecode(b"good\xff.mp4"))
    (videos / os.fsdecode(b"bad\xff.mp4")).write_bytes(b"no video")
    (videos / "memory.mp4").symlink_to("/proc/self/mem")
    (videos / "queries.csv").write_text("query,video\nfox,good_\nbird,bad_\nwolf,nobody\n")
    report = prepare(
        videos, tmp_path / "out", PrepareOptions(jobs=1, speech="none"), store=prepared.store,
        queries=videos / "queries.csv", quiet=True,
    )  # fmt: skip
    assert "good?.mp4" in transcripts(tmp_path / "out")
    assert "bad?.mp4: unreadable" in (tmp_path / "out" / "left-out.txt").read_text(encoding="utf-8")
    assert outcomes(tmp_path / "out")["memory.mp4"]["status"] == "unreadable"
    assert report.judgements.counts == {
        "lines": 3, "pairs": 2, "names that name no video": 1, "pairs of unreadable videos left out": 1
    }  # fmt: skip


def test_sound_alone_with_subtitles_is_prepared(tmp_path: Path) -> None:
    Film(sound=recording("beckett.wav", 0, 2)).write(tmp_path / "talk.m4a")
    (tmp_path / "talk.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\never tried\n")
    (tmp_path / "q.csv").write_text("query,video\nfail,talk\n")
    options = PrepareOptions(jobs=1, subtitles=tmp_path, speech="none")
    prepare(
        tmp_path, tmp_path / "out", options, store=tmp_path / ".s", queries=tmp_path / "q.csv", quiet=True
    )
    row = outcomes(tmp_path / "out")["talk.m4a"]
    assert (row["status"], row["frames"], row["transcript"]) == ("prepared", "0", "talk.srt")
    assert float(row["seconds"]) == pytest.approx(2, rel=0.1)


def test_a_click_log_is_the_relevance(prepared: Prepared, cli: Cli, tmp_path: Path) -> None:
    lines = [f"{query} {i},{video},51,5,9\n" for i in range(5) for query, video in list(QUERIES.items())[1:4]]
    lines += ["seldom,best.mp4,50,5,9\n", "bait,best.mp4,51,2.9,9\n"]
    (tmp_path / "log.csv").write_text("".join(["query,video,clicks,watch_time,duration\n", *lines]))
    done = cli(
        "data", "prepare", "--videos", prepared.videos, "--log", tmp_path / "log.csv", "--jobs", 1,
        "--out", tmp_path / "out", "--store", prepared.store, "--quiet",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "17 pairs, 16 pairs clicked by more than 50 users, 15 … and watched for 0.333" in done.out
    assert len((tmp_path / "out" / "qrels.tsv").read_text().splitlines()) == 15


def test_what_is_wrong_is_said_before_the_work(prepared: Prepared, tmp_path: Path) -> None:
    queries = tmp_path / "q.csv"
    queries.write_text("query,video,relevance\nfox,nobody.mp4,1\nfox,best.mp4,0\n")
    with pytest.raises(
        DataError, match=r"no query with a relevant video of the folder is left.*'nobody.mp4'"
    ):
        prepare(prepared.videos, tmp_path / "out", PrepareOptions(), store=tmp_path / "s", queries=queries)
    with pytest.raises(UsageError, match="not an empty folder"):
        prepare(prepared.videos, prepared.dataset, PrepareOptions(), store=tmp_path / "s", queries=queries)


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (("--encoder", "efficientnet-lite9"), 2, "unknown encoder 'efficientnet-lite9'. Did you mean"),
        (("--encoder-weights", "x/y"), 2, "encoder 'efficientnet-lite0' takes no --encoder-weights"),
        (("--language", "English"), 2, "--language 'English' is not a code of ISO 639"),
        (("--split", "tests"), 2, "unknown split 'tests'. Did you mean test"),
        (("--max-frames", "0"), 2, "option --max-frames="),
        (("--subtitles", "nowhere"), 2, "--subtitles nowhere: there is no such folder"),
        (("--speech", "./nowhere/at all"), 4, "is no folder on this machine and no hub id"),
    ],
)
def test_a_wrong_option_is_named(
    arguments: tuple[str, str], status: int, problem: str, prepared: Prepared, cli: Cli, tmp_path: Path
) -> None:
    done = cli(
        "data", "prepare", "--videos", prepared.videos, "--queries", prepared.videos / "queries.csv",
        "--out", tmp_path / "out", "--jobs", 1, "--quiet", *arguments,
    )  # fmt: skip
    assert done.status == status, done.err
    assert problem in done.error()


def test_the_block_of_the_readme_works_as_typed(prepared: Prepared, tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("### From raw videos")[2]
    commands = section.split("```")[1].strip().splitlines()
    assert commands.pop(0).startswith("pip install"), "the environment of the tests is installed"
    (tmp_path / "videos").symlink_to(prepared.videos)
    shutil.copy(prepared.videos / "queries.csv", tmp_path)
    environment = {**os.environ, "BENCH_STORE": str(prepared.store)}
    for command in commands:
        words = [sys.executable, "-m", *command.split()]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    (page,) = (tmp_path / "results" / "runs").glob("*/report.html")
    assert "Transcript" in page.read_text(encoding="utf-8")


def test_encoders_are_listed(cli: Cli) -> None:
    listed = cli("list", "encoders").out
    for name in ("efficientnet-lite0", "clip", "chinese-clip", "resnet50"):
        assert f"  {name} " in listed
