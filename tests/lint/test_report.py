"""What the audit refuses to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import DataError, UsageError
from bench.lint.report import lint


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        lint(str(tmp_path / "none.csv"))


def test_a_folder_and_a_pipe_are_called_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder\. Give a CSV"):
        lint(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a pipe or a device, whose name"):
        lint(str(tmp_path / "pipe"))


@pytest.mark.parametrize("n", [0, -3])
def test_a_number_of_queries_below_one_is_refused(tmp_path: Path, n: int) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Model,R@1\nx,3\n")
    with pytest.raises(UsageError, match=f"at least 1, not {n}"):
        lint(str(path), n=n)


def test_a_file_of_unknown_form_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "table.docx"
    path.write_text("x")
    with pytest.raises(UsageError, match="ends in none of"):
        lint(str(path))


def test_a_file_without_a_known_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.md"
    path.write_text("| a | b |\n|---|---|\n| x | 1 |\n")
    with pytest.raises(DataError, match="no table with numbers under a column"):
        lint(str(path))


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"Model,R@1\n\xff,3\n")
    with pytest.raises(DataError, match="not UTF-8"):
        lint(str(path))
