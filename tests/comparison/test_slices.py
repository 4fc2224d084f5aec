"""Scores by attributes of queries: in tables, comparisons and gates, from files of any origin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from bench.comparison.attributes import QueryAttributes, question_word
from bench.comparison.slices import find_reversals
from bench.errors import DataError
from bench.output.attributes import attributes_text, free_fields, read_attributes
from bench.output.per_item import RunItems
from bench.output.schema import SLICE_COLUMNS
from bench.result import Result
from tests.conftest import Cli

WEB, SHOP = 25, 30
"""Topics of each kind: of the first, run a finds all; of the second, run b."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make runs a and b, judgements, and queries as BEIR has them, with an attribute in their metadata."""
    names = [f"q{i}" for i in range(WEB + SHOP)]
    (tmp_path / "qrels").write_text("".join(f"{q} 0 good 1\n" for q in names))
    queries = [
        {
            "_id": q,
            "text": f"how to {'very ' * (i % 3)}{q}",
            "metadata": {"kind": "web" if i < WEB else "shop"},
        }
        for i, q in enumerate(names)
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    for run, finds in (("a", range(WEB)), ("b", range(WEB, WEB + SHOP))):
        hits = (f"{q} Q0 {'good' if i in finds else 'bad'} 1 1 x\n" for i, q in enumerate(names))
        (tmp_path / f"{run}.trec").write_text("".join(hits))
    return tmp_path


def words(files: Path, *more: object) -> list[object]:
    return ["--qrels", files / "qrels", "--queries", files / "queries.jsonl", "--metrics", "P@1", *more]


def test_evaluate_prints_a_table_by_attribute_and_keeps_all_slices(files: Path, cli: Cli) -> None:
    runs = ["--run", files / "a.trec", "--run", files / "b.trec"]
    done = cli("evaluate", *runs, *words(files, "--by", "kind,length", "--out", files / "out"))
    assert done.status == 0, done.err
    assert "| Run | a | 45.45 | 0.00 | 100.00 |" in done.out
    assert "all (n = 55) | shop (n = 30) | web (n = 25)" in done.out
    slices = pd.read_csv(files / "out" / "slices.csv")
    assert tuple(slices) == SLICE_COLUMNS
    assert set(slices["attribute"]) == {"kind", "length"}
    assert "By attribute of the query" in (files / "out" / "report.html").read_text()
    again = cli("table", files / "out", "--by", "kind", "--metric", "P@1", "--intervals")
    assert "100.00 [100.00, 100.00]" in again.out


def test_slices_weigh_up_to_the_score_of_all_queries(files: Path, cli: Cli) -> None:
    cli("evaluate", "--run", files / "a.trec", *words(files, "--out", files / "out"))
    slices = pd.read_csv(files / "out" / "slices.csv")
    for _, rows in slices.groupby(["attribute", "metric"]):
        whole, parts = rows[rows["slice"] == "all"], rows[rows["slice"] != "all"]
        assert (parts["value"] * parts["n"]).sum() / parts["n"].sum() == pytest.approx(whole["value"].item())


def test_without_attributes_nothing_is_added(files: Path, cli: Cli) -> None:
    words = ["--qrels", files / "qrels", "--run", files / "a.trec", "--out", files / "out"]
    assert cli("evaluate", *words).status == 0
    assert not {"attributes.csv", "slices.csv"} & {path.name for path in (files / "out").iterdir()}
    assert "By attribute" not in (files / "out" / "report.html").read_text()


def test_attributes_of_topics_come_from_a_csv_file(files: Path, cli: Cli) -> None:
    (files / "more.csv").write_text("qid,market\nq0,'=de\nq1,fr\n")
    run = ["--run", files / "a.trec", "--attributes", files / "more.csv", "--by", "market"]
    done = cli("evaluate", *run, "--format", "csv", *words(files))
    assert "Retriever,Model,all (n = 55),'=de (n = 1),fr (n = 1),(none) (n = 53)" in done.out.splitlines()
    (files / "more.csv").write_text("qid,market\nx,de\n")
    assert cli("evaluate", *run, *words(files)).status == 3
    unknown = cli("evaluate", "--run", files / "a.trec", *words(files, "--by", "knd"))
    assert unknown.status == 2
    assert "Did you mean kind" in unknown.err


def test_an_attribute_of_the_text_needs_texts(files: Path, cli: Cli) -> None:
    done = cli("evaluate", "--run", files / "a.trec", "--qrels", files / "qrels", "--by", "length")
    assert done.status == 2
    assert "'length' is computed from the texts of the queries" in done.error()
    assert "--queries" in done.error()


def test_compare_tests_within_each_slice(files: Path, cli: Cli) -> None:
    done = cli(
        "compare", files / "a.trec", files / "b.trec", *words(files, "--by", "kind", "--format", "csv")
    )
    assert done.status == 0, done.err
    rows = [line.split(",") for line in done.out.splitlines() if not line.startswith("#")]
    assert rows[0][:5] == ["Retriever", "Metric", "kind", "Model", "Against"]
    assert {(row[2], row[6]) for row in rows[1:] if row[6]} == {
        ("shop (n = 30)", "+100.00"),
        ("web (n = 25)", "-100.00"),
    }
    assert "2 comparisons" in done.out


def test_a_gate_per_slice_sees_what_the_mean_hides(files: Path, cli: Cli) -> None:
    gate = ["check", files / "b.trec", "--against", files / "a.trec", "--fail-on", "drop", "--significant"]
    assert cli(*gate, *words(files)).status == 0
    done = cli(*gate, *words(files, "--by", "kind", "--format", "json"))
    assert done.status == 5
    rows = json.loads(done.out)["rows"]
    assert [(row["part"], row["failed"]) for row in rows] == [
        ("", False), ("kind: shop", False), ("kind: web", True)
    ]  # fmt: skip
    assert all(row["p_holm"] is not None for row in rows)


def test_a_reversal_names_the_slices_in_which_the_other_system_leads() -> None:
    values = {"a": (0.5, 0.3, 0.3, 0.95), "b": (0.4, 0.35, 0.35, 0.5)}
    rows = [
        {"slice": name, "generator": system, "retriever": "run", "value": value, "n": 30}
        for system, scores in values.items()
        for name, value in zip(("all", "short", "middle", "long"), scores, strict=True)
    ]
    (reversal,) = find_reversals(pd.DataFrame(rows))
    assert reversal.to_text({"run": "Run"}) == (
        "Reversal, Run: a is higher than b over all queries (+10.00), and lower in 2 of 3 slices "
        "of at least 20 queries (short -5.00, middle -5.00)."
    )
    small = pd.DataFrame([{**row, "n": 30 if row["slice"] != "short" else 5} for row in rows])
    assert not list(find_reversals(small))


def test_lengths_are_divided_into_thirds(files: Path, cli: Cli) -> None:
    cli("evaluate", "--run", files / "a.trec", *words(files, "--out", files / "out"))
    result = Result.read(files / "out")
    slices = QueryAttributes(RunItems(result.out, result.manifest)).slices("length")
    assert {name: len(queries) for name, queries in slices.items()} == {"3": 19, "4": 18, "5": 18}


def slices_of(files: Path, cli: Cli, values: Sequence[object]) -> dict[str, int]:
    """Divide the topics by an attribute with these values, in turn; returns the sizes of the slices."""
    rows = [f"q{i},{values[i % len(values)]}\n" for i in range(WEB + SHOP)]
    (files / "more.csv").write_text("id,group\n" + "".join(rows))
    out, more = files / "out", ["--attributes", files / "more.csv"]
    assert cli("evaluate", "--run", files / "a.trec", *words(files, *more, "--out", out)).status == 0
    slices = pd.read_csv(out / "slices.csv").query("attribute == 'group'")
    return dict(zip(slices["slice"], slices["n"].tolist(), strict=True))


def test_numbers_that_are_near_each_other_are_three_slices(files: Path, cli: Cli) -> None:
    times = [1_700_000_000 + i for i in range(WEB + SHOP)]
    assert slices_of(files, cli, times) == {
        "all": 55,
        "1700000000–1700000018": 19,
        "1700000019–1700000036": 18,
        "1700000037–1700000054": 18,
    }


def test_a_value_called_all_is_another_slice_than_that_of_all_queries(files: Path, cli: Cli) -> None:
    sizes = slices_of(files, cli, ["all", "web"])
    assert sizes == {"all": 55, "all (value)": 28, "web": 27}


def test_copies_of_a_query_count_once_in_every_table(files: Path, cli: Cli) -> None:
    """They are one information need, whatever the attributes of the copies are."""
    lines = (files / "queries.jsonl").read_text().splitlines()
    copy = json.loads(lines[0])["text"]
    lines[-1] = json.dumps({"_id": f"q{WEB + SHOP - 1}", "text": copy, "metadata": {"kind": "shop"}})
    (files / "queries.jsonl").write_text("\n".join(lines))
    runs = [files / "a.trec", files / "b.trec"]
    compared = cli("compare", *runs, *words(files, "--by", "kind")).out
    evaluated = cli("evaluate", "--run", runs[0], *words(files, "--by", "kind")).out
    assert "all (n = 54) | shop (n = 29) | web (n = 25)" in evaluated
    assert "shop (n = 29)" in compared
    assert "web (n = 25)" in compared


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("How to bake", "how"), ("is it raining", "yes/no"), ("apple pie", "(none)"), ("", "(none)"),
        ("怎么做苹果派", "how"), ("这是什么", "what"), ("多少钱", "how many"),
    ],
)  # fmt: skip
def test_question_words(text: str, word: str) -> None:
    assert question_word(text) == word


def test_free_fields_are_what_can_be_written_as_text() -> None:
    item = {"id": "q", "text": "t", "year": 2020, "new": True, "tags": ["x"], "none": None, "a": "b\nc"}
    reserved = {"query_id": "p", "query_id ": "p", "\nid": "p", "text\t": "p", "_id ": "p"}
    assert free_fields({**item, **reserved, "metadata": {"kind": "web"}}) == {
        "year": "2020", "new": "true", "a": "b c", "kind": "web"
    }  # fmt: skip


def test_attributes_of_any_name_and_text_are_read_back(tmp_path: Path) -> None:
    item = {"id": "q", "a\nb": "'=x\r\ny", "=c": '=1,"2"', "half \ud800": "\udfff", " ": "no name"}
    fields = free_fields(item)
    path = tmp_path / "a.csv"
    path.write_text(attributes_text({"q": fields}, ["q", "p"]), encoding="utf-8")
    assert read_attributes(path) == {"q": fields, "p": {}}
    assert path.read_text(encoding="utf-8").startswith("query_id,a b,'=c,")
    assert fields == {"a b": "'=x y", "=c": '=1,"2"', "half \ufffd": "\ufffd"}


def test_damaged_attributes_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for text, line in (
        ("q,kind\nq1\n", 2),
        ("q,kind\nq1,a\nq1,b\n", 3),
        ("q\n", 1),
        ('q,kind\nq1,"a\n', 2),
        ("q,a,a\n", 1),
        ("q,\n", 1),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(DataError, match=f"a.csv:{line}: "):
            read_attributes(path)


def test_a_long_text_is_an_attribute(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(attributes_text({"q": {"body": "x" * 200_000}}, ["q"]))
    assert len(read_attributes(path)["q"]["body"]) == 200_000
