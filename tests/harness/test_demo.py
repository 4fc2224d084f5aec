"""bench demo: the recorded summaries are of the demo as it is, and score as the run that wrote them did."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bench
from bench.comparison.regression import read_baseline
from bench.errors import DataError
from bench.harness.demo import demo_folder, demo_options, recorded_run
from bench.result import Result
from bench.systems.file_summaries import read_record
from bench.systems.registry import FILE_PREFIX, entries
from tests.conftest import ROOT, Cli
from tests.tiny import Tiny

AGAIN = (
    "the demo is not that of the recorded run; make OUT with 'bench run --generators "
    "all,training-free,transcript,oracle --retrievers bm25 --out OUT', then run "
    "'python benchmarks/record_demo.py OUT'"
)
ROWS = ("bart-mm", "mdvc")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Search two recorded rows and one that is written now, as ``bench demo`` does with all of them."""
    names = [name for name in demo_options()["generators"] if Path(name).stem in ("lead", *ROWS)]
    folder = tmp_path_factory.mktemp("demo")
    return bench.run(**{**demo_options(), "generators": names}, out=folder / "out", store=folder / "store")


def test_the_scores_are_those_of_the_recorded_run(demo: Result) -> None:
    assert demo.manifest.dataset.digest == recorded_run()["dataset"], AGAIN
    scores = demo.headline.set_index(["generator", "metric"]).value
    for name in ("lead", *ROWS):
        for metric, value in recorded_run()["scores"][name].items():
            assert scores[name, metric] == pytest.approx(value, abs=1e-9), AGAIN


def test_the_scores_are_those_of_the_regression_table_which_trains_its_rows(demo: Result) -> None:
    committed = read_baseline(ROOT / "results" / "regression" / "demo-quick.csv").cells
    scores = demo.headline.set_index(["generator", "retriever", "metric"]).value
    for name in ROWS:
        known = committed[name, "bm25", "R@10"]
        assert scores[name, "bm25", "R@10"] == pytest.approx(known.value, abs=known.tolerance), AGAIN


def test_rows_have_the_labels_costs_and_inputs_of_the_recorded_run(demo: Result) -> None:
    assert demo.manifest.labels["bart-mm"] == "BART (MM)"
    record = read_record(demo_folder() / "bart-mm.jsonl")
    assert demo.manifest.cells["bart-mm"].fit_s == record.fit_s
    assert demo.modality is not None
    assert set(demo.modality.generator) == set(ROWS)
    assert (demo.out / "training" / "bart-mm.jsonl").is_file()
    assert "written by the run of commit" in demo.manifest.coverage_line


def test_recorded_costs_are_no_estimate_of_a_training_here(demo: Result, tmp_path: Path, cli: Cli) -> None:
    plan = ("run", "--data", "demo", "--generators", "mdvc", "--retrievers", "bm25", "--dry-run", "--store")
    stores = (demo.out.parent / "store", tmp_path)
    after_demo, empty = (
        re.search(r"^mdvc +train, ([^ ]+ [a-z]+)", cli(*plan, store).out, re.MULTILINE) for store in stores
    )
    assert after_demo
    assert empty
    assert after_demo[1] == empty[1]


def test_every_row_is_recorded_or_known() -> None:
    options = demo_options()
    recorded = [name for name in options["generators"] if name.startswith(FILE_PREFIX)]
    assert len(recorded) == 10
    assert all(name in entries("generators") for name in set(options["generators"]) - set(recorded))
    assert len(options["generators"]) == len(recorded_run()["generators"])
    assert sum(path.stat().st_size for path in demo_folder().iterdir()) < 1_000_000


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"seconds": "long"}', "key 'seconds': input should be a valid number"),
        ('{"seconds": "inf"}', "key 'seconds': input should be a valid number"),
        ('{"seconds": 1e999}', "key 'seconds': input should be a finite number"),
        ('{"params": -1}', "key 'params': input should be greater than or equal to 0"),
        ('{"training": [{"epoch": 1e999}]}', "key 'training.0.epoch': input should be a finite number"),
        ('{"modality": [{"modality": "text", "gap": 0.1}]}', "key 'modality.0.ci_low': field required"),
        ('{"label": "\\ud800"}', "invalid json"),
        ('{"labels": "mine"}', "an object with some of the keys"),
    ],
)
def test_a_record_that_is_damaged_is_named(record: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.record.json").write_text(record)
    with pytest.raises(DataError, match=re.escape("mine.record.json: ") + message):
        read_record(tmp_path / "mine.jsonl")


def test_a_run_with_a_damaged_record_ends_with_status_3(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine.jsonl").write_text("")
    (tmp_path / "mine.record.json").write_text('{"seconds": "long"}')
    generator, out = f"file:{tmp_path / 'mine.jsonl'}", tmp_path / "out"
    done = cli("run", "--data", tiny.folder, "--generators", generator, "--retrievers", "bm25", "--out", out)
    assert done.status == 3
    assert "mine.record.json: key 'seconds'" in done.err
