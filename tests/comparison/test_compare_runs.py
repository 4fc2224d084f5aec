"""bench compare: differences, letters and wins, in one run and across two."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.comparison.compare_runs import compare_runs
from tests.competing_run import CompetingRun
from tests.conftest import Cli, Outcome


def rows(outcome: Outcome) -> list[Mapping[str, str]]:
    assert outcome.status == 0, outcome.err
    lines = [line for line in outcome.out.splitlines() if not line.startswith("# ")]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


def by_model(lines: list[Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    return {row["Model"]: row for row in lines}


def compared(cli: Cli, *arguments: object) -> list[Mapping[str, str]]:
    return rows(cli("compare", *arguments, "--format", "csv"))


def test_each_row_is_compared_with_the_best_one_unless_one_is_named(
    competing_run: CompetingRun, cli: Cli
) -> None:
    lines = by_model(compared(cli, competing_run.out, "--metric", "Acc@10"))
    assert list(lines) == ["Oracle", "long", "short", "twin", "Transcript"]
    assert lines["long"]["difference"] == ""
    scores = competing_run.result().scores.query("metric == 'Acc@10'").set_index("generator")["value"]
    for name, row in lines.items():
        assert float(row["score"]) == pytest.approx(scores[name.lower()] * 100, abs=0.005)
        if name != "long":
            expected = (scores[name.lower()] - scores["long"]) * 100
            assert float(row["difference"]) == pytest.approx(expected, abs=0.005)
            assert float(row["95 % low"]) <= float(row["difference"]) <= float(row["95 % high"])


def test_each_row_names_what_it_is_against(competing_run: CompetingRun, cli: Cli) -> None:
    found = by_model(compared(cli, competing_run.out, "--metric", "R@10"))
    assert {model: row["Against"] for model, row in found.items()} == {
        "Oracle": "long", "long": "", "short": "long", "twin": "long", "Transcript": "long",
    }  # fmt: skip
    text = cli("compare", competing_run.out, "--metric", "R@10").out
    assert "share a letter are not significantly different" in text
    assert "\nWith BM25, long finds most. R@10: " in text


def test_twins_share_their_letters_and_long_is_apart(competing_run: CompetingRun, cli: Cli) -> None:
    lines = by_model(compared(cli, competing_run.out, "--metric", "Acc@10"))
    assert lines["short"]["group"] == lines["twin"]["group"]
    assert not set(lines["long"]["group"].split()) & set(lines["short"]["group"].split())
    assert float(lines["short"]["p (Holm)"]) < 0.05


def test_the_least_p_of_drawing_is_named(competing_run: CompetingRun, cli: Cli) -> None:
    outcome = cli("compare", competing_run.out, "--metric", "R@10", "--format", "csv")
    least = min(float(row["p (Holm)"]) for row in rows(outcome) if row["p (Holm)"])
    assert least == round(4 / 10_001, 4)
    assert f"p = {least:.4f} is the least that 10,000 draws give after correction" in outcome.out


def test_one_metric_of_ranks_and_one_of_texts_are_compared_by_default(
    competing_run: CompetingRun, cli: Cli
) -> None:
    assert {row["Metric"] for row in compared(cli, competing_run.out)} == {"R@10", "CIDEr"}
    assert {row["Metric"] for row in compared(cli, competing_run.out, "--metric", "P@*")} >= {"P@1", "P@10"}


def test_wins_ties_and_losses_are_those_of_the_queries(competing_run: CompetingRun, cli: Cli) -> None:
    row = by_model(compared(cli, competing_run.out, "--metric", "Acc@10", "--baseline", "short"))["long"]
    counts = [int(row[name]) for name in ("wins", "ties", "losses")]
    texts = dict(line.split("\t") for line in (competing_run.out / "queries.tsv").read_text().splitlines())
    assert sum(counts) == len(set(texts.values()))
    assert counts[0] > counts[2]


@pytest.mark.parametrize("name", ["transcript", "Transcript"])
def test_the_baseline_is_named_as_typed_or_as_printed(
    competing_run: CompetingRun, cli: Cli, name: str
) -> None:
    lines = by_model(compared(cli, competing_run.out, "--metric", "R@10", "--baseline", name))
    assert [model for model, row in lines.items() if not row["difference"]] == ["Transcript"]


def test_holm_counts_every_comparison_printed(competing_run: CompetingRun, cli: Cli) -> None:
    one = by_model(compared(cli, competing_run.out, "--metric", "Acc@10"))["short"]["p (Holm)"]
    all_of_them = compared(cli, competing_run.out, "--metric", "R@*,Acc@*")
    many = next(r for r in all_of_them if (r["Model"], r["Metric"]) == ("short", "Acc@10"))["p (Holm)"]
    assert float(many) >= float(one)
    assert len(all_of_them) == 5 * 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "shrot"], "Did you mean short?"),
        (["--metric", "Acc@7"], "unknown metric 'Acc@7'"),
    ],
)
def test_unknown_names_are_2_with_near_ones(
    competing_run: CompetingRun, cli: Cli, arguments: list[str], message: str
) -> None:
    outcome = cli("compare", competing_run.out, *arguments)
    assert outcome.status == 2
    assert message in outcome.error()


def test_a_folder_that_is_no_run_is_3(tmp_path: Path, cli: Cli) -> None:
    assert cli("compare", tmp_path).status == 3


@pytest.mark.parametrize(
    ("form", "word"), [("markdown", "| BM25 |"), ("latex", r"\begin{tabular}"), ("html", "<table")]
)
def test_every_format_is_printed(competing_run: CompetingRun, cli: Cli, form: str, word: str) -> None:
    outcome = cli("compare", competing_run.out, "--format", form, "--metric", "R@1")
    assert outcome.status == 0
    assert word in outcome.out
    assert "Signature: " in outcome.out


# Two runs


def test_cells_of_two_runs_are_matched_by_name(competing_run: CompetingRun, tmp_path: Path, cli: Cli) -> None:
    other = tmp_path / "other"
    changed = competing_run.folder / "changed" / "short.jsonl"
    changed.parent.mkdir(exist_ok=True)
    changed.write_bytes(competing_run.summaries("long").read_bytes())
    competing_run.run(other, generators=["transcript", f"file:{changed}"])
    lines = by_model(compared(cli, competing_run.out, other, "--metric", "Acc@10"))
    assert set(lines) == {f"{n} [out]" for n in ("Oracle", "long", "short", "twin", "Transcript")} | {
        "Transcript [other]", "short [other]",
    }  # fmt: skip
    assert lines["short [out]"]["difference"] == ""
    assert (lines["Transcript [other]"]["difference"], lines["Transcript [other]"]["wins"]) == ("+0.00", "0")
    long, short = (float(lines[f"{name} [out]"]["score"]) for name in ("long", "short"))
    assert float(lines["short [other]"]["difference"]) == pytest.approx(long - short, abs=0.011)
    across = by_model(compared(cli, competing_run.out, other, "--metric", "Acc@10", "--baseline", "long"))
    assert float(across["short [other]"]["difference"]) == 0


def test_runs_over_other_queries_are_refused(competing_run: CompetingRun, tmp_path: Path, cli: Cli) -> None:
    competing_run.run(tmp_path / "out", query_seed=1)
    outcome = cli("compare", competing_run.out, tmp_path / "out")
    assert outcome.status == 2
    assert "evaluated queries" in outcome.error()


def test_runs_over_other_pools_and_data_are_refused(
    competing_run: CompetingRun, tmp_path: Path, cli: Cli
) -> None:
    competing_run.run(tmp_path / "val", split="val", generators="lead")
    assert "split" in cli("compare", competing_run.out, tmp_path / "val").error()
    from tests.tiny import write_tiny

    tiny = write_tiny(tmp_path / "tiny")
    competing_run.run(tmp_path / "out", data=tiny.folder, generators="lead")
    assert "dataset digest" in cli("compare", competing_run.out, tmp_path / "out").error()


def test_an_untouched_rerun_differs_nowhere(competing_run: CompetingRun, tmp_path: Path, cli: Cli) -> None:
    competing_run.run(tmp_path / "again")
    lines = compared(cli, competing_run.out, tmp_path / "again", "--metric", "P@*,BLEU-4,CIDEr")
    differences = [float(row["difference"]) for row in lines if row["difference"]]
    assert len(differences) == 5 * 6
    assert not np.any(differences)


# Retrievers


def test_retrievers_are_compared_over_the_same_summaries(
    competing_run: CompetingRun, tmp_path: Path, cli: Cli
) -> None:
    short = f"file:{competing_run.summaries('short')}"  # short texts are encoded quickly
    result = competing_run.run(tmp_path / "both", generators=["oracle", short], retrievers=["bm25", "dpr-pt"])
    lines = compared(cli, tmp_path / "both", "--by", "retriever", "--metric", "R@10", "--baseline", "bm25")
    assert [(row["Model"], row["Retriever"]) for row in lines] == [
        ("Oracle", "BM25"), ("Oracle", "DPR (PT)"), ("short", "BM25"), ("short", "DPR (PT)"),
    ]  # fmt: skip
    scores = result.scores.query("metric == 'R@10'").set_index(["generator", "retriever"])["value"]
    for row in lines:
        if row["Retriever"] == "BM25":
            assert row["difference"] == ""
        else:
            name = row["Model"].lower()
            expected = (scores[name, "dpr-pt"] - scores[name, "bm25"]) * 100
            assert float(row["difference"]) == pytest.approx(expected, abs=0.0051)  # rounded
            assert int(row["wins"]) + int(row["ties"]) + int(row["losses"]) > 0


def test_a_single_retriever_has_none_to_be_compared_with(competing_run: CompetingRun, cli: Cli) -> None:
    outcome = cli("compare", competing_run.out, "--by", "retriever")
    assert outcome.status == 2
    assert "one retriever" in outcome.error()


def test_the_names_of_folders_tell_two_runs_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there/out", "more/out"):
        bench.evaluate({"a": {"q": {"d": 1.0}}}, {"q": {"d": 1}}, metrics=["P@1"], out=tmp_path / name)
    monkeypatch.chdir(tmp_path / "here")
    for outs, names in [
        ((".", "../there/out"), ["here", "out"]),
        (("../there/out", "../more/out"), ["../there/out", "../more/out"]),
    ]:
        table = compare_runs([Path(out) for out in outs])
        assert [row[0][2] for row in table.rows] == [f"a [{name}]" for name in names]
        notes = [note.partition(":")[0] for note in table.notes if note.startswith("Signature")]
        assert notes == [f"Signature of {name}" for name in names]
