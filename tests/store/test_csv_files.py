"""Tables with a header are read by column, and what is wrong with one is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import DataError
from bench.store.csv_files import read_rows


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_separator_is_that_of_the_header(mark: str, tmp_path: Path) -> None:
    path = table(tmp_path, f"Query{mark} Video\nred car{mark}v1\n\ncat{mark}v2\n")
    rows = list(read_rows(path, needed=("query", "video")))
    assert [place for place, _ in rows] == [f"{path}:2", f"{path}:4"]
    assert [row for _, row in rows] == [
        {"query": "red car", "video": "v1"},
        {"query": "cat", "video": "v2"},
    ]


def test_a_quoted_field_holds_separators_line_ends_and_long_texts(tmp_path: Path) -> None:
    text = "one, two\n" + "word " * 40_000
    [(_, row)] = read_rows(table(tmp_path, f'id,transcript\nv1,"{text}"\n'))
    assert row == {"id": "v1", "transcript": text}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query\nred\n", ":1: the header has no column video"),
        ("", ":1: the header has no column query, video"),
        ("query,video,query\n", ":1: a column of the header appears twice"),
        ("query,video\nred\n", ":2: 1 values; the header has 2"),
        ('query,video\nred,"v1\nblue,v2\n', ":3: no valid CSV"),
        ('query,video\n"red" car,v1\n', ":2: no valid CSV"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(table(tmp_path, text), needed=("query", "video")))
