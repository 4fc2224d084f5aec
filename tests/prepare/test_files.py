"""Files and their ids."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import DataError, UsageError
from bench.prepare.dataset_writer import _outcomes
from bench.prepare.extraction import UNREADABLE, Extracted
from bench.prepare.files import find_files, identify, names_of


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_every_file_is_a_candidate_but_hidden_ones_and_texts(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a/c.webm", ".hidden.mp4", ".git/d.mp4", "b.srt", "queries.csv", "odd", "p.jpg")
    assert find_files(tmp_path) == (["a/c.webm", "b.mp4", "odd", "p.jpg"], ["b.srt", "queries.csv"])


def test_ids_are_stems_without_white_space_and_never_one_twice(tmp_path: Path) -> None:
    names = ["a b.mp4", "a/x.mp4", "b/x.mp4", "song.m4a", "song.mp4", "a_b.mkv", "好.mp4", "new\nline.mp4"]
    ids = [file.video_id for file in identify(tmp_path, names, None, "test")]
    assert ids == ["a_b.mp4", "a_x.mp4", "b_x.mp4", "song.m4a", "song.mp4", "a_b.mkv", "好", "new_line"]


def test_the_names_file_gives_ids_and_splits(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("file,id,split\na b.mp4,first,train\nc.mp4,d,\n")
    files = identify(tmp_path, ["a b.mp4", "c.mp4", "d.mp4"], tmp_path / "names.csv", "val")
    assert [(file.video_id, file.split) for file in files] == [
        ("first", "train"),
        ("d", "val"),
        ("d-2", "val"),
    ]


def test_names_like_formulas_are_guarded_in_the_outcomes_and_read_back(tmp_path: Path) -> None:
    names = ["=a.mp4", "-b.mp4"]
    files = identify(tmp_path, names, None, "val")
    outcomes = _outcomes([Extracted(file, UNREADABLE, ("@note",)) for file in files])
    assert outcomes.splitlines()[1] == "'=a.mp4,'=a,unreadable,0.00,0,none,0,'@note"
    (tmp_path / "names.csv").write_text(outcomes)
    assert identify(tmp_path, names, tmp_path / "names.csv", "val") == files


def test_a_name_means_a_video_where_it_means_one_alone(tmp_path: Path) -> None:
    names = names_of(identify(tmp_path, ["a/x.mp4", "b/x.mp4", "y z.mp4"], None, "test"))
    assert names["a/x"] == names["a/x.mp4"] == "a_x.mp4"
    assert names["y z"] == names["y z.mp4"] == names["y_z"] == "y_z"
    assert "x.mp4" not in names


def test_a_folder_that_cannot_be_listed_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.mp4")
    monkeypatch.chdir(tmp_path)
    for _ in range(20):  # a path longer than the system opens
        Path("d" * 250).mkdir()
        os.chdir("d" * 250)
    with pytest.raises(OSError, match="File name too long"):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,id\nx.mp4,a\n", "'x.mp4' is no file of the folder"),
        ("file,id\na.mp4,a b\n", "the id 'a b' is empty or holds white space"),
        ("file,id\na.mp4,a\nb.mp4,a\n", ":3: the file 'b.mp4' or the id 'a' appears twice"),
        ("file,id,id\na.mp4,a,b\n", ":1: a column of the header appears twice"),
        ("x" * 200_000 + "\n", ":1: the header has no column file, id"),
        ("file,id,split\na.mp4,a,tset\n", "unknown split 'tset'. Did you mean test?"),
    ],
)
def test_a_problem_of_the_names_file_is_named(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(text)
    with pytest.raises(DataError) as error:
        identify(tmp_path, ["a.mp4", "b.mp4"], tmp_path / "names.csv", "test")
    assert problem in str(error.value)


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_files(tmp_path / "none")
    with pytest.raises(DataError, match="no video in this folder"):
        find_files(tmp_path)
