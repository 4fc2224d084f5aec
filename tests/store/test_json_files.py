"""JSON is read strictly, with file and line in every error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.store.json_files import (
    MAX_DEPTH,
    format_json_lines,
    numbered_json_lines,
    parse_json,
    read_json,
    read_json_lines,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def test_what_is_written_is_read(path: Path) -> None:
    items: list[dict[str, Any]] = [{"text": 'ü\u2028 {[\\"', "n": [1, 0.1, None, True]}, {"a": {"a": {}}}]
    path.write_text(format_json_lines(items), encoding="utf-8")
    assert read_json_lines(path) == items


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1}\n{"a": }\n', "2: invalid JSON: Expecting value at column 7."),
        (
            '\n{"b": {"x": 1, "y": 2, "x": 3}}',
            "2: invalid JSON: the key 'x' appears twice in one object.",
        ),
        ('{"a": NaN}', "1: invalid JSON: NaN is not a JSON value."),
        ('{"a": -Infinity}', "1: invalid JSON: -Infinity is not a JSON value."),
        ('{"a": ' + "9" * 5000 + "}", "1: invalid JSON: "),
        ("[" * 100_000, f"1: invalid JSON: nested too deeply (more than {MAX_DEPTH} levels)."),
        ("[1]", "1: a JSON object is expected, not a list."),
        ("true", "1: a JSON object is expected, not true or false."),
        ("null", "1: a JSON object is expected, not null."),
    ],
    ids=["syntax", "duplicate key", "NaN", "infinity", "digits", "depth", "list", "true", "null"],
)
def test_a_bad_line_is_named(path: Path, text: str, problem: str) -> None:
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_json_lines(path)
    assert str(error.value).startswith(f"{path}:{problem}")
    assert len(str(error.value)) < 300


def test_problems_can_be_collected(path: Path) -> None:
    path.write_text('{"a": 1}\n{\n"text"\n\n{"a": 2}\n')
    problems: list[str] = []
    assert list(numbered_json_lines(path, report=problems.append)) == [(1, {"a": 1}), (5, {"a": 2})]
    assert [problem.partition(" ")[0] for problem in problems] == [f"{path}:2:", f"{path}:3:"]


def test_an_error_in_a_longer_text_is_on_its_line(path: Path) -> None:
    path.write_text('{\n"a": 1,\n"b" 2}\n')
    with pytest.raises(DataError, match=r"file\.json:3: invalid JSON"):
        read_json(path)


def test_depth_is_of_brackets_outside_of_strings(path: Path) -> None:
    flat = json.dumps([[], {}] * 1000 + ["[{" * 1000, '\\"[' * 1000])
    assert parse_json(flat, path) == json.loads(flat)
    deep: Any = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_json(deep, path) == json.loads(deep)


def test_numbers_that_json_lacks_are_read_on_request(path: Path) -> None:
    path.write_text('{"loss": NaN}\n')
    assert str(read_json_lines(path, allow_nan=True)) == "[{'loss': nan}]"


def test_one_document_may_hold_such_numbers_on_request(path: Path) -> None:
    path.write_text('{"loss": NaN}\n')
    assert str(read_json(path, allow_nan=True)) == "{'loss': nan}"
    with pytest.raises(DataError, match="NaN is not a JSON value"):
        read_json(path)


def test_strings_between_brackets_hide_no_depth(path: Path) -> None:
    levels = MAX_DEPTH + 1
    for opened, closed in (('["a", ', "]"), ('[{"a": ', "}]")):
        with pytest.raises(DataError, match="nested too deeply"):
            parse_json(opened * levels + "1" + closed * levels, path)
