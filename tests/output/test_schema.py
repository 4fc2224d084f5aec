"""Columns and CSV forms of a run's files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.output.schema import FILES, MANIFEST, from_csv, is_run_entry, is_run_file, to_csv

FORMULAS = ["=1+1", "+1", "@SUM(A1)", "-2+3", "=HYPERLINK(1)", " =1", "'=1", "\uff1d1"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_text_begins_like_a_formula(name: str) -> None:
    text = to_csv(pd.DataFrame({"generator": [name], "value": [-0.5]}))
    field = text.splitlines()[1].strip('"')
    assert field.startswith("'")
    assert field.endswith(",-0.5")


@pytest.mark.parametrize("name", FORMULAS)
def test_no_column_is_called_like_a_formula(tmp_path: Path, name: str) -> None:
    path = tmp_path / "columns.csv"
    path.write_text(to_csv(pd.DataFrame({name: [1]})))
    assert path.read_text().startswith("'")
    assert list(from_csv(path)) == [name]


@pytest.mark.parametrize("name", ["-dQw4w9WgXcQ", "'quoted'", "'-abc", "007", "NA"])
def test_other_texts_are_written_as_they_are(name: str) -> None:
    assert to_csv(pd.DataFrame({"video_id": [name]})).splitlines()[1] == name


@given(st.text(st.sampled_from("'=+-@ a1\uff0b"), min_size=1))
def test_every_text_is_read_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "texts.csv"
    path.write_text(to_csv(pd.DataFrame({"video_id": [text], "BLEU-1": [0.5]})))
    assert from_csv(path, text="video_id")["video_id"].tolist() == [text]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "runs/../x.trec",
        "runs/a/b.trec",
        "runs/",
        "thesis.tex",
        "runs/\0.trec",
    ],
)
def test_no_other_file_is_one_of_a_run(name: str) -> None:
    assert not is_run_file(name)


def test_every_file_and_folder_of_a_run_may_be_at_the_top() -> None:
    assert all(is_run_entry(name) for name in (*FILES[""], *filter(None, FILES), "seed-3"))
    assert is_run_entry(f".{MANIFEST}.abcd1234.tmp")
    assert not is_run_entry(".x.tmp")
    assert not is_run_entry("seed-x")
