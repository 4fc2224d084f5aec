"""What the terminal gets: nothing that steers it, and an exit status that no reader can change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.text import printable
from tests.conftest import Cli, child_environment

Process = Callable[..., CompletedProcess[str]]
HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202ered\u2066\x9b2J\r"
IDS = ("-4wsuPCjDBc_5_15", "视频1", "--data")


def write_json_lines(path: Path, items: Iterable[Mapping[str, str]]) -> None:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of a run whose names, ids and texts are as hostile as the rules allow."""
    folder = tmp_path_factory.mktemp("hostile")
    (data := folder / "data").mkdir()
    (data / "dataset.json").write_text(
        json.dumps({"name": f"data{HOSTILE}", "language": "en", "version": "1", "licence": "none"})
    )
    videos = [{"id": video, "transcript": f"fix the wall {HOSTILE}", "split": "test"} for video in IDS]
    write_json_lines(data / "videos.jsonl", [*videos, {"id": "t", "transcript": "soup", "split": "train"}])
    write_json_lines(data / "queries.jsonl", [{"id": f"-q{n}", "text": f"wall {n}"} for n in range(len(IDS))])
    (data / "qrels.tsv").write_text("".join(f"-q{n}\t{video}\t1\n" for n, video in enumerate(IDS)), "utf-8")
    arguments = ["--data", data, "--generators", "lead", "--retrievers", "bm25", "--out", folder / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", *map(str, arguments)],
        env=child_environment(BENCH_STORE=str(folder / "store"), PYTHONIOENCODING="latin-1"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "out"


def controls(text: str) -> set[str]:
    return {character for character in text if not character.isprintable()} - {"\n", "\t"}


def test_nothing_from_data_steers_the_terminal(finished: Path, cli: Cli) -> None:
    for arguments in (("table", finished), ("explain", finished, "--video", "视频1"), ("report", finished)):
        result = cli(*arguments)
        assert result.status == 0
        assert controls(result.out + result.err) == set()
    unknown = cli("explain", finished, "--video", HOSTILE)
    assert unknown.status == 2
    assert controls(unknown.err) == set()


def test_printable_keeps_letters_of_all_scripts_and_joined_emoji() -> None:
    text = "naïve 视频 עברית 👩‍🚀\t1\r\n"
    assert printable(text) == text
    assert printable("a\rb\x1b[0m\u2028") == "a\ufffdb\ufffd[0m\ufffd"


@pytest.mark.parametrize("video", IDS)
def test_an_id_that_begins_with_a_dash_is_typed_like_any_other(video: str, finished: Path, cli: Cli) -> None:
    joined = cli("explain", finished, f"--video={video}")
    assert joined.out.startswith(f"Video {video}\n")
    if video != "--data":
        assert cli("explain", finished, "--video", video).out == joined.out
    query = (finished / "queries.tsv").read_text("utf-8").partition("\t")[0]
    assert query.startswith("-q")
    assert cli("explain", finished, "--query", query).out.startswith(f"Query {query}: ")


def test_a_folder_that_begins_with_a_dash_is_typed_like_any_other(
    finished: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-out").symlink_to(finished)
    assert cli("table", "-out").status == cli("table", "--", "-out").status == 0


def test_a_forgotten_value_before_a_flag_is_noticed(finished: Path, cli: Cli) -> None:
    result = cli("explain", finished, "--video", "--store", "x")
    assert result.status == 2
    assert "--video: expected one argument" in result.error()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_cannot_show_a_character_gets_a_replacement(encoding: str, finished: Path) -> None:
    for arguments in (["table", finished], ["explain", finished, "--video", "视频1"]):
        done = subprocess.run(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            env=child_environment(PYTHONIOENCODING=encoding),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Video ??1")


def test_a_locale_of_ascii_alone_gets_a_replacement(finished: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "table", str(finished)],
        env=child_environment(LC_ALL="C", PYTHONUTF8="0"),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b", ?100" in done.stdout


def run_shell(command: str, folder: Path) -> CompletedProcess[str]:
    environment = child_environment(BENCH=f"{sys.executable} -m bench")
    return subprocess.run(
        ["bash", "-c", command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_failed_gate_stays_failed_when_its_reader_leaves(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("Model,R@1,R@5\nA,20.0,10.0\n")
    (tmp_path / "empty").mkdir()
    for command, status in (("lint-table bad.csv", 5), ("data validate empty", 3)):
        done = run_shell(f"$BENCH {command} | true; echo ${{PIPESTATUS[0]}}", tmp_path)
        assert done.stdout == f"{status}\n"
        assert "Traceback" not in done.stderr


def test_a_closed_output_changes_nothing(finished: Path) -> None:
    done = run_shell(f"$BENCH table {finished} >&-; echo $?", finished)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("words", ["table .", "--version", "run --help"])
def test_an_output_that_takes_nothing_more_is_an_error(finished: Path, words: str) -> None:
    done = run_shell(f"$BENCH {words} >/dev/full; echo $?", finished)
    assert done.stdout == "4\n"
    assert done.stderr.startswith("bench: error: <stdout>: No space left on device. Free some space")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_messages_that_cannot_be_written_do_not_change_the_status(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("Model,R@1,R@5\nA,20.0,10.0\n")
    for command, status in (("lint-table bad.csv", 5), ("lint-table missing.csv", 2)):
        assert (
            run_shell(f"$BENCH {command} 2>/dev/full >/dev/null; echo $?", tmp_path).stdout == f"{status}\n"
        )


def test_a_closed_standard_input_is_named(finished: Path) -> None:
    done = run_shell(f"$BENCH evaluate --qrels {finished}/qrels.trec --run - <&-; echo $?", finished)
    assert done.stdout == "4\n"
    assert "-: standard input is closed. Name a file" in done.stderr


def test_a_value_of_megabytes_is_cut_in_the_message(tmp_path: Path, cli: Cli) -> None:
    for arguments in (
        ("run", "--split", "x" * 10**6),
        ("run", "--set", f"bm25.k1={'9' * 10**6}"),
        ("run", "--set", f"{'y' * 10**6}=1"),
        ("table", tmp_path / "a" / ("z" * 10**5)),
        ("compare", "x", "--by", "y" * 10**6),
    ):
        result = cli(*arguments)
        assert result.status in (2, 3)
        assert len(result.error()) < 1000


# What the system refuses


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("table", "n" * 300), 3, "File name too long. Use a shorter path."),
        (("run", "--out", "file/out", "--generators", "lead", "--retrievers", "bm25"), 2, "file"),
        (("run", "--out", "o", "--store", "file/store", "--generators", "lead"), 2, "file"),
        (("data", "synth", "--videos", "12", "--out", "file/x"), 3, "file"),
        (("report", ".", "--to", "n" * 300), 3, "."),
        (("check", ".", "--against", "."), 3, "."),
        (("evaluate", "--run", ".", "--qrels", "file"), 3, "file: the file is empty"),
    ],
)
def test_a_path_that_the_system_refuses_is_named_with_a_remedy(
    arguments: tuple[str, ...],
    status: int,
    message: str,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    result = cli(*arguments)
    assert result.status == status
    assert message in result.error()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_folder_without_permission_is_named(tmp_path: Path, cli: Cli) -> None:
    (locked := tmp_path / "locked").mkdir(mode=0o500)
    result = cli("data", "synth", "--videos", "12", "--out", locked / "x")
    assert result.status == 4
    assert f"{locked}" in result.error()
    assert "permissions" in result.error()


NO_HOME = """
import os, pwd, sys
def no_such_user(number):
    raise KeyError(number)
pwd.getpwuid = no_such_user
del os.environ["HOME"]
from bench.cli.main import main
sys.exit(main(["run", "--generators", "lead"]))
"""


def test_without_a_home_folder_the_store_must_be_named(process: Process) -> None:
    done = process("-c", NO_HOME, env={"BENCH_STORE": "", "XDG_CACHE_HOME": ""})
    assert done.returncode == 4
    assert done.stderr.startswith("bench: error: no place for the store: the home folder is unknown.")
