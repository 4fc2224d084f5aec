"""``bench reproduce``: paper and ours side by side, missing rows named, files in the run's folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.data.reader import read_dataset
from bench.output.checked import checked
from bench.output.manifest import read_file_list, read_manifest
from bench.paper.reproduce import Report, reproduce
from bench.paper.runs import Material, row_of, systems
from bench.paper.table2 import compare_counts, noun_counter
from tests.conftest import Cli
from tests.tiny import VIDEOS, Tiny, write_features, write_tiny


def named_as_the_papers(folder: Path, dataset: str = "QMV-Kwai") -> dict[str, Any]:
    """Write a dataset, and summaries under the names of three of the paper's rows."""
    write_tiny(folder / "data", metadata={"name": dataset})
    texts: dict[str, Callable[[str], str]] = {
        "qms": str,
        "seq2seq": lambda text: " ".join(text.split()[:2]),
        "mdvc": lambda text: "red",
    }
    for name, write in texts.items():
        lines = ({"video_id": v, "summary": write(text)} for v, text, split in VIDEOS if split == "test")
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {
        "data": str(folder / "data"),
        "generators": ["lead", *(f"file:{folder}/{name}.jsonl" for name in texts)],
        "retrievers": ["bm25"],
        "out": str(folder / "out"),
        "quiet": True,
    }


@pytest.fixture(scope="module")
def kwai(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return the report on Table V with a sweep, its run on a dataset that says it is the paper's."""
    folder = tmp_path_factory.mktemp("kwai")
    options = {**named_as_the_papers(folder), "store": str(folder / "store")}
    return reproduce("table5", options, vary_choices=True)


def folder_of(report: Report) -> Path:
    assert report.out is not None
    return report.out


def frame(report: Report, name: str = "table5.csv") -> pd.DataFrame:
    return pd.read_csv(io.StringIO(report.files[name]), keep_default_na=False, na_values=[""])


def statuses(report: Report, **where: str) -> set[str]:
    cells = frame(report)
    for column, value in where.items():
        cells = cells[cells[column] == value]
    return set(cells["status"])


def test_on_the_papers_dataset_each_cell_has_a_status(kwai: Report) -> None:
    measured = {"not contradicted", "not testable", "differs", "under-specified"}
    assert statuses(kwai, generator="qms", retriever="bm25") <= measured
    assert kwai.headline == "30 of 264 cells of table5 can be compared."
    assert "differs" in statuses(kwai, generator="mdvc", retriever="bm25")
    assert "not comparable" not in statuses(kwai)


def test_misprints_stay_impossible_whether_or_not_there_is_a_score_of_ours(kwai: Report) -> None:
    cells = frame(kwai)[lambda f: f["status"] == "impossible as printed"]
    assert list(zip(cells["generator"], cells["metric"], strict=True)) == [
        ("seq2seq", "Acc@5"), ("seq2seq", "Acc@10"), ("seq2seq", "Acc@30"), ("bart-text", "R@5"),
    ]  # fmt: skip
    assert cells["ours"].notna().tolist() == [True, True, True, False]


def test_rows_and_blocks_bear_the_papers_labels(kwai: Report) -> None:
    cells = next(table for table in kwai.tables if table.name == "table5")
    assert cells.rows[0][0] == ["BM25", "Seq2Seq", "paper"]
    assert {names[1] for names, _ in cells.rows} == {"Seq2Seq", "MDVC", "QMS"}
    assert {names[0] for names, _ in cells.rows} == {"BM25"}
    assert any(note.startswith("BM25 Seq2Seq Acc@5, impossible as printed") for note in cells.notes)


def test_rows_without_a_score_are_missing_never_differing(kwai: Report) -> None:
    assert statuses(kwai, retriever="dpr-ft") == {"missing"}
    assert statuses(kwai, generator="transformer") == {"missing"}


def test_missing_rows_are_named_with_the_reason_and_further_rows_too(kwai: Report) -> None:
    (line,) = [note for note in kwai.tables[0].notes if note.startswith("Missing") and "transformer" in note]
    assert (
        line
        == "Missing: transformer, bart-text, bart-mm, vg-bart-dp, vg-bart-mh, dpr-pt, dpr-ft: not in the run."
    )
    assert "Also run, not in the paper's table: lead." in kwai.tables[0].notes
    assert not any("absolute values" in note for note in kwai.tables[0].notes)


def test_paper_ours_and_status_are_rows_below_each_other(kwai: Report) -> None:
    table = kwai.tables[0]
    rows = {tuple(names): [cell.text for cell in cells] for names, cells in table.rows}
    place = list(table.columns).index("P@1")
    assert rows["BM25", "MDVC", "paper"][place] == "27.22"
    assert rows["BM25", "MDVC", "ours"][place].startswith("6.67 (")  # expected: its summaries are equal
    assert rows["BM25", "MDVC", "status"][place] == "differs"
    assert rows["BM25", "QMS", "status"][place] in ("differs", "not testable")  # of five queries
    assert ("DPR (PT)", "QMS", "paper") not in rows


def test_the_order_of_rows_is_given_where_three_rows_are_in_both(kwai: Report) -> None:
    order = frame(kwai, "table5-order.csv")
    assert set(order["retriever"]) == {"bm25"}
    assert order.set_index("metric").loc["P@1", "rows"] == 3
    assert order["tau"].dropna().between(-1, 1).all()


def test_every_claim_about_the_table_has_a_verdict(kwai: Report) -> None:
    verdicts = frame(kwai, "table5-claims.csv").set_index("id")["verdict"]
    assert verdicts["acc1-equals-p1"] == "holds"
    assert verdicts["fine-tuning-helps"] == "not testable"
    assert len(verdicts) == 8


def test_a_sweep_gives_each_cells_range_over_choices_one_at_a_time(kwai: Report) -> None:
    swept = frame(kwai, "table5-sweep.csv")
    assert {"all queries", "pool: all splits", "BM25 k1 1.2 b 0.75 (Lucene)"} < set(swept["choice"])
    assert swept["choice"].nunique() == 11
    as_run, first = (swept[swept["choice"] == c] for c in ("as run", "one query per video (draw 0)"))
    assert np.array_equal(as_run["value"], first["value"])
    spread = swept.groupby(["generator", "metric"])["value"].agg(np.ptp)
    assert spread["qms", "R@1"] > 0
    ranges = next(table for table in kwai.tables if table.name == "table5-sweep")
    (qms,) = [cells for names, cells in ranges.rows if names == ["BM25", "QMS"]]
    of_r1 = swept.query("generator == 'qms' and metric == 'R@1'")["value"] * 100
    assert qms[0].text == f"{of_r1.min():.2f}–{of_r1.max():.2f}"


def test_a_sweep_says_which_verdicts_change_and_makes_equal_runs_once(kwai: Report) -> None:
    table = next(table for table in kwai.tables if table.name == "table5-sweep-claims")
    verdicts = frame(kwai, "table5-sweep-claims.csv").set_index("id")
    changing = verdicts[verdicts.nunique(axis=1) > 1]
    assert [names[0] for names, _ in table.rows] == list(changing.index)
    assert f"{8 - len(changing)} of 8 claims" in table.notes[0]
    runs = {path.name for path in (folder_of(kwai) / "reproduce" / "runs").iterdir()}
    assert runs == {
        "all-queries",
        "one-query-per-video-draw-1",
        "one-query-per-video-draw-2",
        "bm25-k1-1.2-b-0.75-lucene",
        "bm25-analyzer-standard-whole-words-or-single-characters",
        "pool-all-splits",
    }


def test_the_report_is_in_the_runs_folder_with_its_digest(kwai: Report) -> None:
    manifest = read_manifest(folder_of(kwai))
    page = checked(folder_of(kwai), manifest, "reproduce/table5.md").read_text()
    assert "Claims of the text" in page
    assert checked(folder_of(kwai), manifest, "reproduce/table5.csv").read_text() == kwai.files["table5.csv"]


def test_a_finished_run_is_reused_and_reports_on_other_tables_stay(kwai: Report, cli: Cli) -> None:
    before = (folder_of(kwai) / "scores.csv").stat().st_mtime_ns
    outcome = cli("reproduce", "table3", "--from", folder_of(kwai))
    assert outcome.status == 0
    assert "| QMS | ours | " in outcome.out
    files = read_manifest(folder_of(kwai)).files
    assert {"reproduce/table3.md", "reproduce/table5.md", "reproduce/table5-sweep.csv"} <= set(files)
    assert (folder_of(kwai) / "scores.csv").stat().st_mtime_ns == before


def test_a_finished_run_knows_its_dataset(kwai: Report, cli: Cli) -> None:
    outcome = cli("reproduce", "fig3", "--from", folder_of(kwai), "--format", "csv")
    assert outcome.status == 0
    assert next(csv.reader(io.StringIO(outcome.out))) == ["Div-n", "Div-1", "Div-2"]


def test_on_another_dataset_nothing_is_called_reproduced(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli("reproduce", "table5", "--data", tiny.folder, "--generators", "lead,transcript",
               "--retrievers", "bm25", "--out", tmp_path / "out", "--quiet")  # fmt: skip
    assert outcome.status == 0, outcome.err
    first = outcome.out.splitlines()[0]
    assert first.startswith(
        "0 of 264 cells of table5 can be compared: this run has none of the paper's rows (seq2seq, "
    )
    assert first.endswith(f"Run: bench reproduce table5 --data {tiny.folder}")
    assert "| missing |" not in outcome.out
    assert "| fine-tuning-helps |" not in outcome.out
    assert "absolute values are not comparable" in outcome.out
    assert "Also run, not in the paper's table: lead, transcript." in outcome.out
    with (tmp_path / "out" / "reproduce" / "table5.csv").open(newline="") as lines:
        assert {line["status"] for line in csv.DictReader(lines)} == {"missing", "impossible as printed"}


def test_generation_on_another_dataset_is_not_comparable(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli("reproduce", "table3", "--data", tiny.folder, "--generators", "lead",
               "--out", tmp_path / "out", "--quiet")  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert "0 of 54 cells of table3 can be compared: ours on tiny" in outcome.out
    assert "The 6 cells that both have are shown" in outcome.out
    assert "| Lead | status | not comp. |" in outcome.out
    assert "54" not in outcome.out.partition("Cells: ")[2].partition(" ")[0]


def test_several_seeds_are_compared_by_their_mean_and_its_interval(tmp_path: Path) -> None:
    options = named_as_the_papers(tmp_path) | {"generators": ["oracle", "lead"], "seed": [0, 1]}
    report = reproduce("table3", options)
    scores = pd.read_csv(folder_of(report) / "scores.csv", dtype={"seed": str})
    mean = scores[(scores["seed"] == "mean") & (scores["generator"] == "lead") & scores["retriever"].isna()]
    ours = frame(report, "table3.csv").query("generator == 'lead'").set_index("metric")
    for row in mean.itertuples():
        cell = ours.loc[str(row.metric)]
        assert tuple(cell[["ours", "low", "high"]]) == pytest.approx((row.value, row.ci_low, row.ci_high))


def test_the_errors_of_the_run_are_its_exit_status(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("reproduce", "table3", "--data", tiny.folder, "--generators", "nobody")
    assert outcome.status == 2
    assert "nobody" in outcome.error()


def test_an_unknown_table_is_answered_with_the_near_one(cli: Cli) -> None:
    outcome = cli("reproduce", "tabel5")
    assert outcome.status == 2
    assert "Did you mean table5?" in outcome.error()


def test_options_of_a_run_beside_a_finished_run_are_refused(tmp_path: Path, cli: Cli) -> None:
    outcome = cli("reproduce", "table5", "--from", tmp_path, "--seed", "1", "--no-train")
    assert outcome.status == 2
    assert "--no-train, --seed" in outcome.error()


@pytest.mark.parametrize("target", ["table2", "table3", "fig3"])
def test_what_retrieval_cannot_change_is_not_swept(target: str, cli: Cli) -> None:
    outcome = cli("reproduce", target, "--sweep")
    assert outcome.status == 2
    assert target in outcome.error()


def test_a_folder_without_a_run_is_a_data_error(tmp_path: Path, cli: Cli) -> None:
    outcome = cli("reproduce", "table5", "--from", tmp_path)
    assert outcome.status == 3
    assert str(tmp_path) in outcome.error()


def test_each_of_the_datasets_features_is_a_run_of_table_7(tiny: Tiny, tmp_path: Path) -> None:
    for name in ("resnet-50", "other"):
        write_features(tiny.folder / "features" / name, {video: 2 for video, _, _ in VIDEOS})
    (tmp_path / "qms.jsonl").write_text('{"video_id": "v2", "summary": "apple pie"}\n')
    report = reproduce(
        "table7",
        {"data": str(tiny.folder), "generators": [f"file:{tmp_path}/qms.jsonl"], "quiet": True,
         "out": str(tmp_path / "out")},
    )  # fmt: skip
    measured = (
        frame(report, "table7.csv").groupby("generator")["ours"].agg(lambda ours: bool(ours.notna().all()))
    )
    assert measured.to_dict() == {"qms[resnet]": True, "qms[i3d]": False, "qms": False}
    assert "Also run, not in the paper's table: qms[other], qms[tiny-4]." in report.tables[0].notes

    runs = tmp_path / "out" / "reproduce" / "runs"
    assert {path.name for path in runs.iterdir()} == {"resnet-50", "tiny-4"}


def test_another_run_in_the_folder_leaves_no_report_on_the_one_before(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    write_features(tiny.folder / "features" / "more", {video: 2 for video, _, _ in VIDEOS})
    options = ("--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25", "--out", out, "--quiet")
    assert cli("reproduce", "table7", *options).status == 0
    assert (out / "reproduce" / "runs" / "tiny-4" / "scores.csv").is_file()
    assert cli("run", *options).status == 0
    assert not (out / "reproduce").exists()


def test_features_are_recognised_by_the_label_that_the_paper_prints() -> None:
    assert row_of("qms", "CLIP-ViT-B-32") == "qms"
    assert row_of("qms", "i3d-rgb") == "qms[i3d]"
    assert row_of("qms", "dino") == "qms[dino]"
    assert row_of("lead", "i3d-rgb") == "lead[i3d-rgb]"


def test_a_table_needs_the_systems_of_its_rows_in_its_order() -> None:
    assert systems("table3", "generator")[:3] == ["lead", "seq2seq", "transformer"]
    assert systems("table7", "generator") == ["qms"]
    assert systems("table5", "retriever") == ["bm25", "dpr-pt", "dpr-ft"]


def test_table_2_compares_counts_exactly_and_only_on_the_papers_dataset(tmp_path: Path) -> None:
    write_tiny(tmp_path / "ours")
    write_tiny(tmp_path / "kwai", metadata={"name": "QMV-Kwai"})
    ours, kwai = (compare_counts(read_dataset(tmp_path / name)) for name in ("ours", "kwai"))
    assert set(ours["status"]) == {"not comparable", "impossible as printed"}
    assert set(kwai["status"]) == {"differs", "impossible as printed"}
    impossible = kwai[kwai["status"] == "impossible as printed"]
    assert list(impossible["count"]) == ["#Query", "#V-Q Pair"]
    assert set(impossible["split"]) == {"all"}
    assert list(ours["ours"])[:4] == [4, 2, 6, 12]


def test_table_2_is_printed_and_written_into_the_folder_named(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli("reproduce", "table2", "--data", tiny.folder, "--out", tmp_path / "out")
    assert outcome.status == 0, outcome.err
    assert "| #Micro-video | ours | 4 | 2 | 6 | 12 |" in outcome.out
    assert "Entities are counted in Chinese only" in outcome.out
    assert "reproduce/table2.csv" in read_file_list(tmp_path / "out").files
    assert cli("reproduce", "table2", "--data", tiny.folder).out == outcome.out


@pytest.mark.parametrize("target", ["table2", "table3"])
def test_a_folder_below_the_home_folder_is_named_by_a_tilde(
    target: str, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    none = pd.DataFrame(columns=["generator", "retriever", "metric", "value"])
    monkeypatch.setattr("bench.paper.reproduce.run_for", lambda *_: Material(none))
    out = reproduce(target, {"data": tiny.folder, "out": "~/out"}).out
    assert out == tmp_path / "home" / "out"
    assert not (tmp_path / "~").exists()


def test_a_folder_with_other_files_is_not_written_into(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    outcome = cli("reproduce", "table2", "--data", tiny.folder, "--out", tmp_path / "mine")
    assert outcome.status == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_nouns_are_counted_each_time_they_occur() -> None:
    count = noun_counter()
    assert count("苹果和苹果") == 2
    assert count("跑了") == 0


def test_a_failed_cell_is_not_that_of_another_system_whose_name_is_a_part_of_it(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "my lead.jsonl").write_text('{"video_id": "v2"}\n')
    outcome = cli("reproduce", "table3", "--data", tiny.folder, "--generators",
                  f"file:{tmp_path}/my lead.jsonl", "--out", tmp_path / "out", "--quiet")  # fmt: skip
    assert "Failed: my lead: " in outcome.out
    (missing,) = (line for line in outcome.out.splitlines() if line.startswith("Missing: lead, "))
    assert missing.rstrip().endswith(": not in the run.")
