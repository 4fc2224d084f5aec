"""Each owner's format becomes a dataset folder that a run accepts, and the table names the protocol."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from bench.data.dataset import Dataset
from bench.data.reader import read_dataset
from bench.errors import DataError
from bench.importers import files as owners_files
from bench.importers.importer import Additions, import_dataset
from bench.systems.registry import entries, load
from tests.conftest import Cli
from tests.importers.owners import FORMATS, MSRVTT, write

CAPTIONS = ["our sentence 3 about video2", "our sentence 4 about video2"]
PAINTING = ["A man paints a fence.", "Somebody paints."]
EXPECTED = {  # importer, recipe: name, videos by split, texts of the test's queries, in order
    ("msr-vtt", "1k-A"): ("msr-vtt-1k-A", (2, 0, 1), ["our test sentence"]),
    ("msr-vtt", "official"): ("msr-vtt-official", (1, 1, 1), CAPTIONS),
    ("vatex", "en"): ("vatex-en", (2, 1, 2), PAINTING),
    ("vatex", "zh"): ("vatex-zh", (2, 0, 1), ["一个人在刷栅栏", "有人刷漆"]),
    ("vatex", "en-validation"): ("vatex-en-validation", (2, 0, 1), PAINTING),
    ("youcook2", "clips"): ("youcook2-clips", (2, 0, 2), ["fry the onions 0", "fry the onions 1"]),
    ("youcook2", "videos"): ("youcook2-videos", (1, 0, 1), ["fry the onions 0", "fry the onions 1"]),
    ("activitynet", "paragraph"): ("activitynet-paragraph", (1, 0, 1), ["Gets up. Sits."]),
    ("activitynet", "sentences"): ("activitynet-sentences", (1, 0, 1), ["Gets up.", "Sits."]),
    ("tvr", "video-retrieval"): ("tvr", (1, 0, 1), ["Bo writes."]),
    ("qvhighlights", "video-retrieval"): ("qvhighlights", (1, 1, 2), ["a test walk", "shared"]),
    ("cbvs", "owner"): ("cbvs-20k-owner", (0, 0, 3), ["红色的车", "猫 睡觉"]),
    ("cbvs", "graded"): ("cbvs-20k-graded", (0, 0, 3), ["红色的车", "猫 睡觉"]),
    ("multi-cpr", "dev"): ("multi-cpr-video", (0, 0, 3), ["红色的车", "睡觉的猫"]),
    ("c-mteb-video", "dev"): ("c-mteb-videoretrieval", (0, 0, 2), ["红色的车"]),
    ("beir", "test"): ("owner-test", (0, 0, 2), ["red car"]),
    ("beir", "dev"): ("owner-dev", (0, 0, 2), ["sleeping cat"]),
    ("coco", "captions"): ("owner", (1, 0, 1), ["a val picture"]),
    ("csv", "pairs"): ("pairs", (1, 0, 2), ["red car"]),
}  # fmt: skip


def imported(name: str, recipe: str | None, folder: Path, **more: Any) -> tuple[Dataset, list[str]]:
    source = write(folder / "owner", FORMATS[name])
    notes = import_dataset(name, source, folder / "out", recipe, Additions(**more))
    return read_dataset(folder / "out"), notes


def metadata(folder: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((folder / "out" / "dataset.json").read_text(encoding="utf-8"))
    return about


@pytest.mark.parametrize(("name", "recipe"), EXPECTED, ids=lambda value: str(value))
def test_a_format_becomes_a_dataset_that_names_its_protocol(name: str, recipe: str, tmp_path: Path) -> None:
    title, sizes, texts = EXPECTED[name, recipe]
    dataset, _ = imported(name, recipe, tmp_path)
    test = {record.video_id for record in dataset.split("test")}
    searched = [q for q, videos in dataset.relevant.items() if not test.isdisjoint(videos)]
    assert dataset.name == title
    assert tuple(len(dataset.split(split)) for split in ("train", "val", "test")) == sizes
    assert sorted({dataset.queries[query] for query in searched}) == sorted(texts)
    about = metadata(tmp_path)
    assert (about["importer"], about["recipe"]) == (name, recipe)
    assert about["licence"]
    assert about["protocol"]


def test_every_importer_is_tested_and_says_what_is_known() -> None:
    assert {name for name, _ in EXPECTED} == set(entries("importers")) - {"ir_datasets"}
    for name in entries("importers"):
        importer = load("importers", name)()
        tested = {recipe for tried, recipe in EXPECTED if tried == name}
        assert set(importer.recipes) - tested <= {"1k-A-7k", "judged"}, "each of these has a test of its own"
        assert importer.licence
        assert importer.source


def test_other_numbers_than_the_published_ones_are_reported_with_both(tmp_path: Path) -> None:
    _, notes = imported("msr-vtt", "1k-A", tmp_path)
    assert "train videos 2 (published: 9,000)" in notes[0]
    assert "test queries 1 (published: 1,000)" in notes[0]


def test_the_complete_files_are_not_reported(tmp_path: Path) -> None:
    train = [f"video{i}" for i in range(9_000)]
    test = [f"video{i}" for i in range(9_000, 10_000)]
    rows = "".join(f"ret,msr,{video},sentence {video}\n" for video in test)
    files = {
        "MSRVTT_data.json": {
            "videos": [{"video_id": video, "split": "train"} for video in train + test],
            "sentences": [{"video_id": video, "caption": f"about {video}"} for video in train],
        },
        "MSRVTT_JSFUSION_test.csv": f"key,vid_key,video_id,sentence\n{rows}",
    }
    assert import_dataset("msr-vtt", write(tmp_path / "owner", files), tmp_path / "out") == []


def test_the_owners_two_json_files_are_read_as_the_one(tmp_path: Path) -> None:
    whole: Any = MSRVTT["MSRVTT_data.json"]
    parts = {
        "train_val_videodatainfo.json": {k: whole[k][:2] for k in ("videos", "sentences")},
        "test_videodatainfo.json": {"videos": whole["videos"][2:], "sentences": whole["sentences"][2:]},
    }
    import_dataset("msr-vtt", write(tmp_path / "parts", parts), tmp_path / "out", "official")
    expected, _ = imported("msr-vtt", "official", tmp_path / "whole")
    assert read_dataset(tmp_path / "out").queries == expected.queries


def test_the_training_list_of_1k_a_7k_is_read(tmp_path: Path) -> None:
    source = write(tmp_path / "owner", {**MSRVTT, "MSRVTT_train.7k.csv": "video_id\nvideo0\n"})
    import_dataset("msr-vtt", source, tmp_path / "out", "1k-A-7k", Additions())
    dataset = read_dataset(tmp_path / "out")
    assert dataset.name == "msr-vtt-1k-A-7k"
    assert {record.video_id: record.split for record in dataset.records} == {
        "video0": "train",
        "video2": "test",
    }
    assert "7,010 videos" in metadata(tmp_path)["protocol"]


def test_subtitles_become_transcripts(tmp_path: Path) -> None:
    dataset, _ = imported("tvr", None, tmp_path)
    assert {r.video_id: r.transcript for r in dataset.records}["show_s01_clip_01"] == "Ann : Where is it?"


def test_a_video_of_two_splits_stays_in_the_test(tmp_path: Path) -> None:
    dataset, notes = imported("qvhighlights", None, tmp_path)
    assert {r.video_id: r.split for r in dataset.records}["shared_0.0_150.0"] == "test"
    assert "2 queries were left out" in notes[-1]


def test_the_published_run_of_cbvs_is_scored_by_the_owners_rule(cli: Cli, tmp_path: Path) -> None:
    imported("cbvs", None, tmp_path)
    out = tmp_path / "out"
    run = ("--run", out / "runs" / "uniclip.trec", "--metrics", "MAP@100", "--format", "csv")
    done = cli("evaluate", "--data", out, "--protocol", "all-queries", *run)
    assert done.status == 0, done.err
    assert "75.00" in done.out  # by hand: v1 at rank 2 gives 1/2, v3 at rank 1 gives 1
    assert "1 of 5 lines repeat a pair" in metadata(tmp_path)["remarks"][0]


def test_parquet_is_read_as_json_lines(tmp_path: Path) -> None:
    content = FORMATS["c-mteb-video"]
    source = tmp_path / "hub" / "data"
    source.mkdir(parents=True)
    for name in ("corpus", "queries", "qrels"):
        table = pyarrow.Table.from_pylist(content[f"{name}.jsonl"])
        target = "dev-00000-of-00001.parquet" if name == "qrels" else f"{name}-00000-of-00001.parquet"
        pyarrow.parquet.write_table(table, source / target)
    import_dataset("c-mteb-video", tmp_path / "hub", tmp_path / "parquet")
    dataset, _ = imported("c-mteb-video", None, tmp_path)
    assert read_dataset(tmp_path / "parquet").relevant == dataset.relevant


def test_a_collection_of_ir_datasets_is_imported(tmp_path: Path) -> None:
    import ir_datasets

    write(
        tmp_path / "owner",
        {"docs.tsv": "d1\tred car\nd2\ta cat\n", "queries.tsv": "q1\tcar\n", "qrels": "q1 0 d1 1\n"},
    )
    root = tmp_path / "owner"
    collection = ir_datasets.create_dataset(
        docs_tsv=str(root / "docs.tsv"), queries_tsv=str(root / "queries.tsv"), qrels_trec=str(root / "qrels")
    )
    ir_datasets.registry.register("ours/tiny", collection)
    import_dataset("ir_datasets", Path("ours/tiny"), tmp_path / "out", additions=Additions(language="de"))
    dataset = read_dataset(tmp_path / "out")
    assert (dataset.name, dataset.relevant) == ("ours-tiny", {"q1": ["d1"]})


def test_karpathys_splits_are_read(tmp_path: Path) -> None:
    images = [
        {"cocoid": i, "split": split, "sentences": [{"raw": f"a {split}", "sentid": i}]}
        for i, split in enumerate(("train", "restval", "val", "test"))
    ]
    source = write(tmp_path, {"dataset_coco.json": {"images": images}}) / "dataset_coco.json"
    import_dataset("coco", source, tmp_path / "out")
    dataset = read_dataset(tmp_path / "out")
    assert [record.split for record in dataset.records] == ["train", "train", "val", "test"]


def _npy(folder: Path, arrays: dict[str, Any]) -> Path:
    folder.mkdir()
    for video, array in arrays.items():
        np.save(folder / f"{video}.npy", array)
    return folder


def _h5(folder: Path, arrays: dict[str, Any]) -> Path:
    folder.mkdir()
    with h5py.File(folder / "clip.h5", "w") as file:
        for video, array in arrays.items():
            file[video] = array
    return folder / "clip.h5"


@pytest.mark.parametrize("make", [_npy, _h5], ids=["npy", "h5"])
def test_features_of_one_file_a_video_are_taken(make: Callable[..., Path], tmp_path: Path) -> None:
    arrays = {"v_one": np.arange(6, dtype=np.float32).reshape(3, 2), "other": np.zeros((1, 2))}
    features = make(tmp_path / "clip", arrays)
    dataset, notes = imported("activitynet", None, tmp_path, features=features)
    assert dataset.features is not None
    assert dataset.features.name == "clip"
    assert dataset.features.of("v_one", 32).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert notes[-1] == "1 of 2 videos have no features."


def test_transcripts_and_validation_videos_are_added(tmp_path: Path) -> None:
    write(tmp_path, {"speech.jsonl": [{"id": "v_two", "transcript": "hello"}]})
    dataset, _ = imported("activitynet", None, tmp_path, transcripts=tmp_path / "speech.jsonl")
    assert [record.transcript for record in dataset.records] == ["", "hello"]
    dataset, _ = imported("vatex", None, tmp_path / "second", validation=1)
    assert len(dataset.split("train")) == 1
    assert len(dataset.split("val")) == 2


STEPS = "youcookii_annotations_trainval.json"
SUBTITLES = "tvqa_preprocessed_subtitles.jsonl"
RUN = "output/inference_result.txt"
ANEW = '{"images": [{"id": 1}], "annotations": [{"id": 10, "image_id": 1, "caption": "other"}]}'
BROKEN = {
    "a field that is missing": ("tvr", "tvr_val_release.jsonl", '{"desc_id": 2, "desc": "x"}\n'),
    "a field of another kind": ("vatex", "vatex_training_v1.0.json", '[{"videoID": "a", "enCap": "x"}]'),
    "no JSON": ("activitynet", "train.json", "{"),
    "a grade that is none": ("cbvs", "datasets/cbvs20k.txt", "q\tv\tu\t3\n"),
    "a row that is short": ("csv", "pairs.csv", "video_id,query\nv1\n"),
    "a column that is missing": ("csv", "pairs.csv", "video,query\nv1,x\n"),
    "a subset that is unknown": ("youcook2", STEPS, '{"database": {"a": {"subset": "x"}}}'),
    "a record that is no object": ("youcook2", STEPS, '{"database": {"a": 3}}'),
    "a sentence that is no text": ("activitynet", "train.json", '{"v": {"sentences": [null]}}'),
    "a line that is no object": ("tvr", SUBTITLES, '{"vid_name": "show_s01_clip_00", "sub": ["x"]}\n'),
    "a document without text": ("c-mteb-video", "corpus.jsonl", '{"id": "11"}\n'),
    "a score that is no number": ("c-mteb-video", "qrels.jsonl", '{"qid": "5", "pid": "11", "score": "x"}\n'),
    "a list without videos": ("msr-vtt", "MSRVTT_JSFUSION_test.csv", "id,sentence\n1,x\n"),
    "a run that is empty": ("cbvs", RUN, ""),
    "a run of other videos": ("cbvs", RUN, "2\t猫 睡觉\tv9\t0.4\n"),
    "a run with a score that is none": ("cbvs", RUN, "2\t猫 睡觉\tv1\tnan\n"),
    "a quote that is not closed": ("csv", "pairs.csv", 'video_id,query\nv1,"red\nv2,blue\n'),
    "a column twice": ("csv", "pairs.csv", "video_id,query,query\nv1,red,car\n"),
    "two transcripts": ("csv", "pairs.csv", "video_id,query,transcript\nv1,red,a\nv1,car,b\n"),
    "ids that begin anew": ("coco", "captions_val2014.json", ANEW),
    "half of a surrogate pair": ("beir", "corpus.jsonl", '{"_id": "d1", "text": "red \\ud800 car"}\n'),
    "a header alone": ("csv", "pairs.csv", "video_id,query\n"),
    "ids that become one": ("csv", "pairs.csv", "video_id,query\na b,red\na_b,car\n"),
    "a document twice": ("multi-cpr", "corpus.tsv", "11\tx\n12\ty\n11\tz\n"),
    "a query twice": ("c-mteb-video", "queries.jsonl", '{"id": "5", "text": "x"}\n{"id": 5, "text": "y"}\n'),
}
MESSAGES = {
    "a field that is missing": "tvr_val_release.jsonl:1: the field 'vid_name' is missing",
    "a field of another kind": "record 1: the field 'enCap' is a string; a list is expected",
    "no JSON": "train.json:1: invalid JSON",
    "a grade that is none": "cbvs20k.txt:1: the grade '3' is not 0, 1 or 2",
    "a row that is short": "pairs.csv:2: 1 values; the header has 2",
    "a column that is missing": "pairs.csv:1: the header has no column video_id",
    "a subset that is unknown": "unknown subset 'x'",
    "a record that is no object": "video 'a': a JSON object is expected, not a number",
    "a sentence that is no text": "video 'v': text 1 of 'sentences' is null; a string is expected",
    "a line that is no object": "subtitles.jsonl:1: a JSON object is expected, not a string",
    "a document without text": "corpus.jsonl: row 1: the field 'text' is missing",
    "a score that is no number": "qrels.jsonl: row 1: the field 'score' is a string",
    "a list without videos": "MSRVTT_JSFUSION_test.csv:1: the header has no column video_id",
    "a run that is empty": "inference_result.txt: the file is empty",
    "a run of other videos": "txt:1: the query '猫 睡觉' or the video 'v9' is not in the data",
    "a run with a score that is none": "inference_result.txt:1: the score 'nan' is not a finite number",
    "a quote that is not closed": "pairs.csv:3: no valid CSV",
    "a column twice": "pairs.csv:1: a column of the header appears twice",
    "two transcripts": "video 'v1' has two different transcripts",
    "ids that begin anew": "query '10' has two texts: 'a train picture' and 'other'",
    "half of a surrogate pair": "half of a surrogate pair",
    "a header alone": "owner: there is no video in it",
    "ids that become one": "the videos 'a b' and 'a_b' would both be 'a_b'",
    "a document twice": "corpus.tsv:3: document '11' appears twice, with another text",
    "a query twice": "queries.jsonl: row 2: query '5' appears twice, with another text",
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named_with_its_place_and_nothing_is_left(
    case: str, cli: Cli, tmp_path: Path
) -> None:
    name, file, text = BROKEN[case]
    source = write(tmp_path / "owner", {**FORMATS[name], file: text})
    done = cli("data", "import", name, "--from", source, "--out", tmp_path / "out")
    assert done.status == 3
    assert MESSAGES[case] in done.error()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["owner"]


def test_a_table_may_have_any_name_blank_lines_and_long_transcripts(tmp_path: Path) -> None:
    speech = "word " * 40_000
    text = f"Video_ID;query;transcript\nv1;red car;\n\nv1;car;{speech}\n"
    table = write(tmp_path / "owner", {"pairs.dat": text}) / "pairs.dat"
    import_dataset("csv", table, tmp_path / "out")
    dataset = read_dataset(tmp_path / "out")
    assert [record.transcript for record in dataset.records] == [speech]
    assert list(dataset.queries.values()) == ["red car", "car"]


def test_parts_of_a_table_are_read_as_one(tmp_path: Path) -> None:
    files = {**FORMATS["c-mteb-video"]}
    for number, document in enumerate(files.pop("corpus.jsonl")):
        files[f"corpus-{number:05d}-of-00002.jsonl"] = [document]
    import_dataset("c-mteb-video", write(tmp_path / "owner", files), tmp_path / "out")
    assert len(read_dataset(tmp_path / "out").records) == 2


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        (("--val", "-1"), 2, "--val -1: there are 1 training videos"),
        (("--val", "1_0"), 2, "option val='1_0' is not allowed: expected a whole number"),
        (("--language", "english"), 2, "'english' is not a code of ISO 639"),
        (("--language", "eng"), 2, "'eng' has a code of two letters"),
        (("--features", "nowhere"), 4, "--features nowhere: there is no such folder or file"),
    ],
)
def test_a_wrong_addition_leaves_nothing(
    more: tuple[str, str], status: int, message: str, cli: Cli, tmp_path: Path
) -> None:
    source = write(tmp_path / "owner", FORMATS["csv"])
    done = cli("data", "import", "csv", "--from", source, "--out", tmp_path / "out", *more)
    assert (done.status, message in done.error()) == (status, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["csv", "coco", "vatex"])
def test_what_has_no_files_is_said_to_be_a_pipe_or_to_be_missing(name: str, cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = cli("data", "import", name, "--from", tmp_path / "pipe", "--out", tmp_path / "out")
    assert done.status == 2
    assert "pipe is a pipe or a device. Write" in done.error()
    done = cli("data", "import", name, "--from", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert done.status == 4
    assert "nowhere: there is no such file or folder. Name" in done.error()


def test_a_folder_of_several_tables_is_refused(cli: Cli, tmp_path: Path) -> None:
    source = write(tmp_path / "owner", {"test.csv": "video_id,query\n", "train.csv": "video_id,query\n"})
    done = cli("data", "import", "csv", "--from", source, "--out", tmp_path / "out")
    assert (done.status, "several tables" in done.error()) == (2, True)


def test_an_archive_is_no_array_of_features(tmp_path: Path) -> None:
    (tmp_path / "clip.v1").mkdir()
    with (tmp_path / "clip.v1" / "v_one.npy").open("wb") as stream:
        np.savez(stream, frames=np.zeros((1, 2)))
    with pytest.raises(DataError, match=r"v_one.npy: not a plain NumPy array"):
        imported("activitynet", None, tmp_path, features=tmp_path / "clip.v1")
    np.save(tmp_path / "clip.v1" / "v_one.npy", np.zeros((1, 2)))
    dataset, _ = imported("activitynet", None, tmp_path, features=tmp_path / "clip.v1")
    assert dataset.features is not None
    assert dataset.features.name == "clip.v1"


def test_usage_errors_say_what_is_known(cli: Cli, tmp_path: Path) -> None:
    source = write(tmp_path / "owner", FORMATS["csv"])
    arguments = ("--from", source, "--out", tmp_path / "out")
    unknown = cli("data", "import", "msrvt", *arguments)
    assert (unknown.status, "msr-vtt" in unknown.error()) == (2, True)
    recipe = cli("data", "import", "csv", *arguments, "--recipe", "1k-A")
    assert (recipe.status, "Known: pairs" in recipe.error()) == (2, True)
    missing = cli("data", "import", "msr-vtt", *arguments)
    assert (missing.status, "MSRVTT_data.json" in missing.error()) == (4, True)
    full = cli("data", "import", "csv", "--from", source, "--out", tmp_path)
    assert (full.status, "not an empty folder" in full.error()) == (2, True)


def test_an_imported_dataset_is_run_and_the_table_names_the_protocol(cli: Cli, tmp_path: Path) -> None:
    source = write(tmp_path / "owner", FORMATS["csv"])
    assert cli("data", "import", "csv", "--from", source, "--out", tmp_path / "mine").status == 0
    done = cli(
        "run", "--data", tmp_path / "mine", "--generators", "transcript", "--retrievers", "bm25",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "Retrieval on pairs" in done.out


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("retrieval_train.json", "retrieval_val.json", "retrieval_test.json"),
        ("latest-training.json", "latest-dev.json", "latest-test.json"),
        ("captions_train2014.json", "captions_validation2014.json", "captions_test2014.json"),
        ("mytrain.json", "myval.json", "mytest.json"),
    ],
)
def test_the_split_is_a_word_of_a_files_name(train: str, val: str, test: str, tmp_path: Path) -> None:
    files = {
        name: {
            "images": [{"id": number}],
            "annotations": [{"id": number, "image_id": number, "caption": f"picture {number}"}],
        }
        for number, name in enumerate((train, val, test))
    }
    import_dataset("coco", write(tmp_path / "owner", files), tmp_path / "out")
    splits = {record.video_id: record.split for record in read_dataset(tmp_path / "out").records}
    assert splits == {"0": "train", "1": "val", "2": "test"}


def test_subtitles_are_those_of_clips_whose_names_have_blanks(tmp_path: Path) -> None:
    clip = {"vid_name": "show s01"}
    files = {
        "tvr_train_release.jsonl": [{"desc_id": 1, "desc": "Ann reads.", "vid_name": "other"}],
        "tvr_val_release.jsonl": [{"desc_id": 2, "desc": "Bo writes.", **clip}],
        SUBTITLES: [{**clip, "sub": [{"text": "Where is it?"}]}],
    }
    import_dataset("tvr", write(tmp_path / "owner", files), tmp_path / "out")
    transcripts = {record.video_id: record.transcript for record in read_dataset(tmp_path / "out").records}
    assert transcripts == {"other": "", "show_s01": "Where is it?"}


def test_white_space_in_ids_is_said_to_become_a_line(tmp_path: Path) -> None:
    source = write(tmp_path, {"pairs.csv": "video_id,query\nv 1,red\nv2,blue\n"})
    notes = import_dataset("csv", source, tmp_path / "out", None, Additions())
    assert notes == ["white space in 1 id of videos became '_', such as 'v 1': 'v_1'."]


def test_two_transcripts_of_a_video_in_a_table_are_refused(tmp_path: Path) -> None:
    (table := tmp_path / "speech.csv").write_text("id,transcript\nv1,one\nv2,two\nv1,other\n")
    with pytest.raises(DataError, match=r"speech.csv:4: video 'v1' appears twice, with another text"):
        imported("csv", None, tmp_path, transcripts=table)


def test_a_whole_disk_is_not_walked(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "owner", {f"{number}/x.txt": "" for number in range(4)})
    monkeypatch.setattr(owners_files, "MOST_FILES", 7)
    done = cli("data", "import", "csv", "--from", source, "--out", tmp_path / "out")
    assert (done.status, "there are more than 7 files in it. Name the folder" in done.error()) == (2, True)
    monkeypatch.setattr(owners_files, "MOST_FILES", 8)
    done = cli("data", "import", "csv", "--from", source, "--out", tmp_path / "out")
    assert "more than" not in done.error()
