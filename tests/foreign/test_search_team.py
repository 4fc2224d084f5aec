"""What a search team sees: the numbers of other tools on its files, and a gate that looks into slices."""

from __future__ import annotations

import json
from pathlib import Path

import ir_measures
import pytest

from tests.conftest import Cli
from tests.foreign.search_team import write_files

METRICS = ("nDCG@10", "MRR@10", "MAP@10", "R@10", "P@10", "Acc@10")
THEIRS = {
    "old": (0.369971284817, 0.442046957672, 0.310069995591, 0.466666666667, 0.08, 0.616666666667),
    "new": (0.382469634782, 0.397298280423, 0.337405202822, 0.479166666667, 0.079166666667, 0.566666666667),
}
"""What ``toolkit-rag score --k 10`` (toolkit-rag-quality 1.0.0) prints for these files, to 12 decimals."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scores_are_those_of_other_tools(folder: Path, cli: Cli) -> None:
    runs = ["--run", "old.trec", "--run", "new.trec", "--metrics", ",".join(METRICS), "--out", "out"]
    assert cli("evaluate", "--qrels", "beir", *runs).status == 0
    rows = [line.split(",") for line in (folder / "out" / "scores.csv").read_text().splitlines()[1:]]
    scores = {(row[0], row[2]): float(row[3]) for row in rows}
    for run, values in THEIRS.items():
        for metric, value in zip(METRICS, values, strict=True):
            assert scores[run, metric] == pytest.approx(value, abs=1e-11)
    judged = [
        line.split("\t") for line in (folder / "beir" / "qrels" / "test.tsv").read_text().splitlines()[1:]
    ]
    qrels = [ir_measures.Qrel(query, document, int(grade)) for query, document, grade in judged]
    names = {"nDCG@10": "nDCG@10", "AP@10": "MAP@10", "R@10": "R@10", "P@10": "P@10", "Success@10": "Acc@10"}
    measures = [ir_measures.parse_measure(name) for name in names]
    theirs = ir_measures.calc_aggregate(measures, qrels, ir_measures.read_trec_run("old.trec"))
    for measure, value in theirs.items():
        assert scores["old", names[str(measure)]] == pytest.approx(value, abs=1e-9)


def test_a_gate_by_slice_sees_what_the_mean_hides(folder: Path, cli: Cli) -> None:
    gate = ["check", "new.trec", "--against", "old.trec", "--qrels", "beir", "--metrics", "nDCG@10"]
    assert cli(*gate, "--fail-on", "drop", "--significant").status == 0
    done = cli(*gate, "--fail-on", "drop", "--significant", "--by", "kind", "--format", "json")
    assert done.status == 5
    failed = [row["part"] for row in json.loads(done.out)["rows"] if row["failed"]]
    assert failed == ["kind: web"]
