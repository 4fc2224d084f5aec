"""Text files are read by one set of rules, whatever wrote them."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

import bench
from bench.errors import DataError, MissingError, UsageError
from bench.output.folder import OutputFolder
from bench.store.artefacts import Store
from bench.store.files import (
    STANDARD_INPUT,
    check_new_folder,
    file_name,
    naming_path,
    new_folder,
    read_lines,
    read_raw_lines,
    read_text,
    replaceable,
    replacing,
    write_bytes,
    write_text,
)

NUL = Path("a\0b")


@pytest.mark.parametrize(
    "use",
    [
        lambda: read_text(NUL),
        lambda: list(read_lines(NUL)),
        lambda: check_new_folder(NUL, "--out"),
        lambda: replaceable(NUL, "--to"),
        lambda: Store(NUL),
        lambda: OutputFolder(NUL),
        lambda: bench.evaluate("a\0b", {"q": {"a": 1}}),
        lambda: bench.evaluate({"run": {"q": {"a": 1.0}}}, "a\0b"),
        lambda: bench.evaluate({"run": {"q": {"a": 1.0}}}, {"q": {"a": 1}}, out="a\0b"),
    ],
)
def test_a_path_with_a_nul_is_a_usage_error(use: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match=r"'a\\x00b' is no path: it holds a NUL character"):
        use()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../evil", "evil"), ("kwai/v1", "kwai-v1"), ("a\\b\0c\n", "a-b-c"), ("..", "x"), ("", "x"),
        ("快手", "快手"), ("long.bm25", "long.bm25"), ("\ud800", "?"), ("é" * 150, "é" * 100),
    ],
)  # fmt: skip
def test_a_name_from_data_is_the_name_of_a_file(text: str, name: str) -> None:
    assert file_name(text, "x") == name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    "data",
    [
        b"one\ntwo\xc3\xbc\n",
        b"\xef\xbb\xbfone\r\ntwo\xc3\xbc\r\n",
        b"one\rtwo\xc3\xbc\r",
        gzip.compress(b"\xef\xbb\xbfone\ntwo\xc3\xbc\n"),
    ],
    ids=["LF", "byte order mark and CRLF", "CR", "gzip"],
)
def test_the_same_text_is_read_however_it_was_saved(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert read_text(path) == "one\ntwoü\n"
    assert list(read_lines(path)) == [(1, "one"), (2, "twoü")]
    assert list(read_raw_lines(path)) == [(1, b"one"), (2, "twoü".encode())]


@pytest.mark.parametrize("data", [b"", b"x", b"\n", b"a\n\nb", b"a\r\r\nb\n\r", "a\u2028b\x0bc\n".encode()])
def test_lines_are_those_of_universal_newlines(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    expected = [line.removesuffix("\n") for line in TextIOWrapper(BytesIO(data), encoding="utf-8")]
    assert [line for _, line in read_lines(path)] == expected


def test_another_encoding_is_named_with_line_and_byte(path: Path) -> None:
    path.write_bytes(b"good\nna\xefve\nbad\xff\n")
    message = f"{path}:2: not UTF-8 (byte 0xef at column 3). Save the file as UTF-8."
    with pytest.raises(DataError) as error:
        read_text(path)
    assert str(error.value) == message
    problems: list[str] = []
    assert list(read_lines(path, report=problems.append)) == [(1, "good")]
    assert problems == [message, f"{path}:3: not UTF-8 (byte 0xff at column 4). Save the file as UTF-8."]


def test_utf16_is_recognized(path: Path) -> None:
    path.write_bytes("text\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"\)\. It looks like UTF-16: save the file as UTF-8\.$"):
        read_text(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(DataError, match=r"column 1\)\. Save the file as UTF-8\.$"):
        read_text(path)


def test_a_pipe_is_read(path: Path) -> None:
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(b"one\n"),))
    writer.start()
    assert read_text(path) == "one\n"
    writer.join()


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"one\r\n")))
    assert list(read_lines(STANDARD_INPUT)) == [(1, "one")]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (lzma.compress(b"one\n"), "xz"),
        (bz2.compress(b"one\n"), "bzip2"),
        (bz2.compress(b""), "bzip2"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard"),
        (b"PK\x03\x04\x14\x00", "zip"),
    ],
)
def test_other_compression_than_gzip_is_named(data: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"file: compressed by {name}; only gzip is read"):
        list(read_lines(path))


def test_what_cannot_be_read_is_an_error_that_names_the_file(path: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="file: there is no such file"):
        read_text(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path)
    path.write_bytes(gzip.compress(b"one\n" * 1000)[:-12])
    with pytest.raises(DataError, match="file: damaged gzip data"):
        list(read_lines(path))


@pytest.mark.parametrize(("mask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_what_is_written_has_the_mode_of_the_umask(
    tmp_path: Path, mask: int, file_mode: int, folder_mode: int
) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "text", "x")
        with new_folder(tmp_path / "folder", "--out"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "text").stat().st_mode) == file_mode
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == folder_mode


def test_writing_leaves_the_umask_of_the_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(mask: int) -> int:
        raise AssertionError("another thread would write with this umask")

    monkeypatch.setattr(os, "umask", refuse)
    write_text(tmp_path / "text", "x")
    assert (tmp_path / "text").read_text() == "x"


def test_a_folder_that_a_killed_process_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    leftover, others = tmp_path / ".out.0123abcd.tmp", tmp_path / ".out.mine"
    for folder in (leftover, others):
        folder.mkdir()
        (folder / "file").write_text("x")
    with new_folder(tmp_path / "out", "--out") as folder:
        (folder / "file").write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.mine", "out"]


def test_a_folder_that_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out", "--out") as first:
        (first / "file").write_text("first")
        with new_folder(tmp_path / "out", "--out") as second:
            assert second != first
        assert (first / "file").read_text() == "first"


def test_what_is_written_is_utf8_with_its_line_ends_in_a_folder_that_may_be_new(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "deep" / "text", "ü\r\nü\n")
    write_bytes(tmp_path / "other" / "deep" / "bytes", b"\x00\xff")
    assert (tmp_path / "new" / "deep" / "text").read_bytes() == "ü\r\nü\n".encode()
    assert (tmp_path / "other" / "deep" / "bytes").read_bytes() == b"\x00\xff"


@pytest.mark.parametrize("writing", [replacing, lambda path: new_folder(path, "--out")])
def test_a_block_that_fails_leaves_nothing_and_names_the_path_of_an_error_without_one(
    tmp_path: Path, writing: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    path = tmp_path / "new" / "deep" / "result"

    def fail() -> None:
        with writing(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left on device") as raised:
        fail()
    assert raised.value.filename == str(path)
    assert list(path.parent.iterdir()) == []


def test_an_error_that_names_a_path_keeps_it(path: Path) -> None:
    with pytest.raises(OSError, match="other") as raised, naming_path(path):
        raise OSError(errno.ENOSPC, "No space left on device", "other")
    assert raised.value.filename == "other"


def test_a_new_folder_is_none_that_holds_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, full, file, link = (tmp_path / name for name in ("empty", "full", "file", "link"))
    (full / "inside").mkdir(parents=True)
    empty.mkdir()
    file.touch()
    link.symlink_to(tmp_path / "nowhere")
    for path in (empty, tmp_path / "new"):
        check_new_folder(path, "--out")
    for path in (full, file, link):
        with pytest.raises(UsageError, match=f"^--out {path} exists and is not an empty folder"):
            check_new_folder(path, "--out")
    with pytest.raises(UsageError, match=f"^--to {full} exists"), new_folder(full, "--to"):
        pytest.fail("the folder is taken")
    monkeypatch.chdir(empty)
    with pytest.raises(UsageError, match=r"^--out \S+ is the current folder.*such as --out new"):
        check_new_folder(empty, "--out")


def test_a_file_replaces_a_regular_file_only(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "file", tmp_path / "link", tmp_path / "pipe"
    file.touch()
    link.symlink_to(file)
    os.mkfifo(pipe)
    assert replaceable(file, "--to") == file
    assert replaceable(tmp_path / "new", "--to") == tmp_path / "new"
    for path in (link, pipe, tmp_path):
        with pytest.raises(UsageError, match=f"^--to {path} is not a regular file"):
            replaceable(path, "--to")
